/** Emptying the tables of a log that is forgotten, in pages, children before their parents (C6). */

import type { UnixMs } from "../../../core/types/units.ts";

export function isResetting(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM replica_reset").toArray().length > 0;
}

/** The triggers of `migrations/sequencer/0009_replica.sql` let go of what is append-only from here on. */
export function insertReset(sql: SqlStorage, nowMs: UnixMs): void {
  sql.exec("INSERT INTO replica_reset VALUES (0, ?)", nowMs);
}

/** Small rows, and rows of up to 1 MiB. */
const [MANY, FEW] = [2_000, 32];

type Emptied = { readonly table: string; readonly key: string; readonly rows: number };

/**
 * Records go first, the newest first of all: whoever reads meanwhile sees a feed that ends early, and no hole
 * in it. Batches name their parents, so the newest go first, too.
 */
const TABLES: readonly Emptied[] = [
  { table: "submissions", key: "submission_id", rows: MANY },
  { table: "sequenced_l2_txs", key: "offset DESC", rows: MANY },
  { table: "user_ops", key: "batch_index, frame_in_batch, pos_in_frame", rows: MANY },
  { table: "snapshot_parts", key: "snapshot_id, part", rows: FEW },
  { table: "snapshots", key: "snapshot_id", rows: MANY },
  { table: "safe_accepted_batches", key: "safe_input_index", rows: MANY },
  { table: "canonical_divergence", key: "singleton", rows: 1 },
  { table: "previous_instance", key: "singleton", rows: 1 },
  { table: "frames", key: "batch_index, frame_in_batch", rows: MANY },
  { table: "batches", key: "batch_index DESC", rows: MANY },
  { table: "rollbacks", key: "generation", rows: MANY },
  // Certificates and signatures go with their chunks.
  { table: "chunks", key: "height", rows: FEW },
  { table: "log_facts", key: "height", rows: MANY },
  { table: "replica_certificates", key: "height", rows: MANY },
  { table: "replica_chunks", key: "height", rows: FEW },
  { table: "replica_beginning", key: "singleton", rows: 1 },
  { table: "replica_root", key: "singleton", rows: 1 },
  { table: "replica_parts", key: "part", rows: FEW },
  { table: "safe_inputs", key: "safe_input_index", rows: FEW },
  { table: "l1_safe_head", key: "singleton", rows: 1 },
  { table: "wallet_nonce_watermark", key: "singleton", rows: 1 },
  { table: "history", key: "singleton", rows: 1 },
];

/** Deletes a page of the first table that holds something; false when none does. */
export function deletePage(sql: SqlStorage): boolean {
  for (const { table, key, rows } of TABLES) {
    const columns = key.replace(" DESC", "");
    const deleted = sql.exec(
      `DELETE FROM ${table} WHERE (${columns}) IN
         (SELECT ${columns} FROM ${table} ORDER BY ${key} LIMIT ${rows}) RETURNING 1`,
    );
    if (deleted.toArray().length > 0) return true;
  }
  return false;
}

/** The log begins again at offset 1, with snapshot 1 (F1): nothing that counts had those before. */
export function endReset(sql: SqlStorage): void {
  sql.exec(
    "DELETE FROM sqlite_sequence WHERE name IN ('sequenced_l2_txs', 'snapshots', 'submissions')",
  );
  sql.exec("DELETE FROM replica_reset");
}
