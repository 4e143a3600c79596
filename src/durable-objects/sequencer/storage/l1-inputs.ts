/** The reader's tables: the safe head and the inputs that L1 holds at safe depth (L1). */

import type { Address, Hash32 } from "../../../core/types/hex.ts";
import { type BlockNumber, blockNumber, type UnixMs, unixMs } from "../../../core/types/units.ts";
import type { L1Block, ObservedInput } from "../../../l1/l1.ts";
import { addressOf, blob, first, hashOf, toBlob } from "./rows.ts";

export type SafeHead = {
  readonly blockNumber: BlockNumber;
  readonly blockHash: Hash32;
  /** Unix seconds. */
  readonly blockTimestamp: number;
  /** Our clock when the head last advanced. */
  readonly syncedAtMs: UnixMs;
};

type SafeHeadRow = {
  block_number: number;
  block_hash: ArrayBuffer;
  block_timestamp: number;
  synced_at_ms: number;
};

export function loadSafeHead(sql: SqlStorage): SafeHead | null {
  const row = first(
    sql.exec<SafeHeadRow>(
      `SELECT block_number, block_hash, block_timestamp, synced_at_ms
       FROM l1_safe_head WHERE singleton = 0`,
    ),
  );
  if (row === null) return null;
  return {
    blockNumber: blockNumber(row.block_number),
    blockHash: hashOf(row.block_hash),
    blockTimestamp: row.block_timestamp,
    syncedAtMs: unixMs(row.synced_at_ms),
  };
}

export function storeSafeHead(sql: SqlStorage, block: L1Block, nowMs: UnixMs): void {
  sql.exec(
    `INSERT INTO l1_safe_head VALUES (0, ?, ?, ?, ?)
     ON CONFLICT (singleton) DO UPDATE SET block_number = excluded.block_number,
       block_hash = excluded.block_hash, block_timestamp = excluded.block_timestamp,
       synced_at_ms = excluded.synced_at_ms`,
    block.number,
    toBlob(block.hash),
    block.timestamp,
    nowMs,
  );
}

/** How many inputs are stored: the next index that L1 must give. */
export function countSafeInputs(sql: SqlStorage): number {
  return sql
    .exec<{ n: number }>("SELECT COALESCE(MAX(safe_input_index) + 1, 0) AS n FROM safe_inputs")
    .one().n;
}

/** `payload` null: an own landing whose bytes are the sealed batch's. */
export function insertSafeInput(
  sql: SqlStorage,
  input: ObservedInput,
  payload: Uint8Array | null,
): void {
  sql.exec(
    "INSERT INTO safe_inputs VALUES (?, ?, ?, ?, ?, ?)",
    input.index,
    toBlob(input.sender),
    payload,
    input.blockNumber,
    input.blockTimestamp,
    toBlob(input.transactionHash),
  );
}

/** A direct input that a frame is to drain. */
export type StoredDirect = {
  readonly inputIndex: number;
  readonly sender: Address;
  readonly payload: Uint8Array;
  readonly blockNumber: BlockNumber;
  readonly blockTimestamp: number;
  readonly transactionHash: Hash32;
};

type DirectRow = {
  safe_input_index: number;
  sender: ArrayBuffer;
  payload: ArrayBuffer;
  block_number: number;
  block_timestamp: number;
  transaction_hash: ArrayBuffer;
};

/**
 * Direct inputs of the blocks after `after` up to and including `through`, in L1 order. The
 * submitter's own batches are not among them: they are never executed (N11).
 *
 * The caller drains the whole range in one transaction. In service a reader's slice bounds its size
 * (L1); genesis drains everything that L1 held before.
 */
export function directsBetween(
  sql: SqlStorage,
  range: { readonly after: number; readonly through: BlockNumber; readonly submitter: Address },
): readonly StoredDirect[] {
  const rows = sql.exec<DirectRow>(
    `SELECT safe_input_index, sender, payload, block_number, block_timestamp, transaction_hash
     FROM safe_inputs WHERE block_number > ? AND block_number <= ? AND sender <> ?
     ORDER BY safe_input_index`,
    range.after,
    range.through,
    toBlob(range.submitter),
  );
  return rows.toArray().map((row) => ({
    inputIndex: row.safe_input_index,
    sender: addressOf(row.sender),
    payload: blob(row.payload),
    blockNumber: blockNumber(row.block_number),
    blockTimestamp: row.block_timestamp,
    transactionHash: hashOf(row.transaction_hash),
  }));
}
