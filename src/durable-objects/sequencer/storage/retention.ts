/** Deleting settled history, oldest chunks first (F8). */

import { type Offset, offset } from "../../../core/types/units.ts";
import { first } from "./rows.ts";

/** The newest offset that may be deleted at all: the newest accepted snapshot's place. */
export function deletableThrough(sql: SqlStorage): Offset {
  const row = sql
    .exec<{ through: number }>(
      `SELECT COALESCE(MAX(s.l2_tx_index), 0) AS through FROM snapshots s
       JOIN safe_accepted_batches a ON a.batch_index = s.batch_index`,
    )
    .one();
  return offset(row.through);
}

/**
 * Height of the oldest chunk that a rebuild of what may still be voided needs: the one with the newest
 * accepted snapshot's last record. Whoever starts from that snapshot goes on with it.
 */
export function neededHeight(sql: SqlStorage): number {
  const row = first(
    sql.exec<{ height: number }>(
      "SELECT height FROM chunks WHERE next_offset > ? ORDER BY next_offset, height LIMIT 1",
      deletableThrough(sql),
    ),
  );
  return row?.height ?? 0;
}

export type ChunkAge = {
  readonly height: number;
  /** The last offset at or below the chunk's end. */
  readonly lastOffset: Offset;
  readonly createdAtMs: number;
};

/** The oldest chunks but for the newest of all, to which the next chunk links. */
export function oldestChunks(sql: SqlStorage, limit: number): readonly ChunkAge[] {
  return sql
    .exec<{ height: number; next_offset: number; created_at_ms: number }>(
      `SELECT height, next_offset, created_at_ms FROM chunks
       WHERE height < (SELECT MAX(height) FROM chunks) ORDER BY height LIMIT ?`,
      limit,
    )
    .toArray()
    .map((row) => ({
      height: row.height,
      lastOffset: offset(row.next_offset - 1),
      createdAtMs: row.created_at_ms,
    }));
}

/**
 * Deletes the records at or below `through` with their ops and payloads, and the chunks up to `height`.
 * The caller raised `available_from` first, in the same transaction: the triggers refuse it otherwise.
 */
export function deleteThrough(sql: SqlStorage, through: Offset, height: number): void {
  const ops = sql
    .exec<{ batch_index: number; frame_in_batch: number; user_op_pos: number }>(
      `SELECT batch_index, frame_in_batch, user_op_pos FROM sequenced_l2_txs
       WHERE offset <= ? AND user_op_pos IS NOT NULL ORDER BY offset`,
      through,
    )
    .toArray();
  // A rollback makes a direct input appear again, further on: there its payload is still needed (F3).
  sql.exec(
    `UPDATE safe_inputs SET payload = NULL WHERE safe_input_index IN
       (SELECT s.safe_input_index FROM sequenced_l2_txs s
        WHERE s.offset <= ?1 AND s.safe_input_index IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM sequenced_l2_txs again
                          WHERE again.safe_input_index = s.safe_input_index
                            AND again.offset > ?1))`,
    through,
  );
  sql.exec("DELETE FROM sequenced_l2_txs WHERE offset <= ?", through);
  for (const op of ops) {
    sql.exec(
      "DELETE FROM user_ops WHERE batch_index = ? AND frame_in_batch = ? AND pos_in_frame = ?",
      op.batch_index,
      op.frame_in_batch,
      op.user_op_pos,
    );
  }
  sql.exec("DELETE FROM chunks WHERE height <= ?", height);
}
