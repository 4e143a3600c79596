/**
 * Recovery's writes: what a rollback voids, and the row and record that say so (F3, N18).
 *
 * Every function is one step of the rollback's transaction. The triggers of `migrations/sequencer` hold
 * their order: void, then the rollback's row, then its generation, then its record in the feed.
 */

import { must } from "../../../core/types/assert.ts";
import {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  blockNumber,
  type Offset,
  offset,
  type UnixMs,
} from "../../../core/types/units.ts";
import { requireHistory } from "./history.ts";
import { first } from "./rows.ts";

/** Voids the valid batches from `pivotIndex` on and returns how many those are. */
export function voidBatches(sql: SqlStorage, pivotIndex: number, nowMs: UnixMs): number {
  return sql
    .exec(
      `UPDATE batches SET invalidated_at_ms = ?
       WHERE batch_index >= ? AND invalidated_at_ms IS NULL RETURNING batch_index`,
      nowMs,
      pivotIndex,
    )
    .toArray().length;
}

/** F3: the newest valid op or direct input, or where history begins when retention deleted those. */
export function keptThrough(sql: SqlStorage): Offset {
  return offset(Math.max(requireHistory(sql).availableFrom, newestValidRecord(sql)));
}

/** The newest valid op or direct input that is kept here; 0 when none is. */
export function newestValidRecord(sql: SqlStorage): Offset {
  const newest = first(
    sql.exec<{ offset: number }>(
      `SELECT offset FROM valid_sequenced_l2_txs WHERE rollback_generation IS NULL
       ORDER BY offset DESC LIMIT 1`,
    ),
  );
  return offset(newest?.offset ?? 0);
}

/** The rollback's row, the generation that it begins, and its record at `at`. Returns the generation. */
export function beginGeneration(
  sql: SqlStorage,
  rollback: {
    readonly at: Offset;
    readonly keepThrough: Offset;
    readonly pivotBatchNonce: BatchNonce;
  },
  nowMs: UnixMs,
): number {
  const generation = requireHistory(sql).generation + 1;
  sql.exec(
    "INSERT INTO rollbacks VALUES (?, ?, ?, ?)",
    generation,
    rollback.keepThrough,
    rollback.pivotBatchNonce,
    nowMs,
  );
  sql.exec("UPDATE history SET generation = ? WHERE singleton = 0", generation);
  // An epoch's first offset is far beyond the last one given (C6); SQLite goes on behind it.
  sql.exec(
    "INSERT INTO sequenced_l2_txs (offset, rollback_generation) VALUES (?, ?)",
    rollback.at,
    generation,
  );
  return generation;
}

export function nonceOf(sql: SqlStorage, batchIndex: number): BatchNonce {
  const row = first(
    sql.exec<{ nonce: number }>("SELECT nonce FROM batches WHERE batch_index = ?", batchIndex),
  );
  return batchNonce(must(row, "the batch exists").nonce);
}

/** The highest index ever given to a batch, void ones too. */
export function newestBatchIndex(sql: SqlStorage): number {
  return sql.exec<{ newest: number }>("SELECT MAX(batch_index) AS newest FROM batches").one()
    .newest;
}

/** The last batch that is valid, and the block of its last frame; null when none is. */
export function newestValidBatch(
  sql: SqlStorage,
): { readonly batchIndex: number; readonly lastBlock: BlockNumber } | null {
  const row = first(
    sql.exec<{ batch_index: number; last_block: number }>(
      `SELECT batch_index,
         (SELECT MAX(safe_block) FROM frames f WHERE f.batch_index = b.batch_index) AS last_block
       FROM valid_batches b ORDER BY nonce DESC LIMIT 1`,
    ),
  );
  if (row === null) return null;
  return { batchIndex: row.batch_index, lastBlock: blockNumber(row.last_block) };
}
