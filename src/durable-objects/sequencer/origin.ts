/**
 * The first transaction of an era: its identity, its baseline state, its root batch and first frame.
 *
 * A genesis begins with the application's own first state, at the safe head, and drains every direct
 * input that L1 holds already. A rebuilt era begins with the state that L1's inputs up to its base
 * make, at the nonce that the scheduler expects next, and drains nothing: the state holds it all (R5).
 */

import type { ApplicationState } from "../../core/application/application.ts";
import { eraFromRandom } from "../../core/chunk/era.ts";
import { type FrameStart, openBatch } from "../../core/lane/head.ts";
import { assert } from "../../core/types/assert.ts";
import { type BatchNonce, type BlockNumber, batchNonce, offset } from "../../core/types/units.ts";
import type { EventSink } from "./chunk-writer.ts";
import { Draft } from "./draft.ts";
import type { Renewal } from "./lane.ts";
import { EMPTY_LOG, type Memory } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { type Base, insertHistory } from "./storage/history.ts";
import { loadPolicy } from "./storage/policy.ts";
import { insertSnapshot } from "./storage/snapshots.ts";

export type Origin = {
  /** 16 random bytes. */
  readonly randomEra: Uint8Array;
  readonly anchorNonce: BatchNonce;
  /** Null for a genesis. */
  readonly base: Base | null;
  /** Block of the first frame. */
  readonly frameBlock: BlockNumber;
  readonly state: ApplicationState;
};

/** `safeHead`: everything that L1 holds up to it is drained into the first frame. */
export function genesisOrigin(
  { application, config }: Runtime,
  safeHead: BlockNumber,
  randomEra: Uint8Array,
): Origin {
  const state = application.genesis(config.appConfig);
  assert(state.progress().executedInputCount === 0, "a genesis state executed nothing");
  return { randomEra, anchorNonce: batchNonce(0), base: null, frameBlock: safeHead, state };
}

/** Writes the era, inside the caller's transaction. */
export function writeOrigin(runtime: Runtime, origin: Origin): Renewal {
  const { anchorNonce, base, frameBlock, state } = origin;
  const era = eraFromRandom(origin.randomEra);
  const fee = loadPolicy(runtime.sql).recommendedFee;
  const frame = { fee, safeBlock: frameBlock };
  const draft = beginEra(runtime, { era, anchorNonce, base, state, frame, epoch: 0, sink: null });
  draft.drain(base?.block ?? -1);
  const next = draft.finish();
  const { records, written, directs } = draft;
  return { records, written, next, directs, voidedOps: null };
}

/** An era with its baseline, its root batch and first frame; what that frame drains is to come. */
export function beginEra(
  runtime: Runtime,
  from: Pick<Origin, "anchorNonce" | "base" | "state"> & {
    readonly era: Uint8Array;
    readonly frame: FrameStart;
    readonly epoch: number;
    readonly sink: EventSink | null;
  },
): Draft {
  const { sql } = runtime;
  const { era, anchorNonce, base, state, frame, epoch, sink } = from;
  const nowMs = runtime.now();
  const { executedInputCount } = state.progress();
  insertHistory(sql, { era, anchorNonce, base }, nowMs);
  const baseline = { batchIndex: null, l2TxIndex: offset(0), executedInputCount };
  insertSnapshot(sql, { ...baseline, state: state.snapshot() }, nowMs);
  const memory: Memory = {
    era,
    state,
    head: openBatch(null, anchorNonce, frame, nowMs),
    log: { ...EMPTY_LOG, epoch },
    snapshot: { executedInputCount, takenAtMs: nowMs },
    targetBytes: loadPolicy(sql).batchTargetBytes,
  };
  const draft = new Draft(runtime, memory, nowMs, sink);
  draft.insertOpenBatch(null);
  return draft;
}
