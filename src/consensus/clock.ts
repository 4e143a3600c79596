/** Time, randomness and signatures as the drivers see them: injected, so that a simulation owns them. */

import type { Claim } from "../core/consensus/claim.ts";
import type { Schemes } from "../core/consensus/types.ts";
import type { Result } from "../core/types/result.ts";
import type { Transport } from "./transport.ts";

export type Clock = {
  /** Milliseconds since some beginning; never goes back. */
  readonly nowMs: () => number;
  /** Runs `run` once at or after that time; the answer cancels it. */
  readonly at: (atMs: number, run: () => void) => () => void;
};

/** Who judges signatures: at once for a simulation, through the platform otherwise. */
export type Judge = {
  readonly schemes: Schemes;
  /** The claim's value, if every check of it passes; never rejects. */
  readonly settle: <T>(claim: Claim<T>) => Promise<Result<T, "signature">>;
};

export type Surroundings = {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly transport: Transport;
  readonly judge: Judge;
};

/** The platform's own time. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  at: (atMs, run) => {
    const timer = setTimeout(run, Math.max(0, atMs - performance.now()));
    return () => clearTimeout(timer);
  },
};

/** One timer, always at the earliest time that was asked for. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #atMs: number = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Sets it anew; infinity switches it off. */
  set(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.#cancel?.();
    this.#cancel = null;
    this.#atMs = atMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.at(atMs, () => {
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#cancel = null;
      this.#ring();
    });
  }
}

/** An event of a step function without what its driver adds to each: time, and a random number. */
export type Untimed<E> = E extends unknown ? Omit<E, "nowMs" | "unit"> : never;
