/**
 * One lane commit in the making: rows, feed records and log events that land together or not at all.
 *
 * Lives inside one transaction. It moves a copy of the head; the lane installs that copy only after
 * the transaction returned. The application state is executed in place, which is why a failed
 * transaction drops the memory. Rules S5, S6, I3, C1, V1.
 */

import type { OpPlace, SignedUserOp } from "../../core/api/sequencer-api.ts";
import type { ApplicationState } from "../../core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../../core/application/execute.ts";
import type { ChunkEvent } from "../../core/chunk/event.ts";
import type { FeedRecord } from "../../core/feed/record.ts";
import { mustCloseBeforeFrame } from "../../core/lane/decide.ts";
import {
  drainDirect,
  type FrameStart,
  type Head,
  includeOp,
  openBatch,
  openFrame,
} from "../../core/lane/head.ts";
import { assert } from "../../core/types/assert.ts";
import { hashFromBytes } from "../../core/types/hex.ts";
import {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  type FeeExponent,
  feeExponent,
  type Offset,
  offset,
  type UnixMs,
} from "../../core/types/units.ts";
import { encodeBatch } from "../../core/wire/batch.ts";
import { ChunkWriter, type EventSink, type Written } from "./chunk-writer.ts";
import { type Memory, type SnapshotMark, ZERO_HASH } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import {
  insertBatch,
  insertDirect,
  insertFrame,
  insertUserOp,
  loadWireBatch,
  sealBatch,
} from "./storage/inclusion.ts";
import { directsBetween, type StoredDirect } from "./storage/l1-inputs.ts";
import { loadPolicy } from "./storage/policy.ts";
import { insertSnapshot } from "./storage/snapshots.ts";
import { tallyOf } from "./tally.ts";

/** V1: a seal carries a snapshot after this many executed inputs. */
export const SNAPSHOT_INPUTS = 5_000;

/** Records of one commit that are held for readers; a genesis or a rollback may drain far more. */
const TOLD_BYTES_MAX = 4 * 1024 * 1024;
/** What a record weighs beside its payload, about. */
const RECORD_BYTES = 256;

/** Whether a seal carries a snapshot (V1), and the fee of the frame behind it. */
export type SealTerms = { readonly takesSnapshot: boolean; readonly fee: FeeExponent };

/** A bug of the mounted application: it threw where it must not. */
export class ApplicationFault extends Error {
  override readonly name: string = "ApplicationFault";
}

export class Draft {
  readonly #runtime: Runtime;
  readonly #memory: Memory;
  readonly #nowMs: UnixMs;
  readonly #chunks: EventSink;
  #head: Head;
  #snapshot: SnapshotMark;
  #targetBytes: number;
  #records: FeedRecord[] | null = [];
  #toldBytes = 0;
  #directs = 0;

  /** `sink`: where the events go; a leader writes them into chunks. */
  constructor(runtime: Runtime, memory: Memory, nowMs: UnixMs, sink: EventSink | null = null) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#nowMs = nowMs;
    this.#chunks = sink ?? new ChunkWriter(runtime, memory, nowMs);
    this.#head = memory.head;
    this.#snapshot = memory.snapshot;
    this.#targetBytes = memory.targetBytes;
  }

  get head(): Head {
    return this.#head;
  }

  /** What readers are told after the commit; null when that is so much that they are to read it. */
  get records(): readonly FeedRecord[] | null {
    return this.#records;
  }

  /** Direct inputs that were drained. */
  get directs(): number {
    return this.#directs;
  }

  /** The commit's chunks, once `finish` was called; none without a committee. */
  get written(): Written {
    return this.#chunks.written;
  }

  /** The state as executed so far. */
  get state(): ApplicationState {
    return this.#memory.state;
  }

  get targetBytes(): number {
    return this.#targetBytes;
  }

  /** Executes and appends an op that the lane decided to include. */
  include(op: SignedUserOp): OpPlace {
    const { batchIndex, frame, opsInFrame, fee, safeBlock } = this.#head;
    guarded(() => executeUserOp(this.#memory.state, { ...op, fee }, safeBlock));
    insertUserOp(
      this.#runtime.sql,
      { ...op, batchIndex, frame, position: opsInFrame },
      this.#nowMs,
    );
    const confirmation = {
      offset: this.#chunks.takeOffset(),
      batchNonce: this.#head.batchNonce,
      frameFee: fee,
    };
    const placed = { ...op, ...confirmation, frame, fee, safeBlock };
    this.append({ kind: "op", ...placed, maxFee: feeExponent(op.maxFee) });
    this.#tell({ kind: "user_op", ...placed }, op.data.length);
    this.#head = includeOp(this.#head, op.data.length, this.#nowMs);
    return confirmation;
  }

  /** S5: opens a frame at `safeHead` and drains every newly covered direct input into it. */
  openFrame(safeHead: BlockNumber): void {
    if (mustCloseBeforeFrame(this.#head)) this.seal();
    const after = this.#head.safeBlock;
    const fee = loadPolicy(this.#runtime.sql).recommendedFee;
    this.beginFrame({ fee, safeBlock: safeHead });
    this.drain(after);
  }

  /** Opens a frame, and leaves what it is to drain to the caller. */
  beginFrame(start: FrameStart): void {
    this.#head = openFrame(this.#head, start);
    this.#insertOpenFrame();
  }

  /**
   * Executes the direct inputs of the blocks after `after` up to the open frame's block, however many:
   * they are read in pages, and what is written of them is cut into chunks.
   */
  drain(after: number): void {
    const { sql, config } = this.#runtime;
    const through = this.#head.safeBlock;
    for (const direct of directsBetween(sql, { after, through, submitter: config.submitter })) {
      this.drainOne(direct);
    }
  }

  /** The next direct input that the open frame covers. */
  drainOne(direct: StoredDirect): void {
    const { batchIndex, batchNonce: nonce, frame } = this.#head;
    guarded(() => executeDirectInput(this.#memory.state, direct));
    insertDirect(this.#runtime.sql, { batchIndex, frame, inputIndex: direct.inputIndex });
    const placed = { ...direct, offset: this.#chunks.takeOffset(), batchNonce: nonce, frame };
    this.append({ kind: "direct", ...placed });
    this.#tell({ kind: "direct_input", ...placed }, direct.payload.length);
    this.#head = drainDirect(this.#head, this.#nowMs);
    this.#directs++;
  }

  /** F3: what was promised beyond `keepThrough` is void, for the log and for readers. */
  rollBack(rollback: {
    readonly keepThrough: Offset;
    readonly generation: number;
    readonly pivotBatchNonce: BatchNonce;
  }): void {
    const { keepThrough, generation } = rollback;
    const at = this.#chunks.takeOffset();
    this.append({ kind: "rollback", offset: at, ...rollback });
    this.#tell({ kind: "rollback", offset: at, keepThrough, generation }, 0);
  }

  /** Inserts batch and frame rows of the head as it stands. `parentIndex` null: the root. */
  insertOpenBatch(parentIndex: number | null): void {
    const { batchIndex, batchNonce: nonce } = this.#head;
    insertBatch(this.#runtime.sql, { batchIndex, parentIndex, nonce }, this.#nowMs);
    this.#insertOpenFrame();
  }

  /**
   * S6: seals the open batch and opens its successor at the unchanged block. `told`: what the log says of
   * a seal that was decided elsewhere.
   */
  seal(told: SealTerms | null = null): void {
    const { sql } = this.#runtime;
    const sealed = this.#head;
    const payload = encodeBatch(loadWireBatch(sql, sealed.batchIndex));
    assert(payload.length === sealed.batchBytes, "S6: the head knows the batch's real size");
    const payloadHash = hashFromBytes(this.#runtime.keccak(payload));
    const { executedInputCount } = this.#memory.state.progress();
    const takesSnapshot = told?.takesSnapshot ?? this.#isSnapshotDue(executedInputCount);
    const stateHash = takesSnapshot ? this.#takeSnapshot(executedInputCount) : ZERO_HASH;
    if (takesSnapshot && this.#runtime.config.committee !== null) {
      this.append(tallyOf(this.#runtime));
    }
    sealBatch(
      sql,
      { batchIndex: sealed.batchIndex, payloadHash, payloadBytes: payload.length },
      this.#nowMs,
    );
    const nonce = sealed.batchNonce;
    const seal = { batchNonce: nonce, payloadHash, stateHash, executedInputs: executedInputCount };
    this.append({ kind: "seal", ...seal });
    const policy = loadPolicy(sql);
    this.#targetBytes = policy.batchTargetBytes;
    this.#head = openBatch(
      sealed,
      batchNonce(0),
      { fee: told?.fee ?? policy.recommendedFee, safeBlock: sealed.safeBlock },
      this.#nowMs,
    );
    this.insertOpenBatch(sealed.batchIndex);
  }

  append(event: ChunkEvent): void {
    this.#chunks.append(event);
  }

  /** Writes the last chunk and returns the memory after the commit. Call it last, once. */
  finish(): Memory {
    const { era, state } = this.#memory;
    return {
      era,
      state,
      head: this.#head,
      log: this.#chunks.finish(),
      snapshot: this.#snapshot,
      targetBytes: this.#targetBytes,
    };
  }

  #tell(record: FeedRecord, payloadBytes: number): void {
    this.#toldBytes += payloadBytes + RECORD_BYTES;
    if (this.#toldBytes > TOLD_BYTES_MAX) this.#records = null;
    this.#records?.push(record);
  }

  #insertOpenFrame(): void {
    const { batchIndex, batchNonce: nonce, frame, fee, safeBlock } = this.#head;
    insertFrame(this.#runtime.sql, { batchIndex, frame, fee, safeBlock }, this.#nowMs);
    this.append({ kind: "frame", batchNonce: nonce, frame, safeBlock, fee });
  }

  #isSnapshotDue(executedInputCount: number): boolean {
    const { takenAtMs, executedInputCount: before } = this.#snapshot;
    const inputs = executedInputCount - before;
    // A clock that went back must not stop snapshots for as long as it is behind.
    const ageMs = Math.abs(this.#nowMs - takenAtMs);
    return inputs >= SNAPSHOT_INPUTS || ageMs >= this.#runtime.config.timing.snapshotMs;
  }

  #takeSnapshot(executedInputCount: number) {
    const state = guarded(() => this.#memory.state.snapshot());
    assert(
      state.length <= this.#runtime.application.stateBytesMax,
      "V1: the state keeps its bound",
    );
    this.#snapshot = { executedInputCount, takenAtMs: this.#nowMs };
    return insertSnapshot(
      this.#runtime.sql,
      {
        batchIndex: this.#head.batchIndex,
        l2TxIndex: offset(this.#chunks.nextOffset - 1),
        executedInputCount,
        state,
      },
      this.#nowMs,
    );
  }
}

/** Names the application as the culprit of whatever `run` throws (P§4.1 row 21). */
export function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new ApplicationFault("the application threw", { cause });
  }
}
