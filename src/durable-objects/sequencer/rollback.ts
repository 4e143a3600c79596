/**
 * A rollback: what L1 can no longer be made to accept is void, and the order goes on behind what it has
 * accepted (R2, F3).
 *
 * One transaction, inside the lane. The ops of void batches are gone: their senders' nonces are free
 * again and they may be sent anew. The direct inputs of void frames are drained again, with new offsets.
 * Whatever throws in here, the application included, leaves the database as it was, and the lane drops
 * its memory.
 */

import { type FrameStart, openBatch } from "../../core/lane/head.ts";
import { decidePivot, type Repair } from "../../core/recovery/pivot.ts";
import { must } from "../../core/types/assert.ts";
import type { BatchNonce, Offset, UnixMs } from "../../core/types/units.ts";
import type { EventSink } from "./chunk-writer.ts";
import { Draft } from "./draft.ts";
import { inspectDanger } from "./inspect.ts";
import type { Renewal } from "./lane.ts";
import { loadLogHead, type Memory, restoreState } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { baseBlock, requireHistory } from "./storage/history.ts";
import { countValidOpsFrom } from "./storage/inclusion.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { loadPolicy } from "./storage/policy.ts";
import {
  beginGeneration,
  keptThrough,
  newestBatchIndex,
  newestValidBatch,
  nonceOf,
  voidBatches,
} from "./storage/rollback.ts";

export type Rollback = Renewal & {
  readonly generation: number;
  readonly keepThrough: Offset;
  readonly pivotBatchNonce: BatchNonce;
  readonly voidedBatches: number;
  readonly voidedOps: number;
};

/** Inside the lane's transaction. Null, with nothing written, when nothing is to be voided. */
export function rollBack(runtime: Runtime, repair: Repair): Rollback | null {
  const facts = inspectDanger(runtime.sql, runtime.now());
  const pivotIndex = decidePivot(repair, facts, runtime.config.timing);
  return pivotIndex === null ? null : rollBackFrom(runtime, pivotIndex);
}

/** Voids the valid batches from `pivotIndex` on, inside the lane's transaction. */
export function rollBackFrom(runtime: Runtime, pivotIndex: number): Rollback {
  const { sql } = runtime;
  const nowMs = runtime.now();
  const log = loadLogHead(sql);
  const voidedOps = countValidOpsFrom(sql, pivotIndex);
  const voided = { ...voidFrom(runtime, pivotIndex, nowMs), voidedOps };
  const { recommendedFee: fee } = loadPolicy(sql);
  const { blockNumber: safeBlock } = must(loadSafeHead(sql), "genesis follows a safe head");
  const begun = beginAgain(runtime, { voided, frame: { fee, safeBlock }, log, sink: null }, nowMs);
  const { draft, generation } = begun;
  draft.drain(voided.drainedThrough);
  const next = draft.finish();
  const { records, written, directs } = draft;
  return { records, written, next, directs, generation, ...voided };
}

/** What is void now, before anybody is told. */
export type Voided = {
  readonly keepThrough: Offset;
  readonly pivotBatchNonce: BatchNonce;
  readonly voidedBatches: number;
  /** Null: no batch survives. */
  readonly survivorIndex: number | null;
  /**
   * The surviving frames and the base account for every block up to here, so that each direct input is
   * seen exactly once by whoever replays what is valid (N2).
   */
  readonly drainedThrough: number;
};

export function voidFrom({ sql }: Runtime, pivotIndex: number, nowMs: UnixMs): Voided {
  const pivotBatchNonce = nonceOf(sql, pivotIndex);
  const voidedBatches = voidBatches(sql, pivotIndex, nowMs);
  const survivor = newestValidBatch(sql);
  return {
    keepThrough: keptThrough(sql),
    pivotBatchNonce,
    voidedBatches,
    survivorIndex: survivor?.batchIndex ?? null,
    drainedThrough: survivor?.lastBlock ?? baseBlock(sql),
  };
}

/** A generation begins, with the batch that takes the pivot's nonce; what its frame drains is to come. */
export function beginAgain(
  runtime: Runtime,
  from: {
    readonly voided: Pick<Voided, "keepThrough" | "pivotBatchNonce" | "survivorIndex">;
    readonly frame: FrameStart;
    readonly log: Memory["log"];
    readonly sink: EventSink | null;
  },
  nowMs: UnixMs,
): { readonly draft: Draft; readonly generation: number } {
  const { keepThrough, pivotBatchNonce, survivorIndex } = from.voided;
  const told = { keepThrough, pivotBatchNonce };
  const generation = beginGeneration(runtime.sql, { ...told, at: from.log.nextOffset }, nowMs);
  const memory = survivingMemory(runtime, from.log, from.frame, pivotBatchNonce);
  const draft = new Draft(runtime, memory, nowMs, from.sink);
  draft.rollBack({ ...told, generation });
  draft.insertOpenBatch(survivorIndex);
  return { draft, generation };
}

/** The state of what survives, and the head of the batch that takes the pivot's nonce. */
function survivingMemory(
  runtime: Runtime,
  log: Memory["log"],
  frame: FrameStart,
  nonce: BatchNonce,
): Memory {
  const { sql } = runtime;
  return {
    era: requireHistory(sql).era,
    ...restoreState(runtime),
    head: {
      ...openBatch(null, nonce, frame, runtime.now()),
      batchIndex: newestBatchIndex(sql) + 1,
    },
    log,
    targetBytes: loadPolicy(sql).batchTargetBytes,
  };
}
