/** The era: which history this database holds and from where it is still kept. */

import { must } from "../../../core/types/assert.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import {
  type BatchNonce,
  type BlockNumber,
  blockNumber,
  type Offset,
  offset,
  type UnixMs,
} from "../../../core/types/units.ts";
import { blob, first, hashOf, toBlob } from "./rows.ts";

/** Where the baseline of a rebuilt history stands on L1 (R5). */
export type Base = {
  /** Every input up to the end of this block is in the baseline; acceptance starts beyond it. */
  readonly block: BlockNumber;
  readonly blockHash: Hash32;
  /** InputBox's number of inputs at the end of that block. */
  readonly inputCount: number;
};

export type History = {
  readonly era: Uint8Array;
  readonly generation: number;
  /** Records at or below are deleted (F8). */
  readonly availableFrom: Offset;
  /** Null for a genesis. */
  readonly base: Base | null;
};

type Row = {
  era: ArrayBuffer;
  generation: number;
  available_from: number;
  base_block: number;
  base_block_hash: ArrayBuffer | null;
  base_input_count: number;
};

export function loadHistory(sql: SqlStorage): History | null {
  const row = first(
    sql.exec<Row>(
      `SELECT era, generation, available_from, base_block, base_block_hash, base_input_count
       FROM history WHERE singleton = 0`,
    ),
  );
  if (row === null) return null;
  return {
    era: blob(row.era),
    generation: row.generation,
    availableFrom: offset(row.available_from),
    base: toBase(row),
  };
}

function toBase({ base_block, base_block_hash, base_input_count }: Row): Base | null {
  if (base_block_hash === null) return null;
  return {
    block: blockNumber(base_block),
    blockHash: hashOf(base_block_hash),
    inputCount: base_input_count,
  };
}

export function requireHistory(sql: SqlStorage): History {
  return must(loadHistory(sql), "genesis is done");
}

export type NewHistory = {
  readonly era: Uint8Array;
  /** Nonce of the root batch: what the scheduler accepts next. */
  readonly anchorNonce: BatchNonce;
  /** Null for a genesis. */
  readonly base: Base | null;
};

export function insertHistory(sql: SqlStorage, history: NewHistory, nowMs: UnixMs): void {
  const { era, anchorNonce, base } = history;
  sql.exec(
    `INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce, base_block,
       base_block_hash, base_input_count) VALUES (0, ?, ?, ?, ?, ?, ?)`,
    era,
    nowMs,
    anchorNonce,
    base?.block ?? -1,
    base === null ? null : toBlob(base.blockHash),
    base?.inputCount ?? 0,
  );
}

/** The block after which direct inputs are drained when no batch survives; -1 for a genesis history. */
export function baseBlock(sql: SqlStorage): number {
  return loadHistory(sql)?.base?.block ?? -1;
}

/** Whether the reader has read what the baseline stands on; a genesis history has no base to reach. */
export function isBaseReached(sql: SqlStorage): boolean {
  return (
    sql
      .exec<{ reached: number }>(
        `SELECT COALESCE((SELECT base_block FROM history WHERE singleton = 0), -1)
         <= COALESCE((SELECT block_number FROM l1_safe_head WHERE singleton = 0), -1) AS reached`,
      )
      .one().reached === 1
  );
}

export function raiseAvailableFrom(sql: SqlStorage, availableFrom: Offset): void {
  sql.exec("UPDATE history SET available_from = ? WHERE singleton = 0", availableFrom);
}

/** The newest offset ever given; 0 before the first record. */
export function feedHead(sql: SqlStorage): Offset {
  // sqlite_sequence survives deletions, so retention cannot make an offset come back.
  const row = first(
    sql.exec<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'sequenced_l2_txs'"),
  );
  return offset(row?.seq ?? 0);
}
