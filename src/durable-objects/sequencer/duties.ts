/**
 * The pulse: one alarm, and every duty that hangs on it (L4).
 *
 * A tick runs the duties that are due, one after the other, and sets the alarm to the earliest next
 * deadline. Duties are idempotent and bounded, so an alarm that comes twice finds nothing to do, and
 * one that comes late does the same work later. The handler never throws: a duty's failure is
 * recorded and the duty is tried again after a growing pause. Ticks never overlap. If the object dies
 * in a tick, the platform runs the alarm again; if the alarm itself is lost, the cron heartbeat sets
 * it anew.
 */

import { ok, type Result } from "../../core/types/result.ts";
import { SLICE_BLOCKS_MAX } from "../../l1/inputs.ts";
import type { L1, L1Error, Submitter } from "../../l1/l1.ts";
import { errorName, log } from "../shared/log.ts";
import type { DutiesCommittee } from "./certified-log.ts";
import type { Counters } from "./counters.ts";
import { BACKOFF_MS_MAX, type DutyClock, runDue } from "./duty-clock.ts";
import { Endpoints, isSilence } from "./endpoints.ts";
import type { Feed } from "./feed.ts";
import { isOurs, readPollMs } from "./inspect.ts";
import { Landings } from "./landings.ts";
import type { Lane } from "./lane.ts";
import { postDuty } from "./post-duty.ts";
import { pinIdentity, readL1 } from "./read-l1.ts";
import type { Recovery } from "./recover.ts";
import { moveCheckpoint, retain } from "./retain.ts";
import type { Runtime } from "./runtime.ts";
import type { Snapshots } from "./serve-snapshots.ts";
import type { Service } from "./service.ts";
import { loadHistory } from "./storage/history.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { isRebuildAwaited } from "./storage/rebuild.ts";
import type { SubmitterBalance } from "./submitter-balance.ts";

const HOUSEKEEPING_MS = 2_000;
/** Retention pages of one tick. */
const RETENTION_PAGES_MAX = 4;
/** No tick sets the alarm as far ahead as this. */
const ALARM_AHEAD_MS_MAX = 2 * BACKOFF_MS_MAX;

export type Parts = {
  readonly runtime: Runtime;
  readonly recovery: Recovery;
  readonly service: Service;
  readonly lane: Lane;
  readonly feed: Feed;
  readonly snapshots: Snapshots;
  readonly submitter: Submitter;
  readonly counters: Counters;
  readonly balance: SubmitterBalance;
  /** Absent or null without a committee. */
  readonly committee?: DutiesCommittee | null;
};

export class Duties {
  readonly #parts: Parts;
  readonly #read: DutyClock = { dueAtMs: 0, failures: 0 };
  readonly #recover: DutyClock = { dueAtMs: 0, failures: 0 };
  readonly #post: DutyClock = { dueAtMs: 0, failures: 0 };
  readonly #keep: DutyClock = { dueAtMs: 0, failures: 0 };
  readonly #landings = new Landings();
  readonly #endpoints: Endpoints;
  /** Halved when an endpoint does not answer in time, doubled when it does. */
  #sliceBlocks = SLICE_BLOCKS_MAX;
  #isTicking = false;
  /** Whether frames and closings succeeded in the last tick. */
  #isAdvancing = true;
  /** C7: batches, or a flush, wait for a certificate. */
  #isUncertified = false;
  /** C6: more of the log that is followed came while a step was under way. */
  #isMoreToFollow = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#endpoints = new Endpoints(parts.runtime);
  }

  /** The alarm's handler. */
  async tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      // A database of another deployment is not read into, not written to and not posted from.
      if (!isOurs(this.#parts.runtime)) return;
      await this.#runDue(this.#read, () => this.#readDuty());
      this.#parts.balance.refresh(this.#parts.runtime.config.submitter, this.#endpoints.connect);
      // Before the open batch may close: one in danger is voided without a flush only while it is open.
      await this.#runDue(this.#recover, () => this.#recoverDuty(), this.#blockMs());
      this.#advance();
      await this.#runDue(this.#post, () => this.#postDuty());
      await this.#runDue(this.#keep, () => this.#keepDuty());
      this.#parts.feed.pump();
    } catch (error) {
      log("error", "tick-failed", { error: errorName(error) });
    } finally {
      this.#isTicking = false;
      this.#parts.service.derive();
      await this.#parts.runtime.storage.setAlarm(this.#nextAtMs());
    }
  }

  /**
   * Sets the alarm if it may be lost: missing, due already, or far ahead of a clock that went back.
   * Safe to call at any time: an alarm too many finds nothing due.
   */
  async ensureAlarm(): Promise<void> {
    if (this.#isTicking) return;
    const { storage, now } = this.#parts.runtime;
    const alarmMs = await storage.getAlarm();
    // The tick that began meanwhile sets the alarm when it ends.
    if (this.#isTicking) return;
    const isAhead = alarmMs !== null && alarmMs > now() && alarmMs < now() + ALARM_AHEAD_MS_MAX;
    if (!isAhead) await storage.setAlarm(now());
  }

  /** A certificate came: what waited for it goes on, after a tick that is under way. */
  certified(): void {
    if (!this.#isUncertified) return;
    this.#isUncertified = false;
    this.#post.dueAtMs = 0;
    this.#recover.dueAtMs = 0;
    this.#tickNow();
  }

  /** More of the log that is followed is there, or an epoch is to be opened, or is open now. */
  followMore(): void {
    this.#isMoreToFollow = true;
    this.#read.dueAtMs = 0;
    this.#tickNow();
  }

  /** C6: this object leads now: L1 is read, and everything else asked, at once. */
  beginLeading(): void {
    this.#recover.dueAtMs = 0;
    this.#post.dueAtMs = 0;
    this.followMore();
  }

  /** A tick that is under way sets the alarm itself, when it ends. */
  #tickNow(): void {
    const { storage, now } = this.#parts.runtime;
    if (!this.#isTicking) void storage.setAlarm(now());
  }

  readonly #follows = (): boolean => this.#parts.committee?.follows() ?? false;
  readonly #leads = (): boolean => this.#parts.committee?.leads() ?? true;

  #runDue(
    clock: DutyClock,
    duty: () => Promise<Result<number, L1Error>>,
    pauseMsMax: number = BACKOFF_MS_MAX,
  ): Promise<void> {
    const { now, random } = this.#parts.runtime;
    const onL1Error = (error: L1Error): void => this.#onL1Error(error);
    return runDue(clock, duty, { now, random, pollMs: this.#pollMs(), pauseMsMax, onL1Error });
  }

  /** The next tick uses the next endpoint of the list. */
  #onL1Error(error: L1Error): void {
    this.#endpoints.next();
    this.#parts.recovery.endpointFailed();
    this.#parts.counters.l1Errors++;
    log("warn", "l1-error", { reason: error.reason, code: error.code });
  }

  async #readDuty(): Promise<Result<number, L1Error>> {
    const { runtime, recovery, service, lane } = this.#parts;
    if (this.#follows()) return await this.#followDuty();
    // R5: whatever lies beyond is read, and judged, when a rebuild has said where to begin.
    if (isRebuildAwaited(runtime.sql)) return ok(this.#pollMs());
    const l1 = this.#endpoints.connect();
    const outcome = await this.#readOnce(l1);
    if (!outcome.ok) {
      if (outcome.error.reason === "timeout") {
        this.#sliceBlocks = Math.max(1, Math.floor(this.#sliceBlocks / 2));
      }
      // A warm object goes on from stored facts when L1 is silent: danger decides (R1).
      if (loadHistory(runtime.sql) !== null && isSilence(outcome.error)) recovery.synced();
      return outcome;
    }
    this.#sliceBlocks = Math.min(SLICE_BLOCKS_MAX, this.#sliceBlocks * 2);
    // What was read may be a divergence: no op is taken while the rest of the tick waits for L1 (N15).
    service.derive();
    // Nor does a danger that was read wait for recovery's own clock.
    if (outcome.value.advanced) this.#recover.dueAtMs = 0;
    if (!outcome.value.reachedSafeHead) {
      recovery.halfRead();
      return ok(0);
    }
    const head = loadSafeHead(runtime.sql);
    const mayBegin = this.#parts.committee?.mayBegin() ?? true;
    const isEmpty = loadHistory(runtime.sql) === null && !isRebuildAwaited(runtime.sql);
    if (isEmpty && mayBegin && head !== null) {
      lane.genesis(head.blockNumber, runtime.randomBytes(16));
    }
    recovery.synced();
    return ok(this.#pollMs());
  }

  async #followDuty(): Promise<Result<number, L1Error>> {
    this.#isMoreToFollow = false;
    const reading = { connect: this.#endpoints.connect, sliceBlocks: this.#sliceBlocks };
    const followed = (await this.#parts.committee?.follow(reading)) ?? ok(false);
    if (!followed.ok) return followed;
    return ok(followed.value || this.#isMoreToFollow ? 0 : this.#pollMs());
  }

  async #readOnce(l1: L1) {
    const { runtime } = this.#parts;
    const identity = await pinIdentity(runtime, l1);
    return identity.ok ? readL1(runtime, l1, identity.value, this.#sliceBlocks) : identity;
  }

  /** At most one phase of recovery, or nothing where none is due (R1). */
  async #recoverDuty(): Promise<Result<number, L1Error>> {
    const { recovery, service, lane, submitter, committee } = this.#parts;
    if (!this.#leads()) return ok(this.#pollMs());
    try {
      const stepped = await recovery.step({ lane, submitter, connect: this.#endpoints.connect });
      service.fault("recovery", false);
      // A rollback may have made it serving again: nobody waits for the rest of the tick.
      service.derive();
      if (!stepped.ok) return stepped;
      if (committee != null && recovery.status() !== null) {
        this.#isUncertified = true;
        committee.hurry();
      }
      return ok(stepped.value ? 0 : this.#pollMs());
    } catch (error) {
      // A rollback that throws changed nothing, and will throw again until the cause is removed.
      service.fault("recovery", true);
      throw error;
    }
  }

  /** Frames and closings need no L1: they are decided after every reading and at their deadline. */
  #advance(): void {
    const { lane, service } = this.#parts;
    this.#isAdvancing = false;
    try {
      lane.advance();
      this.#isAdvancing = true;
      service.fault("advance", false);
    } catch (error) {
      // The order cannot be continued: an application that throws on an input, or a broken invariant.
      log("error", "advance-failed", { error: errorName(error) });
      service.fault("advance", true);
    }
  }

  async #postDuty(): Promise<Result<number, L1Error>> {
    const idleMs = this.#parts.runtime.config.timing.submitterIdlePollMs;
    if (this.#follows()) return ok(idleMs);
    const mayPost = () => this.#leads() && this.#parts.recovery.mayPost();
    const certified = this.#parts.committee?.log ?? null;
    const poster = { ...this.#parts, landings: this.#landings, mayPost, certified };
    const outcome = await postDuty(poster, this.#endpoints.connect);
    if (!outcome.ok) return outcome;
    this.#isUncertified ||= outcome.value.isUncertified === true;
    return ok(outcome.value.waiting > 0 ? Math.min(idleMs, this.#pollMs()) : idleMs);
  }

  #keepDuty(): Promise<Result<number, L1Error>> {
    const { runtime } = this.#parts;
    if (loadHistory(runtime.sql) === null) return Promise.resolve(ok(HOUSEKEEPING_MS));
    this.#parts.snapshots.collectGarbage();
    if (this.#follows()) moveCheckpoint(runtime);
    let isMoreDue = true;
    for (let page = 0; isMoreDue && page < RETENTION_PAGES_MAX; page++) isMoreDue = retain(runtime);
    return Promise.resolve(ok(isMoreDue ? 0 : HOUSEKEEPING_MS));
  }

  #pollMs(): number {
    return readPollMs(this.#parts.runtime.config.timing.secondsPerBlock);
  }

  /** While L1 makes a block, a recovery that failed is tried again: it has no time to lose. */
  #blockMs(): number {
    return Math.min(BACKOFF_MS_MAX, this.#parts.runtime.config.timing.secondsPerBlock * 1000);
  }

  #nextAtMs(): number {
    const { lane, runtime } = this.#parts;
    const clocks = [this.#read, this.#recover, this.#post, this.#keep];
    const deadlines = clocks.map((clock) => clock.dueAtMs);
    try {
      if (!isOurs(runtime)) return runtime.now() + BACKOFF_MS_MAX;
      // A batch that cannot be closed stays due: the next reading tries again, not every turn.
      const closeAtMs = this.#isAdvancing ? lane.nextCloseAtMs() : null;
      if (closeAtMs !== null) deadlines.push(closeAtMs);
    } catch (error) {
      log("error", "deadline-failed", { error: errorName(error) });
    }
    // At most once in 20 ms: a deadline that stays due must not become a busy loop.
    return Math.max(Math.min(...deadlines), runtime.now() + 20);
  }
}
