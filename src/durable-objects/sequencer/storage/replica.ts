/** What a follower keeps beside the log: chunks that wait, and where its frame stopped draining (C6). */

import type { Head } from "../../../core/lane/head.ts";
import type { Address } from "../../../core/types/hex.ts";
import type { BatchNonce, Offset } from "../../../core/types/units.ts";
import { baseBlock } from "./history.ts";
import { directsBetween, type StoredDirect } from "./l1-inputs.ts";
import { blob, first } from "./rows.ts";
import { type StoredSignature, signatureOf } from "./signatures.ts";

/** A chunk as it was received. Its header is certified, or it is not shown to a follower. */
export type ReceivedChunk = {
  readonly header: Uint8Array;
  readonly events: Uint8Array;
  /** The leader's; null where there is no committee. */
  readonly signature: StoredSignature | null;
};

type ChunkRow = {
  header: ArrayBuffer;
  events: ArrayBuffer;
  scheme: string | null;
  signature: ArrayBuffer | null;
};

/** A chunk at `height`, one above the newest that is there or waits. */
export function insertWaiting(sql: SqlStorage, height: number, chunk: ReceivedChunk): void {
  sql.exec(
    "INSERT INTO replica_chunks VALUES (?, ?, ?, ?, ?)",
    height,
    chunk.header,
    chunk.events,
    chunk.signature?.scheme ?? null,
    chunk.signature?.signature ?? null,
  );
}

/** Chunks that wait from `from` up to `through`, until `bytesMax` is passed; at least the first. */
export function loadWaiting(
  sql: SqlStorage,
  range: { readonly from: number; readonly through: number; readonly bytesMax: number },
): readonly ReceivedChunk[] {
  const chunks: ReceivedChunk[] = [];
  let bytes = 0;
  for (let height = range.from; height <= range.through && bytes < range.bytesMax; height++) {
    const chunk = waitingAt(sql, height);
    if (chunk === null) break;
    chunks.push(chunk);
    bytes += chunk.events.length;
  }
  return chunks;
}

function waitingAt(sql: SqlStorage, height: number): ReceivedChunk | null {
  const row = first(
    sql.exec<ChunkRow>(
      "SELECT header, events, scheme, signature FROM replica_chunks WHERE height = ?",
      height,
    ),
  );
  if (row === null) return null;
  return { header: blob(row.header), events: blob(row.events), signature: signatureOf(row) };
}

/** The newest height that waits; -1 when none does. */
export function waitingThrough(sql: SqlStorage): number {
  return sql
    .exec<{ newest: number }>("SELECT COALESCE(MAX(height), -1) AS newest FROM replica_chunks")
    .one().newest;
}

/** Takes away what waits at or below `height`: it is in the log. */
export function deleteWaitingThrough(sql: SqlStorage, height: number): void {
  sql.exec("DELETE FROM replica_chunks WHERE height <= ?", height);
}

/** Takes away what waits at or above `height`: an epoch does not inherit it. */
export function deleteWaitingFrom(sql: SqlStorage, height: number): void {
  sql.exec("DELETE FROM replica_chunks WHERE height >= ?", height);
}

export function validBatchOf(sql: SqlStorage, nonce: BatchNonce): number | null {
  return (
    first(
      sql.exec<{ batch_index: number }>(
        "SELECT batch_index FROM valid_batches WHERE nonce = ?",
        nonce,
      ),
    )?.batch_index ?? null
  );
}

/** F3: whether a record of a batch from `pivotIndex` on lies above `after` and at or below `through`. */
export function hasRecordOf(
  sql: SqlStorage,
  pivotIndex: number,
  range: { readonly after: Offset; readonly through: Offset },
): boolean {
  const rows = sql.exec(
    `SELECT 1 FROM sequenced_l2_txs WHERE offset > ? AND offset <= ? AND batch_index >= ? LIMIT 1`,
    range.after,
    range.through,
    pivotIndex,
  );
  return rows.toArray().length > 0;
}

/**
 * What the open frame covers and has not drained, in L1's order. A commit that drains much is cut into
 * chunks (C1), so a log may end in the middle of it, and whoever continues the log drains the rest.
 */
export function owedDirects(
  sql: SqlStorage,
  head: Pick<Head, "batchIndex" | "frame" | "safeBlock">,
  submitter: Address,
): Generator<StoredDirect> {
  const { batchIndex, frame, safeBlock: through } = head;
  const drained = first(
    sql.exec<{ block_number: number; safe_input_index: number }>(
      `SELECT i.block_number, i.safe_input_index FROM sequenced_l2_txs s
       JOIN safe_inputs i USING (safe_input_index)
       WHERE s.batch_index = ? AND s.frame_in_batch = ? AND s.safe_input_index IS NOT NULL
       ORDER BY s.offset DESC LIMIT 1`,
      batchIndex,
      frame,
    ),
  );
  if (drained === null) {
    const after = blockBefore(sql, batchIndex, frame) ?? baseBlock(sql);
    return directsBetween(sql, { after, through, submitter });
  }
  const { block_number: after, safe_input_index: afterIndex } = drained;
  return directsBetween(sql, { after, afterIndex, through, submitter });
}

/** The block of the frame before this one, in its batch or at the end of its parent; null at the root. */
function blockBefore(sql: SqlStorage, batchIndex: number, frame: number): number | null {
  const row =
    frame > 0
      ? sql.exec<{ safe_block: number }>(
          "SELECT safe_block FROM frames WHERE batch_index = ? AND frame_in_batch = ?",
          batchIndex,
          frame - 1,
        )
      : sql.exec<{ safe_block: number }>(
          `SELECT safe_block FROM frames WHERE batch_index =
             (SELECT parent_batch_index FROM batches WHERE batch_index = ?)
           ORDER BY frame_in_batch DESC LIMIT 1`,
          batchIndex,
        );
  return first(row)?.safe_block ?? null;
}
