/**
 * What readers see: the feed, the replay that rebuilds the state, and the whereabouts of an op.
 *
 * Reads only. Every query goes through the views of what is valid, so a void row is never shown as
 * a promise.
 */

import type { FeedRecord } from "../../../core/feed/record.ts";
import { type Stretch, stretchesAfter } from "../../../core/feed/stretches.ts";
import { must } from "../../../core/types/assert.ts";
import type { Address, Hash32 } from "../../../core/types/hex.ts";
import {
  batchNonce,
  blockNumber,
  feeExponent,
  type Offset,
  offset,
} from "../../../core/types/units.ts";
import { addressOf, blob, first, hashOf, toBlob } from "./rows.ts";

type FeedRow = {
  offset: number;
  user_op_pos: number | null;
  safe_input_index: number | null;
  rollback_generation: number | null;
  batch_nonce: number | null;
  fee: number | null;
  safe_block: number | null;
  op_sender: ArrayBuffer | null;
  op_nonce: number | null;
  op_data: ArrayBuffer | null;
  input_sender: ArrayBuffer | null;
  input_payload: ArrayBuffer | null;
  input_block: number | null;
  input_timestamp: number | null;
  input_hash: ArrayBuffer | null;
  keep_through: number | null;
};

const FEED_PAGE = `
  SELECT s.offset, s.user_op_pos, s.safe_input_index, s.rollback_generation,
    b.nonce AS batch_nonce, f.fee, f.safe_block,
    u.sender AS op_sender, u.nonce AS op_nonce, u.data AS op_data,
    i.sender AS input_sender, i.payload AS input_payload, i.block_number AS input_block,
    i.block_timestamp AS input_timestamp, i.transaction_hash AS input_hash,
    r.keep_through
  FROM valid_sequenced_l2_txs s
  LEFT JOIN batches b ON b.batch_index = s.batch_index
  LEFT JOIN frames f ON f.batch_index = s.batch_index AND f.frame_in_batch = s.frame_in_batch
  LEFT JOIN user_ops u ON u.batch_index = s.batch_index
    AND u.frame_in_batch = s.frame_in_batch AND u.pos_in_frame = s.user_op_pos
  LEFT JOIN safe_inputs i ON i.safe_input_index = s.safe_input_index
  LEFT JOIN rollbacks r ON r.generation = s.rollback_generation
  WHERE s.offset > ? AND s.offset <= ? ORDER BY s.offset LIMIT ?`;

/** Valid records after `from`, oldest first, at most `limit`. */
export function recordsAfter(sql: SqlStorage, from: Offset, limit: number): readonly FeedRecord[] {
  const records: FeedRecord[] = [];
  for (const { after, through } of validStretches(sql, from)) {
    const left = limit - records.length;
    if (left <= 0) break;
    for (const row of sql.exec<FeedRow>(FEED_PAGE, after, through, left))
      records.push(toRecord(row));
  }
  return records;
}

/** Where the valid records after `from` lie, in order. */
export function validStretches(sql: SqlStorage, from: Offset): Iterable<Stretch> {
  // The few rollbacks are walked, not the feed.
  const rollbacks = sql
    .exec<{ offset: number; keep_through: number }>(
      `SELECT s.offset, r.keep_through FROM rollbacks r
       CROSS JOIN sequenced_l2_txs s ON s.rollback_generation = r.generation
       WHERE s.offset > ? ORDER BY s.offset`,
      from,
    )
    .toArray()
    .map((row) => ({ offset: row.offset, keepThrough: row.keep_through }));
  return stretchesAfter(from, rollbacks);
}

const present = <T>(value: T | null): T => must(value, "a feed row has the columns of its kind");

function toRecord(row: FeedRow): FeedRecord {
  if (row.rollback_generation !== null) {
    return {
      kind: "rollback",
      offset: offset(row.offset),
      keepThrough: offset(present(row.keep_through)),
      generation: row.rollback_generation,
    };
  }
  if (row.safe_input_index !== null) {
    return {
      kind: "direct_input",
      offset: offset(row.offset),
      sender: addressOf(present(row.input_sender)),
      blockNumber: blockNumber(present(row.input_block)),
      payload: blob(present(row.input_payload)),
      inputIndex: row.safe_input_index,
      batchNonce: batchNonce(present(row.batch_nonce)),
      blockTimestamp: present(row.input_timestamp),
      transactionHash: hashOf(present(row.input_hash)),
    };
  }
  return {
    kind: "user_op",
    offset: offset(row.offset),
    sender: addressOf(present(row.op_sender)),
    nonce: present(row.op_nonce),
    fee: feeExponent(present(row.fee)),
    data: blob(present(row.op_data)),
    safeBlock: blockNumber(present(row.safe_block)),
    batchNonce: batchNonce(present(row.batch_nonce)),
  };
}

/** How many records a reader at `from` is behind, counted up to `limit`. */
export function countRecordsAfter(sql: SqlStorage, from: Offset, limit: number): number {
  let count = 0;
  for (const { after, through } of validStretches(sql, from)) {
    if (count >= limit) break;
    const query = `SELECT COUNT(*) AS n FROM (SELECT 1 FROM valid_sequenced_l2_txs
      WHERE offset > ? AND offset <= ? LIMIT ?)`;
    count += sql.exec<{ n: number }>(query, after, through, limit - count).one().n;
  }
  return count;
}

/** The identity of an op: the newest valid row, else the newest void one. */
export type OpRow = {
  readonly offset: Offset;
  readonly batchIndex: number;
  readonly batchNonce: number;
  readonly frameFee: number;
  readonly maxFee: number;
  readonly data: Uint8Array;
  readonly isVoid: boolean;
};

const FIND_OP = `
  SELECT s.offset, u.batch_index, b.nonce AS batch_nonce, f.fee, u.max_fee, u.data,
    b.invalidated_at_ms IS NOT NULL AS is_void
  FROM user_ops u
  JOIN sequenced_l2_txs s ON s.batch_index = u.batch_index
    AND s.frame_in_batch = u.frame_in_batch AND s.user_op_pos = u.pos_in_frame
  JOIN batches b ON b.batch_index = u.batch_index
  JOIN frames f ON f.batch_index = u.batch_index AND f.frame_in_batch = u.frame_in_batch
  WHERE u.sender = ? AND u.nonce = ?
  ORDER BY is_void, s.offset DESC LIMIT 1`;

export function findOp(sql: SqlStorage, sender: Address, nonce: number): OpRow | null {
  const row = first(
    sql.exec<{
      offset: number;
      batch_index: number;
      batch_nonce: number;
      fee: number;
      max_fee: number;
      data: ArrayBuffer;
      is_void: number;
    }>(FIND_OP, toBlob(sender), nonce),
  );
  if (row === null) return null;
  return {
    offset: offset(row.offset),
    batchIndex: row.batch_index,
    batchNonce: row.batch_nonce,
    frameFee: row.fee,
    maxFee: row.max_fee,
    data: blob(row.data),
    isVoid: row.is_void === 1,
  };
}

/** The rollback that voided the record at `at`. */
export function rollbackOf(
  sql: SqlStorage,
  at: Offset,
): { readonly offset: number; readonly generation: number } | null {
  return first(
    sql.exec<{ offset: number; generation: number }>(
      // The few rollbacks are walked; in the order of the feed, all that it voided would be.
      `SELECT s.offset, r.generation FROM rollbacks r
       CROSS JOIN sequenced_l2_txs s ON s.rollback_generation = r.generation
       WHERE r.keep_through < ? AND s.offset > ? ORDER BY s.offset LIMIT 1`,
      at,
      at,
    ),
  );
}

/** Where a batch is on L1: accepted at safe depth, else its newest broadcast transaction. */
export type BatchOnL1 = {
  readonly isAccepted: boolean;
  readonly transactionHash: Hash32;
  readonly blockNumber: number | null;
};

export function batchOnL1(sql: SqlStorage, batchIndex: number): BatchOnL1 | null {
  const accepted = first(
    sql.exec<{ transaction_hash: ArrayBuffer; block_number: number }>(
      `SELECT i.transaction_hash, i.block_number FROM safe_accepted_batches a
       JOIN safe_inputs i USING (safe_input_index) WHERE a.batch_index = ?`,
      batchIndex,
    ),
  );
  if (accepted !== null) {
    return {
      isAccepted: true,
      transactionHash: hashOf(accepted.transaction_hash),
      blockNumber: accepted.block_number,
    };
  }
  const sent = first(
    sql.exec<{ tx_hash: ArrayBuffer }>(
      `SELECT tx_hash FROM submissions WHERE batch_index = ? AND broadcast_at_ms IS NOT NULL
       ORDER BY submission_id DESC LIMIT 1`,
      batchIndex,
    ),
  );
  if (sent === null) return null;
  return { isAccepted: false, transactionHash: hashOf(sent.tx_hash), blockNumber: null };
}

/** What danger and health look at: the oldest unaccepted closed batch, and the open one. */
export type BatchAge = { readonly batchIndex: number; readonly firstFrameSafeBlock: number };

export function oldestUnaccepted(sql: SqlStorage, frontier: number): BatchAge | null {
  return ageOf(
    sql,
    `SELECT b.batch_index, f.safe_block FROM valid_closed_batches b
     JOIN frames f ON f.batch_index = b.batch_index AND f.frame_in_batch = 0
     WHERE b.nonce >= ? ORDER BY b.nonce LIMIT 1`,
    frontier,
  );
}

export function openBatchAge(sql: SqlStorage): BatchAge | null {
  return ageOf(
    sql,
    `SELECT b.batch_index, f.safe_block FROM valid_open_batch b
     JOIN frames f ON f.batch_index = b.batch_index AND f.frame_in_batch = 0`,
  );
}

function ageOf(sql: SqlStorage, query: string, ...bindings: number[]): BatchAge | null {
  const row = first(sql.exec<{ batch_index: number; safe_block: number }>(query, ...bindings));
  return row === null ? null : { batchIndex: row.batch_index, firstFrameSafeBlock: row.safe_block };
}

/** Closed batches that L1 has not been sent yet, and when the oldest was sealed. */
export function unposted(
  sql: SqlStorage,
  frontier: number,
): { readonly count: number; readonly oldestSealedAtMs: number | null } {
  const row = sql
    .exec<{ n: number; oldest: number | null }>(
      `SELECT COUNT(*) AS n, MIN(sealed_at_ms) AS oldest FROM valid_closed_batches b
       WHERE b.nonce >= ? AND NOT EXISTS (SELECT 1 FROM submissions s
         WHERE s.batch_index = b.batch_index AND s.broadcast_at_ms IS NOT NULL)`,
      frontier,
    )
    .one();
  return { count: row.n, oldestSealedAtMs: row.oldest };
}
