/**
 * Beginning in the middle of a log whose first chunks are gone: from a state that a certified seal names.
 *
 * Which state may be used: that of a batch which L1 has accepted, as our own reader found, byte for byte
 * what the seal says, and from whose seal on every chunk is kept. Then each batch that may still be posted
 * comes after it, and is in chunks; behind a younger state there would be batches that nobody here could
 * post. It is what a leader keeps, too (F8). The certificate over the seal's chunk is the caller's to check.
 *
 * The tables look as they do where retention deleted everything up to that seal: the batch with its frames
 * as they are on L1, its acceptance, its state; no record. The reader may read as far as it likes before;
 * landings behind that batch are judged when the log has come as far as the reader (`settleLandings`).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { ApplicationState } from "../../core/application/application.ts";
import type { ChunkEvent } from "../../core/chunk/event.ts";
import { isOfHistory } from "../../core/consensus/signed-header.ts";
import { openBatch } from "../../core/lane/head.ts";
import { must } from "../../core/types/assert.ts";
import { hashFromBytes } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import {
  batchNonce,
  blockNumber,
  feeExponent,
  type Offset,
  offset,
  type UnixMs,
} from "../../core/types/units.ts";
import { type Batch, decodeBatch } from "../../core/wire/batch.ts";
import { transact } from "../shared/transact.ts";
import {
  ChunkChecker,
  ChunkMismatch,
  type LogChunk,
  NOTHING_WRITTEN,
  readChunk,
} from "./chunk-checker.ts";
import { Draft } from "./draft.ts";
import type { Renewal } from "./lane.ts";
import type { Memory } from "./memory.ts";
import { judgeStored } from "./read-l1.ts";
import type { Follower } from "./replica.ts";
import { Projection } from "./replica-chunk.ts";
import type { Runtime } from "./runtime.ts";
import { insertAcceptance } from "./storage/acceptance.ts";
import { loadHistory } from "./storage/history.ts";
import { insertBatch, insertFrame, sealBatch } from "./storage/inclusion.ts";
import { forgetPayload, inputsOf, loadSafeHead, type StoredDirect } from "./storage/l1-inputs.ts";
import { loadPolicy } from "./storage/policy.ts";
import type { ReceivedChunk } from "./storage/replica.ts";
import {
  type Beginning,
  deleteBeginning,
  insertBeginning,
  insertLaterHistory,
  loadBeginning,
} from "./storage/replica-beginning.ts";
import { insertSnapshot } from "./storage/snapshots.ts";
import { raiseWatermark } from "./storage/submission.ts";

/** A state with the chunk that has its seal, and what the log up to the seal amounts to. */
export type LogSnapshot = {
  readonly chunk: ReceivedChunk;
  readonly state: Uint8Array;
  /** Rollbacks up to the seal; the next one in the log checks it. */
  readonly generation: number;
  /** The watermark at the seal; null: none. */
  readonly watermark: number | null;
};

/**
 * `chunk`: it is not what its header says, not of this era, or goes on behind the seal as no leader would.
 * `seal`: none in it names this state. `state`:
 * not one of this application after so many inputs. `tables`: they hold something already. `unread`: the
 * reader has not come to the batch yet, or L1 has not accepted it: read on, or take an older state.
 * `landing`: L1 accepted another batch there.
 */
export type SnapshotProblem = "chunk" | "seal" | "state" | "tables" | "unread" | "landing";

type SealEvent = ChunkEvent & { readonly kind: "seal" };
type FrameEvent = ChunkEvent & { readonly kind: "frame" };

/** A seal in its chunk, and the frame behind it. */
type Sealed = {
  readonly chunk: LogChunk;
  readonly index: number;
  readonly seal: SealEvent;
  readonly opened: FrameEvent;
};

/** Lets the reader look for the state's batch. Asked again with the same state it changes nothing. */
export function planBeginning(
  { runtime, origin }: Follower,
  snapshot: LogSnapshot,
): Result<null, SnapshotProblem> {
  const sealed = findSeal(runtime, origin.era, snapshot);
  if (!sealed.ok) return sealed;
  const { sql, storage } = runtime;
  const planned = loadBeginning(sql);
  const { batchNonce: nonce, payloadHash } = sealed.value.seal;
  if (planned !== null) return planned.payloadHash === payloadHash ? ok(null) : err("tables");
  if (loadHistory(sql) !== null || loadSafeHead(sql) !== null) return err("tables");
  const drainedBlock = sealed.value.opened.safeBlock;
  transact(storage, () => insertBeginning(sql, { nonce, payloadHash, drainedBlock }));
  return ok(null);
}

/** Begins, when the reader found the batch. An error leaves nothing. */
export function beginFromSnapshot(
  { runtime, lane, origin }: Follower,
  snapshot: LogSnapshot,
): Result<null, SnapshotProblem> {
  const { sql } = runtime;
  const sealed = findSeal(runtime, origin.era, snapshot);
  if (!sealed.ok) return sealed;
  const beginning = loadBeginning(sql);
  const { seal, chunk } = sealed.value;
  if (loadHistory(sql) !== null || beginning?.payloadHash !== seal.payloadHash)
    return err("tables");
  const state = restoreState(runtime, snapshot.state, seal);
  if (state === null) return err("state");
  const landing = landingOf(runtime, beginning);
  if (landing === null || lastBlock(chunk) > (loadSafeHead(sql)?.blockNumber ?? -1)) {
    return err("unread");
  }
  if (hashFromBytes(runtime.keccak(landing.payload)) !== seal.payloadHash) return err("landing");
  try {
    lane.renew(() => begin(runtime, { ...sealed.value, ...snapshot, chunk, landing }, state));
    return ok(null);
  } catch (error) {
    if (error instanceof ChunkMismatch) return err("chunk");
    throw error;
  }
}

/** Whether landings that were read before the log wait to be judged. */
export function isUnsettled(sql: SqlStorage): boolean {
  return loadBeginning(sql) !== null && loadHistory(sql) !== null;
}

/**
 * Judges what was read before the log. The log has come as far as the reader: its next chunk needs a later
 * block, or there is none and this candidate is to lead.
 */
export function settleLandings(runtime: Runtime): void {
  const { sql, storage, config } = runtime;
  const { landingIndex } = must(loadBeginning(sql), "a log was begun from a state");
  const from = must(landingIndex, "its batch was found") + 1;
  transact(storage, () => {
    for (const { inputIndex: index, ...input } of inputsOf(sql, config.submitter, from)) {
      judgeStored(runtime, { ...input, index });
    }
    deleteBeginning(sql);
  });
}

function findSeal(
  { config }: Runtime,
  era: Uint8Array,
  snapshot: LogSnapshot,
): Result<Sealed, SnapshotProblem> {
  const read = readChunk(snapshot.chunk);
  if (!read.ok) return err("chunk");
  const chunk = read.value;
  const { chainId, app } = config;
  if (!isOfHistory(chunk.stated, { chainId, app, era })) return err("chunk");
  const hash = hashFromBytes(sha256(snapshot.state));
  const index = chunk.list.findIndex((one) => one.kind === "seal" && one.stateHash === hash);
  const [seal, opened] = chunk.list.slice(index === -1 ? chunk.list.length : index);
  if (seal?.kind !== "seal" || opened?.kind !== "frame") return err("seal");
  return ok({ chunk, index, seal, opened });
}

function restoreState(
  { application, config }: Runtime,
  bytes: Uint8Array,
  seal: SealEvent,
): ApplicationState | null {
  const restored = application.restore(config.appConfig, bytes);
  if (!restored.ok) return null;
  const { executedInputCount } = restored.value.progress();
  return executedInputCount === seal.executedInputs ? restored.value : null;
}

function landingOf({ sql, config }: Runtime, { landingIndex }: Beginning): StoredDirect | null {
  if (landingIndex === null) return null;
  const [landing] = inputsOf(sql, config.submitter, landingIndex);
  return must(landing, "the landing keeps its payload");
}

/** A batch lands after every block of its commit was safe, so a reader that found it has read them. */
function lastBlock({ list }: LogChunk): number {
  return Math.max(-1, ...list.flatMap((one) => (one.kind === "frame" ? [one.safeBlock] : [])));
}

/** All of it inside the lane's transaction. */
function begin(
  runtime: Runtime,
  from: Sealed & LogSnapshot & { readonly chunk: LogChunk; readonly landing: StoredDirect },
  state: ApplicationState,
): Renewal {
  const { sql } = runtime;
  const { chunk, index, seal, opened, landing } = from;
  const nowMs = runtime.now();
  const head = headAt(chunk, index);
  const { era, height, parent, epoch } = chunk.stated;
  const anchorNonce = seal.batchNonce;
  const { generation, watermark } = from;
  insertLaterHistory(sql, { era, anchorNonce, generation, availableFrom: head }, nowMs);
  if (watermark !== null) raiseWatermark(sql, watermark);
  insertAccepted(runtime, seal, landing, nowMs);
  const { executedInputs: executedInputCount } = seal;
  const taken = { batchIndex: 0, l2TxIndex: head, executedInputCount, state: from.state };
  insertSnapshot(sql, taken, nowMs);
  const root = openBatch(null, anchorNonce, opened, nowMs);
  const next = offset(head + 1);
  const memory: Memory = {
    era,
    state,
    head: openBatch(root, batchNonce(0), opened, nowMs),
    log: { epoch, height, parent, nextOffset: next },
    snapshot: { executedInputCount, takenAtMs: nowMs },
    targetBytes: loadPolicy(sql).batchTargetBytes,
  };
  const checker = new ChunkChecker(runtime, chunk, nowMs, { event: index + 1, offset: next });
  const draft = new Draft(runtime, memory, nowMs, checker);
  draft.insertOpenBatch(root.batchIndex);
  const projected = new Projection(runtime, checker, draft).run();
  return { records: draft.records, written: NOTHING_WRITTEN, next: projected.next };
}

/** The newest offset that was given before the event at `index`. */
function headAt({ stated, list }: LogChunk, index: number): Offset {
  const before = list.slice(0, index).findLast((event) => "offset" in event);
  return before !== undefined && "offset" in before
    ? before.offset
    : offset(stated.firstOffset - 1);
}

/** The batch as L1 has it: its ops are in the state, its frames say what was drained. */
function insertAccepted(
  { sql }: Runtime,
  seal: SealEvent,
  landing: StoredDirect,
  nowMs: UnixMs,
): void {
  const { batchNonce: nonce, payloadHash } = seal;
  const decoded = decodeBatch(landing.payload);
  const { frames }: Batch = must(decoded.ok ? decoded.value : null, "an accepted batch decodes");
  insertBatch(sql, { batchIndex: 0, parentIndex: null, nonce }, nowMs);
  for (const [frame, { feePrice, safeBlock }] of frames.entries()) {
    const stored = { fee: feeExponent(feePrice), safeBlock: blockNumber(Number(safeBlock)) };
    insertFrame(sql, { batchIndex: 0, frame, ...stored }, nowMs);
  }
  sealBatch(sql, { batchIndex: 0, payloadHash, payloadBytes: landing.payload.length }, nowMs);
  const first = frames[0]?.safeBlock;
  insertAcceptance(sql, {
    inputIndex: landing.inputIndex,
    nonce,
    batchIndex: 0,
    firstFrameSafeBlock: first === undefined ? null : blockNumber(Number(first)),
    inclusionBlock: landing.blockNumber,
  });
  forgetPayload(sql, landing.inputIndex);
}
