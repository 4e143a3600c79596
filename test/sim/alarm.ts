/**
 * The object's clock, and the one alarm that the platform keeps for it.
 *
 * An alarm goes by the object's own clock, so it moves when that jumps. The platform runs one handler at
 * a time, runs it again when the object died in it, and may lose, delay or repeat one.
 */

import type { SimStorage } from "./storage.ts";
import type { Timeline } from "./timeline.ts";

/** How soon the platform runs an alarm again whose handler died, or waits for one that is running. */
const RETRY_MS = 5_000;

/** What the object takes for the time. */
export class Clock {
  readonly #timeline: Timeline;
  readonly #startMs: number;
  #skewMs = 0;
  /** The furthest that it ever was off, in either direction. */
  skewMostMs = 0;

  constructor(timeline: Timeline, startMs: number) {
    this.#timeline = timeline;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return Math.max(0, Math.floor(this.#startMs + this.#timeline.nowMs + this.#skewMs));
  }

  /** When, on the timeline, this clock shows `atMs`, if it goes on as it does. */
  timeOf(atMs: number): number {
    return atMs - this.#startMs - this.#skewMs;
  }

  jump(skewMs: number): void {
    this.#skewMs = skewMs;
    this.skewMostMs = Math.max(this.skewMostMs, Math.abs(skewMs));
  }
}

export class Alarm {
  readonly #timeline: Timeline;
  readonly #storage: SimStorage;
  readonly #clock: Clock;
  readonly #gapMs: number;
  readonly #isRunning: () => boolean;
  readonly #run: (repeats: boolean) => Promise<void>;
  #cancel: () => void = () => undefined;
  #setForMs: number | null = null;
  #lastMs: number = Number.NEGATIVE_INFINITY;
  /** The next alarm is not run. */
  losesNext = false;
  /** Added to the time of the next alarm that is set. */
  lateMs = 0;
  /** The next alarm is run twice at once. */
  repeatsNext = false;

  constructor(of: {
    readonly timeline: Timeline;
    readonly storage: SimStorage;
    readonly clock: Clock;
    /** The least time between two alarms: a coarse platform, and a fast simulation. */
    readonly alarmGapMs: number;
    readonly isRunning: () => boolean;
    readonly run: (repeats: boolean) => Promise<void>;
  }) {
    this.#timeline = of.timeline;
    this.#storage = of.storage;
    this.#clock = of.clock;
    this.#gapMs = of.alarmGapMs;
    this.#isRunning = of.isRunning;
    this.#run = of.run;
  }

  /** Follows what the object stored, when that changed. */
  schedule(): void {
    const atMs = this.#storage.alarmMs;
    if (atMs === this.#setForMs) return;
    this.#cancel();
    this.#setForMs = atMs;
    if (atMs === null) return;
    const dueMs = this.#clock.timeOf(atMs) + this.lateMs;
    this.lateMs = 0;
    this.#cancel = this.#timeline.at(Math.max(dueMs, this.#lastMs + this.#gapMs), () =>
      this.#fire(),
    );
  }

  /** The clock jumped. */
  moved(): void {
    this.#setForMs = null;
    this.schedule();
  }

  /** The object died in the handler. */
  retry(): void {
    this.#timeline.after(RETRY_MS, () => this.#fire());
  }

  async #fire(): Promise<void> {
    if (this.#isRunning()) {
      this.retry();
      return;
    }
    this.#lastMs = this.#timeline.nowMs;
    this.#setForMs = null;
    const { losesNext, repeatsNext } = this;
    this.losesNext = false;
    this.repeatsNext = false;
    if (!losesNext) {
      await this.#run(repeatsNext);
      return;
    }
    this.#storage.takeAlarm();
    this.#storage.commitTurn();
  }
}
