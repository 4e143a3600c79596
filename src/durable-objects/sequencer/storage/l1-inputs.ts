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

/** The payload is the rows of a batch, or part of a state. */
export function forgetPayload(sql: SqlStorage, inputIndex: number): void {
  sql.exec("UPDATE safe_inputs SET payload = NULL WHERE safe_input_index = ?", inputIndex);
}

/** Stored inputs of `sender` from `from` on whose payload is kept, in order. */
export function* inputsOf(sql: SqlStorage, sender: Address, from: number): Generator<StoredDirect> {
  for (let next = from; ; ) {
    const rows = sql.exec<DirectRow>(
      `SELECT safe_input_index, sender, payload, block_number, block_timestamp, transaction_hash
       FROM safe_inputs WHERE safe_input_index >= ? AND sender = ? AND payload IS NOT NULL
       ORDER BY safe_input_index LIMIT ${DIRECTS_PAGE_ROWS}`,
      next,
      toBlob(sender),
    );
    const page = rows.toArray().map(toDirect);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < DIRECTS_PAGE_ROWS) return;
    next = last.inputIndex + 1;
  }
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

/** Rows of one page: at the largest payload, 4 MiB. */
const DIRECTS_PAGE_ROWS = 64;

/** In L1's order, blocks and indices rise together, so the index on blocks gives both. */
const DIRECTS_PAGE = `
  SELECT safe_input_index, sender, payload, block_number, block_timestamp, transaction_hash
  FROM safe_inputs
  WHERE (block_number, safe_input_index) > (?, ?) AND block_number <= ? AND sender <> ?
  ORDER BY block_number, safe_input_index LIMIT ${DIRECTS_PAGE_ROWS}`;

/**
 * Direct inputs of the blocks after `after` up to and including `through`, in L1 order, read page by
 * page. The submitter's own batches are not among them: they are never executed (N11).
 *
 * The caller drains the whole range in one transaction. In service a reader's slice bounds it (L1);
 * a genesis and a rollback drain what has gathered since.
 */
export function* directsBetween(
  sql: SqlStorage,
  range: {
    readonly after: number;
    /** Of the block `after`, the inputs behind this one too. */
    readonly afterIndex?: number;
    readonly through: BlockNumber;
    readonly submitter: Address;
  },
): Generator<StoredDirect> {
  const submitter = toBlob(range.submitter);
  let [block, index] = [range.after, range.afterIndex ?? Number.MAX_SAFE_INTEGER];
  for (;;) {
    const rows = sql.exec<DirectRow>(DIRECTS_PAGE, block, index, range.through, submitter);
    const page = rows.toArray().map(toDirect);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < DIRECTS_PAGE_ROWS) return;
    [block, index] = [last.blockNumber, last.inputIndex];
  }
}

function toDirect(row: DirectRow): StoredDirect {
  return {
    inputIndex: row.safe_input_index,
    sender: addressOf(row.sender),
    payload: blob(row.payload),
    blockNumber: blockNumber(row.block_number),
    blockTimestamp: row.block_timestamp,
    transactionHash: hashOf(row.transaction_hash),
  };
}
