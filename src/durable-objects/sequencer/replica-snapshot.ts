/**
 * Beginning in the middle of a log whose first chunks are gone: from a state that a certified seal names.
 *
 * Which state may be used: that of a batch which L1 has accepted, as our own reader found, byte for byte
 * what the seal says, and from whose seal on every chunk is kept. Then each batch that may still be posted
 * comes after it, and is in chunks; behind a younger state there would be batches that nobody here could
 * post. It is what a leader keeps, too (F8). The certificate over the seal's chunk is the caller's to check.
 * What rollbacks and watermarks before the seal amount to, that chunk says itself (`tally.ts`).
 *
 * The tables look as they do where retention deleted everything up to that seal: the batch with its frames
 * as they are on L1, its acceptance, its state; no record. The reader may read as far as it likes before;
 * landings behind that batch are judged when the log has come as far as the reader (`settleLandings`).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { ApplicationState } from "../../core/application/application.ts";
import { openBatch } from "../../core/lane/head.ts";
import { must } from "../../core/types/assert.ts";
import { hashFromBytes } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import {
  batchNonce,
  blockNumber,
  feeExponent,
  offset,
  type UnixMs,
} from "../../core/types/units.ts";
import { type Batch, decodeBatch } from "../../core/wire/batch.ts";
import { transact } from "../shared/transact.ts";
import { ChunkChecker, ChunkMismatch, type LogChunk, NOTHING_WRITTEN } from "./chunk-checker.ts";
import { Draft } from "./draft.ts";
import { ORDERED_ELSEWHERE, type Renewal } from "./lane.ts";
import type { Memory } from "./memory.ts";
import {
  headAtSeal,
  isPlanned,
  plannedSeal,
  type SealEvent,
  type Sealed,
  type SnapshotProblem,
} from "./plan-beginning.ts";
import { judgeStored } from "./read-l1.ts";
import type { Follower } from "./replica.ts";
import { Projection } from "./replica-chunk.ts";
import type { Runtime } from "./runtime.ts";
import { insertAcceptance } from "./storage/acceptance.ts";
import { insertFirstCheckpoint } from "./storage/committee.ts";
import { loadHistory } from "./storage/history.ts";
import { insertBatch, insertFrame, sealBatch } from "./storage/inclusion.ts";
import { forgetPayload, inputsOf, loadSafeHead, type StoredDirect } from "./storage/l1-inputs.ts";
import { loadPolicy } from "./storage/policy.ts";
import { deleteWaitingThrough } from "./storage/replica.ts";
import {
  type Beginning,
  deleteBeginning,
  dropParts,
  insertLaterHistory,
  loadBeginning,
} from "./storage/replica-beginning.ts";
import { insertSnapshot } from "./storage/snapshots.ts";
import { raiseWatermark } from "./storage/submission.ts";
import { moveCertificates } from "./storage/waiting-log.ts";

/** Begins with the planned chunk and its state, when the reader found the batch. An error leaves nothing. */
export function beginFromSnapshot(
  follower: Follower,
  bytes: Uint8Array,
): Result<null, SnapshotProblem> {
  const { runtime, lane } = follower;
  const { sql } = runtime;
  if (!isPlanned(sql)) return err("tables");
  const beginning = must(loadBeginning(sql), "a beginning is planned");
  const sealed = plannedSeal(follower);
  const { seal, chunk } = sealed;
  const state = restoreState(runtime, bytes, seal);
  if (state === null) return err("state");
  const landing = landingOf(runtime, beginning);
  if (landing === null || lastBlock(chunk) > (loadSafeHead(sql)?.blockNumber ?? -1)) {
    return err("unread");
  }
  if (hashFromBytes(runtime.keccak(landing.payload)) !== seal.payloadHash) return err("landing");
  try {
    lane.renew(() => begin(runtime, { ...sealed, landing, bytes }, state));
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

function restoreState(
  { application, config }: Runtime,
  bytes: Uint8Array,
  seal: SealEvent,
): ApplicationState | null {
  if (hashFromBytes(sha256(bytes)) !== seal.stateHash) return null;
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
  from: Sealed & { readonly landing: StoredDirect; readonly bytes: Uint8Array },
  state: ApplicationState,
): Renewal {
  const { sql } = runtime;
  const { chunk, index, tally, seal, opened, landing } = from;
  const nowMs = runtime.now();
  const head = headAtSeal(from);
  const { era, height, parent, epoch } = chunk.stated;
  const anchorNonce = seal.batchNonce;
  const { generation, walletNonce } = tally;
  insertLaterHistory(sql, { era, anchorNonce, generation, availableFrom: head }, nowMs);
  if (walletNonce !== null) raiseWatermark(sql, walletNonce);
  insertAccepted(runtime, seal, landing, nowMs);
  const { executedInputs: executedInputCount } = seal;
  const taken = { batchIndex: 0, l2TxIndex: head, executedInputCount, state: from.bytes };
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
  const checker = new ChunkChecker(runtime, chunk, nowMs, {
    ...{ event: index + 1, offset: next },
    tally,
  });
  const draft = new Draft(runtime, memory, nowMs, checker);
  draft.insertOpenBatch(root.batchIndex);
  const projected = new Projection(runtime, checker, draft).run();
  const { next: end } = projected;
  moveCertificates(sql, height);
  insertFirstCheckpoint(sql);
  deleteWaitingThrough(sql, height);
  dropParts(sql);
  return { records: draft.records, written: NOTHING_WRITTEN, next: end, ...ORDERED_ELSEWHERE };
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
