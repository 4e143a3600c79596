/**
 * A rollback: what L1 can no longer be made to accept is void, and the order goes on behind what it has
 * accepted (R2, F3).
 *
 * One transaction, inside the lane. The ops of void batches are gone: their senders' nonces are free
 * again and they may be sent anew. The direct inputs of void frames are drained again, with new offsets.
 * Whatever throws in here, the application included, leaves the database as it was, and the lane drops
 * its memory.
 */

import { openBatch } from "../../core/lane/head.ts";
import { decidePivot, type Repair } from "../../core/recovery/pivot.ts";
import { must } from "../../core/types/assert.ts";
import type { BatchNonce, Offset } from "../../core/types/units.ts";
import { Draft } from "./draft.ts";
import { inspectDanger } from "./inspect.ts";
import type { Renewal } from "./lane.ts";
import { loadLogHead, type Memory, restoreState } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { baseBlock, requireHistory } from "./storage/history.ts";
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
  const pivotBatchNonce = nonceOf(sql, pivotIndex);
  const voidedBatches = voidBatches(sql, pivotIndex, nowMs);
  const keepThrough = keptThrough(sql);
  const generation = beginGeneration(sql, { keepThrough, pivotBatchNonce }, nowMs);
  const told = { generation, keepThrough, pivotBatchNonce };
  const survivor = newestValidBatch(sql);
  const draft = new Draft(runtime, beginAgain(runtime, log, pivotBatchNonce), nowMs);
  draft.rollBack(told);
  draft.insertOpenBatch(survivor?.batchIndex ?? null);
  // The surviving frames and the base account for every block up to here, so that each direct input is
  // seen exactly once by whoever replays what is valid (N2).
  draft.drain(survivor?.lastBlock ?? baseBlock(sql));
  return { records: draft.records, next: draft.finish(), ...told, voidedBatches };
}

/** The state of what survives, and the head of the batch that takes the pivot's nonce. */
function beginAgain(runtime: Runtime, log: Memory["log"], nonce: BatchNonce): Memory {
  const { sql } = runtime;
  const policy = loadPolicy(sql);
  const { blockNumber: safeBlock } = must(loadSafeHead(sql), "genesis follows a safe head");
  const frame = { fee: policy.recommendedFee, safeBlock };
  return {
    era: requireHistory(sql).era,
    ...restoreState(runtime),
    head: {
      ...openBatch(null, nonce, frame, runtime.now()),
      batchIndex: newestBatchIndex(sql) + 1,
    },
    log,
    targetBytes: policy.batchTargetBytes,
  };
}
