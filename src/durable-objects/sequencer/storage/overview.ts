/**
 * What an overview shows of batches and of how far they have come (P§5). Reads only.
 *
 * Asked for every second by whoever watches, so each query seeks in an index and reads a bounded number
 * of rows, however long history is: `test/workers/overview-plans.test.ts`.
 */

import type { Hash32 } from "../../../core/types/hex.ts";
import { type Offset, offset } from "../../../core/types/units.ts";
import { batchOnL1, validStretches } from "./egress.ts";
import { feedHead } from "./history.ts";
import { first } from "./rows.ts";

/** Nothing is in a batch of this index or below. */
export const NO_BATCH = -1;

const FIRST_OP_AFTER = `
  SELECT offset FROM sequenced_l2_txs INDEXED BY sequenced_l2_txs_op
  WHERE batch_index > ? AND user_op_pos IS NOT NULL
  ORDER BY batch_index, frame_in_batch, user_op_pos LIMIT 1`;

const FIRST_DIRECT_AFTER = `
  SELECT offset FROM sequenced_l2_txs INDEXED BY sequenced_l2_txs_drained
  WHERE batch_index > ? AND safe_input_index IS NOT NULL
  ORDER BY batch_index, frame_in_batch, offset LIMIT 1`;

const FIRST_IN_STRETCH = `
  SELECT offset FROM sequenced_l2_txs
  WHERE offset > ? AND offset <= ? AND rollback_generation IS NULL ORDER BY offset LIMIT 1`;

/**
 * The greatest offset up to which every valid record is in a batch of this index or a lower one; void
 * records are not waited for. `NO_BATCH`: up to which there is none.
 */
export function throughBatch(sql: SqlStorage, batchIndex: number): Offset {
  // Batches are made in the order of their indices, so behind this record all are of later batches.
  const later = [FIRST_OP_AFTER, FIRST_DIRECT_AFTER].flatMap((query) =>
    sql.exec<{ offset: number }>(query, batchIndex).toArray(),
  );
  if (later.length === 0) return feedHead(sql);
  const before = offset(Math.min(...later.map((row) => row.offset)) - 1);
  for (const { after, through } of validStretches(sql, before)) {
    const row = first(sql.exec<{ offset: number }>(FIRST_IN_STRETCH, after, through));
    if (row !== null) return offset(row.offset - 1);
  }
  return feedHead(sql);
}

/** `NO_BATCH` before the first. */
export function newestAcceptedIndex(sql: SqlStorage): number {
  return sql
    .exec<{ newest: number }>(
      `SELECT COALESCE(MAX(batch_index), ${NO_BATCH}) AS newest FROM safe_accepted_batches`,
    )
    .one().newest;
}

const NEWEST_POSTED = `
  SELECT batch_index FROM submissions INDEXED BY submissions_batch
  WHERE batch_index IS NOT NULL AND broadcast_at_ms IS NOT NULL
  ORDER BY batch_index DESC LIMIT 1`;

/**
 * The newest batch of which a node took a transaction, whether it is void by now or not: every valid
 * batch before it was posted as well. `NO_BATCH` before the first.
 */
export function newestPostedIndex(sql: SqlStorage): number {
  return first(sql.exec<{ batch_index: number }>(NEWEST_POSTED))?.batch_index ?? NO_BATCH;
}

const POSTED_AFTER = `
  SELECT COUNT(DISTINCT batch_index) AS n FROM submissions INDEXED BY submissions_batch
  WHERE batch_index > ? AND broadcast_at_ms IS NOT NULL`;

/** Batches of higher indices that were posted: those of one tick, where that index was the newest. */
export function countPostedAfter(sql: SqlStorage, batchIndex: number): number {
  return sql.exec<{ n: number }>(POSTED_AFTER, batchIndex).one().n;
}

/** `NO_BATCH` before genesis. */
export function openBatchIndex(sql: SqlStorage): number {
  return (
    first(sql.exec<{ batch_index: number }>("SELECT batch_index FROM valid_open_batch"))
      ?.batch_index ?? NO_BATCH
  );
}

export type BatchRow = {
  readonly batchIndex: number;
  readonly nonce: number;
  readonly createdAtMs: number;
  readonly sealedAtMs: number | null;
  readonly payloadBytes: number | null;
  readonly invalidatedAtMs: number | null;
  readonly frames: number;
  readonly l1: {
    readonly isAccepted: boolean;
    readonly transactionHash: Hash32;
    readonly blockNumber: number | null;
  } | null;
};

const NEWEST_BATCHES = `
  SELECT batch_index, nonce, created_at_ms, sealed_at_ms, payload_bytes, invalidated_at_ms,
    (SELECT MAX(frame_in_batch) + 1 FROM frames f WHERE f.batch_index = b.batch_index) AS frames
  FROM batches b ORDER BY batch_index DESC LIMIT ?`;

/** Void ones too, newest first. */
export function newestBatches(sql: SqlStorage, limit: number): readonly BatchRow[] {
  return sql
    .exec<{
      batch_index: number;
      nonce: number;
      created_at_ms: number;
      sealed_at_ms: number | null;
      payload_bytes: number | null;
      invalidated_at_ms: number | null;
      frames: number | null;
    }>(NEWEST_BATCHES, limit)
    .toArray()
    .map((row) => ({
      batchIndex: row.batch_index,
      nonce: row.nonce,
      createdAtMs: row.created_at_ms,
      sealedAtMs: row.sealed_at_ms,
      payloadBytes: row.payload_bytes,
      invalidatedAtMs: row.invalidated_at_ms,
      frames: row.frames ?? 0,
      l1: row.sealed_at_ms === null ? null : batchOnL1(sql, row.batch_index),
    }));
}

/** F3: when the oldest rollback was made whose record is at or beyond `certifiedNext`; null: none is. */
export function oldestRollbackMs(sql: SqlStorage, certifiedNext: number): number | null {
  return sql
    .exec<{ at: number | null }>(
      // The few rollbacks are walked, not the feed.
      `SELECT MIN(r.created_at_ms) AS at FROM rollbacks r
       CROSS JOIN sequenced_l2_txs s ON s.rollback_generation = r.generation WHERE s.offset >= ?`,
      certifiedNext,
    )
    .one().at;
}
