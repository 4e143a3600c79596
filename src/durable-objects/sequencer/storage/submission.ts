/** The submitter's tables: transactions signed for L1 and the wallet-nonce watermark (L2, N14). */

import type { Hash32 } from "../../../core/types/hex.ts";
import { type BatchNonce, batchNonce, type UnixMs, unixMs } from "../../../core/types/units.ts";
import { first, hashOf, toBlob } from "./rows.ts";

/** The highest wallet nonce that may have been broadcast; null when none was. */
export function loadWatermark(sql: SqlStorage): number | null {
  return (
    first(sql.exec<{ watermark: number }>("SELECT watermark FROM wallet_nonce_watermark"))
      ?.watermark ?? null
  );
}

/** Raises the watermark to `walletNonce`, which must be above it. */
export function raiseWatermark(sql: SqlStorage, walletNonce: number): void {
  sql.exec(
    `INSERT INTO wallet_nonce_watermark VALUES (0, ?)
     ON CONFLICT (singleton) DO UPDATE SET watermark = excluded.watermark`,
    walletNonce,
  );
}

export type ClosedBatch = {
  readonly batchIndex: number;
  readonly nonce: BatchNonce;
  readonly payloadHash: Hash32;
};

/** Valid closed batches from nonce `from` on, at most `limit`, in order. */
export function loadClosedBatches(
  sql: SqlStorage,
  from: BatchNonce,
  limit: number,
): readonly ClosedBatch[] {
  return sql
    .exec<{ batch_index: number; nonce: number; payload_hash: ArrayBuffer }>(
      `SELECT batch_index, nonce, payload_hash FROM valid_closed_batches
       WHERE nonce >= ? ORDER BY nonce LIMIT ?`,
      from,
      limit,
    )
    .toArray()
    .map((row) => ({
      batchIndex: row.batch_index,
      nonce: batchNonce(row.nonce),
      payloadHash: hashOf(row.payload_hash),
    }));
}

/** The newest transaction of a wallet nonce. */
export type SlotRow = {
  readonly walletNonce: number;
  /** Null for a flush's no-op. */
  readonly payloadHash: Hash32 | null;
  readonly transactionHash: Hash32;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  readonly gas: bigint;
  readonly deadlineMs: UnixMs;
  /** False: signed and stored, but no node is known to have taken it. */
  readonly isBroadcast: boolean;
};

type SlotSqlRow = {
  wallet_nonce: number;
  payload_hash: ArrayBuffer | null;
  tx_hash: ArrayBuffer;
  max_fee_wei: number;
  priority_fee_wei: number;
  gas: number;
  deadline_ms: number;
  broadcast_at_ms: number | null;
};

/** The newest transaction of each wallet nonce from `from` on, at most `limit` nonces. */
export function loadSlots(sql: SqlStorage, from: number, limit: number): readonly SlotRow[] {
  return sql
    .exec<SlotSqlRow>(
      `SELECT wallet_nonce, payload_hash, tx_hash, max_fee_wei, priority_fee_wei, gas, deadline_ms,
         broadcast_at_ms
       FROM submissions s
       WHERE wallet_nonce >= ? AND wallet_nonce < ? AND submission_id =
         (SELECT MAX(submission_id) FROM submissions t WHERE t.wallet_nonce = s.wallet_nonce)
       ORDER BY wallet_nonce`,
      from,
      from + limit,
    )
    .toArray()
    .map((row) => ({
      walletNonce: row.wallet_nonce,
      payloadHash: row.payload_hash === null ? null : hashOf(row.payload_hash),
      transactionHash: hashOf(row.tx_hash),
      maxFeePerGasWei: BigInt(row.max_fee_wei),
      maxPriorityFeePerGasWei: BigInt(row.priority_fee_wei),
      gas: BigInt(row.gas),
      deadlineMs: unixMs(row.deadline_ms),
      isBroadcast: row.broadcast_at_ms !== null,
    }));
}

export type NewSubmission = {
  readonly walletNonce: number;
  /** Null, with the hash of its payload, for a flush's no-op. */
  readonly batchIndex: number | null;
  readonly payloadHash: Hash32 | null;
  readonly transactionHash: Hash32;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  readonly gas: bigint;
  readonly deadlineMs: UnixMs;
};

export function hasSubmission(sql: SqlStorage, transactionHash: Hash32): boolean {
  const found = sql.exec("SELECT 1 FROM submissions WHERE tx_hash = ?", toBlob(transactionHash));
  return found.toArray().length > 0;
}

/** Written before the transaction is sent (L2). */
export function insertSubmission(sql: SqlStorage, row: NewSubmission, nowMs: UnixMs): void {
  sql.exec(
    `INSERT INTO submissions (wallet_nonce, batch_index, payload_hash, tx_hash, max_fee_wei,
       priority_fee_wei, gas, created_at_ms, deadline_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.walletNonce,
    row.batchIndex,
    row.payloadHash === null ? null : toBlob(row.payloadHash),
    toBlob(row.transactionHash),
    Number(row.maxFeePerGasWei),
    Number(row.maxPriorityFeePerGasWei),
    Number(row.gas),
    nowMs,
    row.deadlineMs,
  );
}

/** A node took the transaction, now or in an earlier attempt. */
export function markBroadcast(sql: SqlStorage, transactionHash: Hash32, nowMs: UnixMs): void {
  sql.exec(
    "UPDATE submissions SET broadcast_at_ms = ? WHERE tx_hash = ? AND broadcast_at_ms IS NULL",
    nowMs,
    toBlob(transactionHash),
  );
}
