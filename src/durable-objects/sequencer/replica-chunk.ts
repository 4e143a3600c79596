/**
 * One chunk of another leader's log as the rows that it had there (C1, C6).
 *
 * Inside the lane's transaction. The events say which step of the lane comes next, the lane's own draft
 * takes it, and the checker compares what it says. What the log alone cannot decide is asked first, so
 * that no trigger fires on a stranger's bytes: sizes and fees, whether an op is valid in its frame,
 * which direct inputs our own reader found. Signatures of ops are not verified here (I2): a validator
 * in mode `full` does that, and the scheduler.
 */

import type { ChunkEvent } from "../../core/chunk/event.ts";
import { FEE_EXPONENT_MAX } from "../../core/fee/log-fee.ts";
import {
  decideInclusion,
  mustCloseBeforeFrame,
  mustCloseBeforeOp,
} from "../../core/lane/decide.ts";
import { decideAcceptance } from "../../core/scheduler/acceptance.ts";
import { SIGNATURE_BYTES } from "../../core/types/protocol.ts";
import { type BlockNumber, batchNonce, type Offset, type UnixMs } from "../../core/types/units.ts";
import { ChunkChecker, ChunkMismatch, isNextChunk, type LogChunk } from "./chunk-checker.ts";
import { Draft, guarded } from "./draft.ts";
import { EMPTY_LOG, type Memory, ZERO_HASH } from "./memory.ts";
import { openingDraft } from "./open-epoch.ts";
import { beginEra, type Origin } from "./origin.ts";
import { beginAgain, voidFrom } from "./rollback.ts";
import type { Runtime } from "./runtime.ts";
import { frontierNonce } from "./storage/acceptance.ts";
import { inputsOf, loadSafeHead, type StoredDirect } from "./storage/l1-inputs.ts";
import { hasRecordOf, owedDirects, validBatchOf } from "./storage/replica.ts";
import { newestValidRecord } from "./storage/rollback.ts";
import { loadWatermark, raiseWatermark } from "./storage/submission.ts";

type EventOf<K extends ChunkEvent["kind"]> = ChunkEvent & { readonly kind: K };

/** What a replica's first chunk begins with: the genesis state, or the baseline that a rebuild found. */
export type ReplicaOrigin = Pick<Origin, "anchorNonce" | "base" | "state"> & {
  readonly era: Uint8Array;
};

/** The draft is finished. */
export type Projected = { readonly draft: Draft; readonly next: Memory };

/** Throws `ChunkMismatch`. */
export function projectChunk(
  runtime: Runtime,
  memory: Memory,
  chunk: LogChunk,
  nowMs: UnixMs,
): Projected {
  if (!isNextChunk(runtime, chunk, memory)) throw new ChunkMismatch("link", null);
  const checker = new ChunkChecker(runtime, chunk, nowMs);
  return new Projection(runtime, checker, startOf(runtime, memory, chunk, checker, nowMs)).run();
}

/** The same for the chunk at height 0, where there is no history yet. */
export function projectFirstChunk(
  runtime: Runtime,
  origin: ReplicaOrigin,
  chunk: LogChunk,
  nowMs: UnixMs,
): Projected {
  const { era } = origin;
  if (!isNextChunk(runtime, chunk, { era, log: EMPTY_LOG })) throw new ChunkMismatch("link", null);
  const checker = new ChunkChecker(runtime, chunk, nowMs);
  const [frame] = checker.expected;
  if (frame?.kind !== "frame" || frame.fee > FEE_EXPONENT_MAX) return checker.refuse();
  if (!isBeginning(runtime, origin, frame.safeBlock)) throw new ChunkMismatch("origin", null);
  const { epoch } = chunk.stated;
  const draft = beginEra(runtime, { ...origin, frame, epoch, sink: checker });
  return new Projection(runtime, checker, draft).run();
}

/**
 * A genesis stands at the block that our reader has come to: what it read beyond was stored without asking
 * what the scheduler accepts, and an own batch that was accepted up to there is another history's. A
 * rebuilt history stands at its base, before anything beyond it was read (R5).
 */
function isBeginning(runtime: Runtime, { base }: ReplicaOrigin, block: BlockNumber): boolean {
  const head = loadSafeHead(runtime.sql)?.blockNumber ?? -1;
  if (base !== null) return block === base.block && head < block;
  return head === block && !hasAcceptedBatch(runtime);
}

function hasAcceptedBatch({ sql, config }: Runtime): boolean {
  const first = batchNonce(0);
  for (const input of inputsOf(sql, config.submitter, 0)) {
    if (decideAcceptance(first, input, config.submitter).accepted) return true;
  }
  return false;
}

/** A chunk goes on where the last one ended, or begins with a rollback. */
function startOf(
  runtime: Runtime,
  memory: Memory,
  { stated }: LogChunk,
  checker: ChunkChecker,
  nowMs: UnixMs,
): Draft {
  const [event] = checker.expected;
  const { epoch, firstOffset } = stated;
  if (epoch !== memory.log.epoch) {
    if (event?.kind !== "rollback") return checker.refuse();
    return openingDraft(runtime, memory, { epoch, firstOffset, sink: checker }, nowMs);
  }
  return event?.kind === "rollback"
    ? rollBackAs(runtime, memory, checker, nowMs)
    : new Draft(runtime, memory, nowMs, checker);
}

/** R2, F3: voids what the event says, where that is something and nothing that L1 accepted (N9). */
function rollBackAs(runtime: Runtime, memory: Memory, checker: ChunkChecker, nowMs: UnixMs): Draft {
  const { sql, config } = runtime;
  const [rollback, frame] = checker.expected;
  if (rollback?.kind !== "rollback" || frame?.kind !== "frame") return checker.refuse();
  const { keepThrough, pivotBatchNonce } = rollback;
  const pivotIndex = validBatchOf(sql, pivotBatchNonce);
  const isOwing = owedDirects(sql, memory.head, config.submitter).next().done !== true;
  if (pivotIndex === null || pivotBatchNonce < frontierNonce(sql) || isOwing) {
    return checker.refuse();
  }
  const voided = voidFrom(runtime, pivotIndex, nowMs);
  const isBack = frame.safeBlock < voided.drainedThrough || frame.fee > FEE_EXPONENT_MAX;
  if (isBack || !isKept(sql, pivotIndex, keepThrough)) return checker.refuse();
  const { log } = memory;
  const from = { voided: { ...voided, keepThrough }, frame, log, sink: checker };
  return beginAgain(runtime, from, nowMs).draft;
}

/**
 * F3: nothing valid is beyond what is kept, and nothing of what is void now is within it. Where exactly it
 * lies between the two is the leader's, since history that was deleted there moves it up (F8).
 */
function isKept(sql: SqlStorage, pivotIndex: number, keepThrough: Offset): boolean {
  const newest = newestValidRecord(sql);
  const within = { after: newest, through: keepThrough };
  return newest <= keepThrough && !hasRecordOf(sql, pivotIndex, within);
}

/** Drives a draft through the events that its checker still expects, one after the other. */
export class Projection {
  readonly #runtime: Runtime;
  readonly #checker: ChunkChecker;
  readonly #draft: Draft;
  #owed: Iterator<StoredDirect>;
  /** The direct input that must come before anything else. */
  #due: StoredDirect | null;

  constructor(runtime: Runtime, checker: ChunkChecker, draft: Draft) {
    this.#runtime = runtime;
    this.#checker = checker;
    this.#draft = draft;
    this.#owed = this.#owedNow();
    this.#due = this.#takeOwed();
  }

  run(): Projected {
    for (let [event, ...behind] = this.#checker.expected; event !== undefined; ) {
      this.#step(event, behind);
      [event, ...behind] = this.#checker.expected;
    }
    return { draft: this.#draft, next: this.#draft.finish() };
  }

  /** Each step says at least the event that is given, or throws. */
  #step(event: ChunkEvent, [behind, after]: readonly (ChunkEvent | undefined)[]): void {
    if (event.kind === "direct") {
      this.#drain();
      return;
    }
    // N2: a frame's direct inputs come first, all of them.
    if (this.#due !== null) this.#checker.refuse();
    switch (event.kind) {
      case "op":
        this.#include(event);
        return;
      case "frame":
        this.#openFrame(event);
        return;
      case "seal":
        this.#seal(event, behind);
        return;
      case "tally":
        // The draft says it with the seal of a state, and says the same or is refused.
        if (behind?.kind !== "seal" || behind.stateHash === ZERO_HASH) this.#checker.refuse();
        this.#seal(behind, after);
        return;
      case "watermark":
        this.#raise(event.walletNonce);
        return;
      case "rollback":
        // A rollback begins a commit, and with it a chunk.
        this.#checker.refuse();
    }
  }

  #drain(): void {
    const due = this.#due ?? this.#checker.refuse();
    this.#due = this.#takeOwed();
    this.#draft.drainOne(due);
  }

  #include({ sender, nonce, maxFee, data, signature }: EventOf<"op">): void {
    const { head, state } = this.#draft;
    const op = { sender, nonce, maxFee, data, signature };
    const isFit = signature.length === SIGNATURE_BYTES && !mustCloseBeforeOp(head, data.length);
    if (!isFit || guarded(() => decideInclusion(state, op, head)) !== null) this.#checker.refuse();
    this.#draft.include(op);
  }

  #openFrame({ safeBlock, fee }: EventOf<"frame">): void {
    const { head } = this.#draft;
    const isFit =
      safeBlock >= head.safeBlock && fee <= FEE_EXPONENT_MAX && !mustCloseBeforeFrame(head);
    if (!isFit) this.#checker.refuse();
    this.#draft.beginFrame({ safeBlock, fee });
    this.#owed = this.#owedNow();
    this.#due = this.#takeOwed();
  }

  #seal({ stateHash }: EventOf<"seal">, behind: ChunkEvent | undefined): void {
    // No chunk ends between a seal and the frame that opens the next batch.
    if (behind?.kind !== "frame" || behind.fee > FEE_EXPONENT_MAX) this.#checker.refuse();
    this.#draft.seal({ takesSnapshot: stateHash !== ZERO_HASH, fee: behind.fee });
  }

  #raise(walletNonce: number): void {
    const { sql } = this.#runtime;
    if (walletNonce <= (loadWatermark(sql) ?? -1)) this.#checker.refuse();
    raiseWatermark(sql, walletNonce);
    this.#draft.append({ kind: "watermark", walletNonce });
  }

  #owedNow(): Iterator<StoredDirect> {
    const { sql, config } = this.#runtime;
    return owedDirects(sql, this.#draft.head, config.submitter);
  }

  #takeOwed(): StoredDirect | null {
    const { done, value } = this.#owed.next();
    return done === true ? null : value;
  }
}
