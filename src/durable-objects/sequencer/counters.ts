/**
 * What this life of the object counted: plain numbers in memory, gone with it.
 *
 * Nothing is decided on them. Whoever draws rates takes differences, and begins anew where `sinceMs`
 * changed. On the platform the clock stands still while code runs, so a duration is the time that
 * something waited, without the turn that ended it.
 */

import {
  type CountersBody,
  type HistogramBody,
  LATENCY_BOUNDS_MS,
} from "../../core/api/overview.ts";
import type { ErrorCode, Rejection } from "../../core/api/rejection.ts";
import type { Result } from "../../core/types/result.ts";
import type { UnixMs } from "../../core/types/units.ts";

/** Durations by the bounds of `LATENCY_BOUNDS_MS`. */
export class Histogram {
  readonly #counts: number[] = Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, () => 0);
  #sumMs = 0;

  /** A clock that went back makes no negative duration. */
  observe(durationMs: number, count = 1): void {
    const ms = Math.max(0, durationMs);
    let bucket = 0;
    while (ms > (LATENCY_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#sumMs += ms * count;
  }

  body(): HistogramBody {
    return { counts: [...this.#counts], sum_ms: this.#sumMs };
  }
}

/** The chunks of one commit, until they are certified. */
type WaitingChunks = { readonly through: number; readonly count: number; readonly atMs: number };

export class Counters {
  readonly sinceMs: UnixMs;
  directs = 0;
  rollbacks = 0;
  opsVoided = 0;
  batchesPosted = 0;
  l1Errors = 0;
  readonly #commit = new Histogram();
  readonly #certificate = new Histogram();
  readonly #rejected: Partial<Record<ErrorCode, number>> = {};
  #heartbeatMs: UnixMs | null = null;
  #calls = 0;
  #included = 0;
  #duplicates = 0;
  /** As many at most as events may wait for a certificate (C6). */
  #uncertified: WaitingChunks[] = [];

  constructor(sinceMs: UnixMs) {
    this.sinceMs = sinceMs;
  }

  /** A call brought ops. */
  called(): void {
    this.#calls++;
  }

  /** The cron heartbeat came. */
  beat(nowMs: UnixMs): void {
    this.#heartbeatMs = nowMs;
  }

  get heartbeatMs(): UnixMs | null {
    return this.#heartbeatMs;
  }

  rejected({ code }: Rejection, count = 1): void {
    this.#rejected[code] = (this.#rejected[code] ?? 0) + count;
  }

  /**
   * A group's commit: what was decided of each op, and when each had arrived. `nextOffset`: of the feed
   * before it. An op with an offset that was given before is one that was included before (I4).
   */
  committed(
    decisions: readonly Result<{ readonly offset: number }, Rejection>[],
    arrivedMs: readonly number[],
    { nextOffset, nowMs }: { readonly nextOffset: number; readonly nowMs: number },
  ): void {
    let next = nextOffset;
    for (let i = 0; i < decisions.length; i++) {
      const decision = decisions[i];
      if (decision?.ok !== true) continue;
      if (decision.value.offset < next) {
        this.#duplicates++;
        continue;
      }
      next = decision.value.offset + 1;
      this.#included++;
      this.#commit.observe(nowMs - (arrivedMs[i] ?? nowMs));
    }
  }

  /** A commit whose last chunk is at this height waits for its certificate. */
  chunksWritten(through: number, count: number, nowMs: number): void {
    this.#uncertified.push({ through, count, atMs: nowMs });
  }

  certified(height: number, nowMs: number): void {
    const due = this.#uncertified.findIndex(({ through }) => through > height);
    const certified = this.#uncertified.splice(0, due === -1 ? this.#uncertified.length : due);
    for (const { atMs, count } of certified) this.#certificate.observe(nowMs - atMs, count);
  }

  /** The epoch ended: what waited is not waited for here any more. */
  endCertifying(): void {
    this.#uncertified = [];
  }

  body(): CountersBody {
    return {
      calls: this.#calls,
      ops_included: this.#included,
      ops_duplicate: this.#duplicates,
      ops_rejected: { ...this.#rejected },
      directs: this.directs,
      rollbacks: this.rollbacks,
      ops_voided: this.opsVoided,
      batches_posted: this.batchesPosted,
      l1_errors: this.l1Errors,
      commit: this.#commit.body(),
      certificate: this.#certificate.body(),
    };
  }
}
