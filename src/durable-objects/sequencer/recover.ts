/**
 * Recovery's driver: inspect, decide, perform at most one phase, and inspect again with the next tick (R1).
 *
 * The facts are stored; how far this life has come is in memory only, so that what one life saw on L1 is
 * never believed in the next. A phase that is repeated finds its work done: a flush sees every nonce
 * consumed, a rollback finds nothing to void. Ticks never overlap, so no phase runs beside another one
 * or beside a posting of batches.
 */

import type { RecoveryBody } from "../../core/api/sequencer-api.ts";
import {
  decideRecovery,
  type Phase,
  type Progress,
  type RecoveryDecision,
} from "../../core/recovery/controller.ts";
import type { Danger } from "../../core/recovery/danger.ts";
import type { Repair } from "../../core/recovery/pivot.ts";
import { must } from "../../core/types/assert.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { ok, type Result } from "../../core/types/result.ts";
import type { BlockNumber, UnixMs } from "../../core/types/units.ts";
import type { L1, L1Error, Submitter } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import type { DutiesCommittee } from "./certified-log.ts";
import { type FlushOutcome, flushOnce } from "./flush.ts";
import { inspectRecovery, isSyncDue } from "./inspect.ts";
import type { Lane } from "./lane.ts";
import { rollBack } from "./rollback.ts";
import type { Runtime } from "./runtime.ts";
import { isBaseReached, loadHistory } from "./storage/history.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";

/** The phases that repair something, as health names them. */
type Repairing = RecoveryBody["phase"];

/** What a phase is performed with. `connect` gives one endpoint for all of a step. */
export type Tools = {
  readonly lane: Lane;
  readonly submitter: Submitter;
  readonly connect: () => L1;
};

export class Recovery {
  readonly #runtime: Runtime;
  #progress: Progress;
  #current: { readonly phase: Repairing; readonly sinceMs: UnixMs } | null = null;
  #flushed: FlushOutcome | null = null;
  readonly #committee: DutiesCommittee | null;
  /** No-ops that a node refused as too cheap for their slot: they need higher fees, not more time. */
  readonly #underpriced = new Set<Hash32>();
  /** Whether what was read last ends before the safe head that L1 showed. */
  #isHalfRead = false;

  /** `committee`: null without one. */
  constructor(runtime: Runtime, committee: DutiesCommittee | null = null) {
    this.#runtime = runtime;
    this.#committee = committee;
    this.#progress = { at: isSyncDue(runtime) ? "need-initial-sync" : "inspecting" };
  }

  /** What is decided on the facts as they are now, and the danger among them. Genesis must be done. */
  judge(): { readonly decision: RecoveryDecision; readonly danger: Danger } {
    const facts = inspectRecovery(this.#runtime);
    // R5: below the base of a rebuilt history there is nothing to judge yet.
    const isReading = !isBaseReached(this.#runtime.sql);
    const progress: Progress = isReading ? { at: "need-initial-sync" } : this.#progress;
    return { decision: decideRecovery(facts, progress), danger: facts.danger };
  }

  /**
   * L2: whether batches may be sent now. While a flush consumes the wallet's nonces, none may be; while
   * the view of L1 is unusable, what can still land in time should.
   */
  mayPost(): boolean {
    const { decision } = this.judge();
    return decision.do === "admit" || isWaitingForView(decision);
  }

  /** A reading of L1 came to its safe head, or L1 is silent and danger is decided on stored facts (R1). */
  synced(): void {
    this.#isHalfRead = false;
    if (this.#progress.at === "need-initial-sync") this.#progress = { at: "inspecting" };
  }

  /** Nothing is judged before L1 is read again. */
  readFirst(): void {
    this.#underpriced.clear();
    this.#isHalfRead = false;
    this.#progress = { at: "need-initial-sync" };
    this.#enter(null);
  }

  /** A slice was read and more of L1 is there to be read: what it lacks may have saved what looks late. */
  halfRead(): void {
    this.#isHalfRead = true;
  }

  /**
   * The endpoint that saw the flush complete must also bring the safe head that the rollback needs, so
   * its failure, after which another one may be asked, takes back what it saw (L1). The nonces are
   * consumed all the same: the next endpoint finds that in one tick.
   */
  endpointFailed(): void {
    this.#underpriced.clear();
    if (this.#progress.at === "flushed") this.#progress = { at: "inspecting" };
  }

  /** For health; null while no phase is due. */
  status(): RecoveryBody | null {
    const { decision } = this.judge();
    const phase = decision.do === "phase" ? repairing(decision.phase) : null;
    if (phase === null) return null;
    const nowMs = this.#runtime.now();
    const sinceMs = this.#current?.phase === phase ? this.#current.sinceMs : nowMs;
    const flushed = phase === "flush" ? this.#flushed : null;
    return {
      phase,
      since_s: Math.max(0, Math.floor((nowMs - sinceMs) / 1000)),
      flush_from: flushed?.from ?? null,
      flush_to: flushed?.to ?? null,
      is_capped: flushed?.isCapped ?? false,
      is_over_budget: flushed?.isOverBudget ?? false,
    };
  }

  /** One tick's step. True when the next one can be taken at once. */
  async step(tools: Tools): Promise<Result<boolean, L1Error>> {
    if (loadHistory(this.#runtime.sql) === null) return ok(false);
    const { decision } = this.judge();
    if (decision.do !== "phase") {
      this.#enter(null);
      // Nothing is left to do, or what was done must be looked at anew.
      if (!isWaitingForSync(this.#progress)) this.#progress = { at: "inspecting" };
      return ok(false);
    }
    // The next slice is read at once. What a complete flush has begun goes on: it names its own safe block.
    if (this.#isHalfRead && this.#progress.at === "inspecting") return ok(false);
    this.#enter(repairing(decision.phase));
    return await this.#perform(decision.phase, tools);
  }

  async #perform(phase: Phase, tools: Tools): Promise<Result<boolean, L1Error>> {
    switch (phase.name) {
      case "initial-sync":
        // The reading duty performs it, and says so by `synced`.
        return ok(false);
      case "ensure-open-tip":
        // Every transaction that voids or seals a batch opens the next one, so none is ever missing.
        return must<never>(null, "N8: exactly one batch is open");
      case "flush":
        return await this.#flush(tools);
      case "post-flush-sync":
        return ok(this.#awaitSafeHead(phase.safeBlock));
      case "cascade":
      case "recover-tip":
        this.#rollBack(phase.name, tools.lane);
        return ok(true);
    }
  }

  /**
   * R2: one tick of the flush. When everything is consumed, the safe block is read after that was seen,
   * so that the block at which it became true is at or below it.
   */
  async #flush({ lane, submitter, connect }: Tools): Promise<Result<boolean, L1Error>> {
    const flusher = {
      runtime: this.#runtime,
      lane,
      submitter,
      underpriced: this.#underpriced,
      // Asked after every wait for L1: the epoch may have ended meanwhile (C6).
      isDecided: () => (this.#committee?.leads() ?? true) && this.#decides("flush"),
      certified: this.#committee?.log ?? null,
    };
    const outcome = await flushOnce(flusher, connect());
    if (!outcome.ok) return outcome;
    this.#noteFlush(outcome.value);
    const { settledAt } = outcome.value;
    if (settledAt === null) return ok(false);
    this.#progress = { at: "flushed", safeBlock: settledAt };
    this.#underpriced.clear();
    this.#enter(null);
    return ok(true);
  }

  /** R2: what L1 accepted before the flush was complete must be known before anything is voided. */
  #awaitSafeHead(required: BlockNumber): boolean {
    const head = loadSafeHead(this.#runtime.sql);
    if (head === null || head.blockNumber < required) return false;
    this.#progress = { at: "post-flush-synced", safeBlock: required };
    this.#enter(null);
    return true;
  }

  /**
   * No `await` lies between the decision and the transaction, so what was decided still holds there; the
   * pivot is decided inside it.
   */
  #rollBack(repair: Repair, lane: Lane): void {
    const rollback = lane.renew(() => rollBack(this.#runtime, repair));
    this.#progress = { at: "repaired" };
    this.#enter(null);
    if (rollback === null) return;
    log("warn", "rolled-back", {
      generation: rollback.generation,
      keep_through: rollback.keepThrough,
      pivot_batch_nonce: rollback.pivotBatchNonce,
      voided_batches: rollback.voidedBatches,
      voided_ops: rollback.voidedOps,
    });
  }

  #decides(name: Phase["name"]): boolean {
    const { decision } = this.judge();
    return decision.do === "phase" && decision.phase.name === name;
  }

  /** Says in the log when a phase begins and how long it took. */
  #enter(phase: Repairing | null): void {
    if ((this.#current?.phase ?? null) === phase) return;
    const nowMs = this.#runtime.now();
    if (this.#current !== null) {
      const durationMs = nowMs - this.#current.sinceMs;
      log("info", "recovery-phase-ended", { phase: this.#current.phase, duration_ms: durationMs });
    }
    if (phase !== null) log("warn", "recovery-phase-began", { phase });
    this.#current = phase === null ? null : { phase, sinceMs: nowMs };
    if (phase !== "flush") this.#flushed = null;
  }

  /** An operator must raise the cap or the budget, or wait for cheaper gas: said once, not every tick. */
  #noteFlush(outcome: FlushOutcome): void {
    const { from, to, isCapped, isOverBudget } = outcome;
    const before = this.#flushed ?? { isCapped: false, isOverBudget: false };
    this.#flushed = outcome;
    if (isCapped === before.isCapped && isOverBudget === before.isOverBudget) return;
    log("warn", "flush-limits", { from, to, is_capped: isCapped, is_over_budget: isOverBudget });
  }
}

function repairing(phase: Phase): Repairing | null {
  return phase.name === "initial-sync" || phase.name === "ensure-open-tip" ? null : phase.name;
}

function isWaitingForView(decision: RecoveryDecision): boolean {
  return decision.do === "retry" && decision.why === "view-unusable";
}

function isWaitingForSync(progress: Progress): boolean {
  return progress.at === "need-initial-sync";
}
