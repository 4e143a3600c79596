/** Where a log is begun from a state: its batch, and the search for it on L1 (C6). */

import type { Hash32 } from "../../../core/types/hex.ts";
import { type BatchNonce, batchNonce, type Offset } from "../../../core/types/units.ts";
import { blob, first, hashOf, toBlob } from "./rows.ts";

export type Beginning = {
  readonly nonce: BatchNonce;
  readonly payloadHash: Hash32;
  /** The state holds the direct inputs up to the end of this block. */
  readonly drainedBlock: number;
  /** What the scheduler expects after the inputs that were read. */
  readonly expected: BatchNonce;
  /** The input that is the batch; null until it was read. */
  readonly landingIndex: number | null;
};

export function loadBeginning(sql: SqlStorage): Beginning | null {
  const row = first(
    sql.exec<{
      batch_nonce: number;
      payload_hash: ArrayBuffer;
      drained_block: number;
      expected_nonce: number;
      landing_index: number | null;
    }>(
      `SELECT batch_nonce, payload_hash, drained_block, expected_nonce, landing_index
       FROM replica_beginning`,
    ),
  );
  if (row === null) return null;
  return {
    nonce: batchNonce(row.batch_nonce),
    payloadHash: hashOf(row.payload_hash),
    drainedBlock: row.drained_block,
    expected: batchNonce(row.expected_nonce),
    landingIndex: row.landing_index,
  };
}

export function insertBeginning(
  sql: SqlStorage,
  { nonce, payloadHash, drainedBlock }: Pick<Beginning, "nonce" | "payloadHash" | "drainedBlock">,
): void {
  sql.exec(
    `INSERT INTO replica_beginning (singleton, batch_nonce, payload_hash, drained_block)
     VALUES (0, ?, ?, ?)`,
    nonce,
    toBlob(payloadHash),
    drainedBlock,
  );
}

/** The scheduler accepted the batch that it expected; `landingIndex`, where that is the one looked for. */
export function noteExpected(sql: SqlStorage, landingIndex: number | null): void {
  sql.exec(
    "UPDATE replica_beginning SET expected_nonce = expected_nonce + 1, landing_index = ?",
    landingIndex,
  );
}

export function deleteBeginning(sql: SqlStorage): void {
  sql.exec("DELETE FROM replica_beginning");
}

/** The height of the chunk that the log begins with; null where that is the first one. */
export function rootHeight(sql: SqlStorage): number | null {
  return first(sql.exec<{ height: number }>("SELECT height FROM replica_root"))?.height ?? null;
}

export function insertRoot(sql: SqlStorage, height: number): void {
  sql.exec("INSERT INTO replica_root VALUES (0, ?)", height);
}

/** Parts of the state that are here, from the first on. */
export function partsHeld(sql: SqlStorage): number {
  return sql.exec<{ parts: number }>("SELECT COUNT(*) AS parts FROM replica_parts").one().parts;
}

export function loadPart(sql: SqlStorage, part: number): Uint8Array | null {
  const query = "SELECT bytes FROM replica_parts WHERE part = ?";
  const row = first(sql.exec<{ bytes: ArrayBuffer }>(query, part));
  return row === null ? null : blob(row.bytes);
}

export function insertPart(sql: SqlStorage, part: number, bytes: Uint8Array): void {
  sql.exec("INSERT INTO replica_parts VALUES (?, ?)", part, bytes);
}

export function dropParts(sql: SqlStorage): void {
  sql.exec("DELETE FROM replica_parts");
}

/** A history whose first records are gone: what is at or below `availableFrom` was deleted (F8). */
export function insertLaterHistory(
  sql: SqlStorage,
  history: {
    readonly era: Uint8Array;
    readonly anchorNonce: BatchNonce;
    readonly generation: number;
    readonly availableFrom: Offset;
  },
  nowMs: number,
): void {
  const { era, anchorNonce, generation, availableFrom } = history;
  sql.exec(
    `INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce, generation, available_from)
     VALUES (0, ?, ?, ?, ?, ?)`,
    era,
    nowMs,
    anchorNonce,
    generation,
    availableFrom,
  );
  // The next offset is the one behind, as if every record up to here had been given and deleted.
  sql.exec("INSERT INTO sqlite_sequence VALUES ('sequenced_l2_txs', ?)", availableFrom);
}
