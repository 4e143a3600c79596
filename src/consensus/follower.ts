/** Keeps the log of a candidate that does not lead close to what is certified: a takeover is then short. */

import { Alarm, type Clock } from "./clock.ts";

export type FollowerOptions = {
  readonly clock: Clock;
  readonly everyMs: number;
  /** One page; says whether the log grew: then there may be more. */
  readonly follow: () => Promise<boolean>;
  /** Not while somebody else writes to the log. */
  readonly mayFollow: () => boolean;
  readonly grew: () => void;
  readonly failed: (error: unknown) => void;
};

export class Follower {
  readonly #options: FollowerOptions;
  readonly #alarm: Alarm;
  #isRunning = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => {
      void this.#look().catch(options.failed);
    });
  }

  start(): void {
    this.#isRunning = true;
    this.#later();
  }

  stop(): void {
    this.#isRunning = false;
    this.#alarm.set(Number.POSITIVE_INFINITY);
  }

  #later(): void {
    const { clock, everyMs } = this.#options;
    if (this.#isRunning) this.#alarm.set(clock.nowMs() + everyMs);
  }

  async #look(): Promise<void> {
    const { follow, mayFollow, grew } = this.#options;
    while (this.#isRunning && mayFollow() && (await follow())) grew();
    this.#later();
  }
}
