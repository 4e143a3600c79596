/**
 * The lane's writes: batches, frames, ops and the direct inputs that a frame drains.
 *
 * Every function is one statement inside the lane's transaction; the triggers of
 * `migrations/sequencer` refuse what the lane must not do.
 */

import { must } from "../../../core/types/assert.ts";
import type { Address, Hash32 } from "../../../core/types/hex.ts";
import {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  blockNumber,
  type FeeExponent,
  feeExponent,
  type UnixMs,
  unixMs,
} from "../../../core/types/units.ts";
import type { Batch, Frame, WireUserOp } from "../../../core/wire/batch.ts";
import { blob, first, toBlob } from "./rows.ts";

/** The valid open batch and its last frame, as stored. */
export type OpenBatch = {
  readonly batchIndex: number;
  readonly nonce: BatchNonce;
  readonly createdAtMs: UnixMs;
  readonly frame: number;
  readonly fee: FeeExponent;
  readonly safeBlock: BlockNumber;
  readonly opsInFrame: number;
  readonly opsInBatch: number;
  /** Sum over the batch's ops of the bytes of their `data`. */
  readonly dataBytes: number;
  /** When the first op was included or the first direct input drained, if any was. */
  readonly firstContentAtMs: UnixMs | null;
};

type OpenBatchRow = {
  batch_index: number;
  nonce: number;
  created_at_ms: number;
  frame_in_batch: number;
  fee: number;
  safe_block: number;
  ops_in_frame: number;
  ops_in_batch: number;
  data_bytes: number;
  first_content_at_ms: number | null;
};

const OPEN_BATCH = `
  SELECT b.batch_index, b.nonce, b.created_at_ms, f.frame_in_batch, f.fee, f.safe_block,
    (SELECT COUNT(*) FROM user_ops u
     WHERE u.batch_index = b.batch_index AND u.frame_in_batch = f.frame_in_batch) AS ops_in_frame,
    (SELECT COUNT(*) FROM user_ops u WHERE u.batch_index = b.batch_index) AS ops_in_batch,
    (SELECT COALESCE(SUM(length(u.data)), 0) FROM user_ops u
     WHERE u.batch_index = b.batch_index) AS data_bytes,
    (SELECT MIN(at) FROM (
       SELECT MIN(u.received_at_ms) AS at FROM user_ops u WHERE u.batch_index = b.batch_index
       UNION ALL
       SELECT MIN(d.created_at_ms) FROM frames d JOIN sequenced_l2_txs s
         ON s.batch_index = d.batch_index AND s.frame_in_batch = d.frame_in_batch
       WHERE d.batch_index = b.batch_index AND s.safe_input_index IS NOT NULL
     )) AS first_content_at_ms
  FROM valid_open_batch b JOIN frames f ON f.batch_index = b.batch_index
  ORDER BY f.frame_in_batch DESC LIMIT 1`;

export function loadOpenBatch(sql: SqlStorage): OpenBatch | null {
  const row = first(sql.exec<OpenBatchRow>(OPEN_BATCH));
  if (row === null) return null;
  return {
    batchIndex: row.batch_index,
    nonce: batchNonce(row.nonce),
    createdAtMs: unixMs(row.created_at_ms),
    frame: row.frame_in_batch,
    fee: feeExponent(row.fee),
    safeBlock: blockNumber(row.safe_block),
    opsInFrame: row.ops_in_frame,
    opsInBatch: row.ops_in_batch,
    dataBytes: row.data_bytes,
    firstContentAtMs: row.first_content_at_ms === null ? null : unixMs(row.first_content_at_ms),
  };
}

export type NewBatch = {
  readonly batchIndex: number;
  readonly parentIndex: number | null;
  readonly nonce: BatchNonce;
};

export function insertBatch(sql: SqlStorage, batch: NewBatch, nowMs: UnixMs): void {
  sql.exec(
    "INSERT INTO batches (batch_index, parent_batch_index, nonce, created_at_ms) VALUES (?, ?, ?, ?)",
    batch.batchIndex,
    batch.parentIndex,
    batch.nonce,
    nowMs,
  );
}

export type NewFrame = {
  readonly batchIndex: number;
  readonly frame: number;
  readonly fee: FeeExponent;
  readonly safeBlock: BlockNumber;
};

export function insertFrame(sql: SqlStorage, frame: NewFrame, nowMs: UnixMs): void {
  sql.exec(
    `INSERT INTO frames (batch_index, frame_in_batch, created_at_ms, fee, safe_block)
     VALUES (?, ?, ?, ?, ?)`,
    frame.batchIndex,
    frame.frame,
    nowMs,
    frame.fee,
    frame.safeBlock,
  );
}

export type NewUserOp = {
  readonly batchIndex: number;
  readonly frame: number;
  readonly position: number;
  readonly sender: Address;
  readonly nonce: number;
  readonly maxFee: number;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
};

/** Appends the op; the trigger `trg_sequence_user_op` gives it the next feed offset. */
export function insertUserOp(sql: SqlStorage, op: NewUserOp, nowMs: UnixMs): void {
  sql.exec(
    "INSERT INTO user_ops VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    op.batchIndex,
    op.frame,
    op.position,
    toBlob(op.sender),
    op.nonce,
    op.maxFee,
    op.data,
    op.signature,
    nowMs,
  );
}

export function insertDirect(
  sql: SqlStorage,
  at: { readonly batchIndex: number; readonly frame: number; readonly inputIndex: number },
): void {
  sql.exec(
    `INSERT INTO sequenced_l2_txs (batch_index, frame_in_batch, safe_input_index) VALUES (?, ?, ?)`,
    at.batchIndex,
    at.frame,
    at.inputIndex,
  );
}

export type Seal = {
  readonly batchIndex: number;
  readonly payloadHash: Hash32;
  readonly payloadBytes: number;
};

export function sealBatch(sql: SqlStorage, seal: Seal, nowMs: UnixMs): void {
  sql.exec(
    `UPDATE batches SET sealed_at_ms = ?, payload_hash = ?, payload_bytes = ? WHERE batch_index = ?`,
    nowMs,
    toBlob(seal.payloadHash),
    seal.payloadBytes,
    seal.batchIndex,
  );
}

/**
 * The batch as it goes on the wire. The seal hashes these bytes and the submitter sends them: one
 * function, so that the promise and the transaction cannot differ.
 */
export function loadWireBatch(sql: SqlStorage, batchIndex: number): Batch {
  const batch = must(
    first(
      sql.exec<{ nonce: number }>("SELECT nonce FROM batches WHERE batch_index = ?", batchIndex),
    ),
    "the batch exists",
  );
  const ops = loadOpsByFrame(sql, batchIndex);
  const frames: Frame[] = [];
  const rows = sql.exec<{ frame_in_batch: number; fee: number; safe_block: number }>(
    `SELECT frame_in_batch, fee, safe_block FROM frames WHERE batch_index = ?
     ORDER BY frame_in_batch`,
    batchIndex,
  );
  for (const row of rows) {
    frames.push({
      userOps: ops.get(row.frame_in_batch) ?? [],
      safeBlock: BigInt(row.safe_block),
      feePrice: row.fee,
    });
  }
  return { nonce: BigInt(batch.nonce), frames };
}

function loadOpsByFrame(sql: SqlStorage, batchIndex: number): Map<number, WireUserOp[]> {
  const frames = new Map<number, WireUserOp[]>();
  const rows = sql.exec<{
    frame_in_batch: number;
    nonce: number;
    max_fee: number;
    data: ArrayBuffer;
    sig: ArrayBuffer;
  }>(
    `SELECT frame_in_batch, nonce, max_fee, data, sig FROM user_ops WHERE batch_index = ?
     ORDER BY frame_in_batch, pos_in_frame`,
    batchIndex,
  );
  for (const row of rows) {
    const op = {
      nonce: row.nonce,
      maxFee: row.max_fee,
      data: blob(row.data),
      signature: blob(row.sig),
    };
    const frame = frames.get(row.frame_in_batch);
    if (frame === undefined) frames.set(row.frame_in_batch, [op]);
    else frame.push(op);
  }
  return frames;
}

/** Positions are dense from 0, so a frame's ops are counted by one step in the key. */
const OPS_IN_FRAMES = `
  SELECT COALESCE(SUM((SELECT MAX(pos_in_frame) + 1 FROM user_ops u
    WHERE u.batch_index = f.batch_index AND u.frame_in_batch = f.frame_in_batch)), 0) AS n
  FROM frames f`;

/** Ops of a batch, void or not, as far as their frames are kept (F8). */
export function countOps(sql: SqlStorage, batchIndex: number): number {
  const query = `${OPS_IN_FRAMES} WHERE f.batch_index = ?`;
  return sql.exec<{ n: number }>(query, batchIndex).one().n;
}

/** Ops of the valid batches from `batchIndex` on: what a rollback to there voids. */
export function countValidOpsFrom(sql: SqlStorage, batchIndex: number): number {
  const query = `${OPS_IN_FRAMES} JOIN valid_batches b ON b.batch_index = f.batch_index
    WHERE f.batch_index >= ?`;
  return sql.exec<{ n: number }>(query, batchIndex).one().n;
}
