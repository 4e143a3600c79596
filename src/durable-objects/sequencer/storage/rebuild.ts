/** What a rebuild needs before there is a history: why there is none, and the parts uploaded so far (R5). */

import { concatBytes } from "@noble/hashes/utils.js";
import type { Hash32 } from "../../../core/types/hex.ts";
import { type BatchNonce, batchNonce, blockNumber } from "../../../core/types/units.ts";
import type { Base } from "./history.ts";
import { blob, first, hashOf, toBlob } from "./rows.ts";

/** Whether L1 accepted a batch of this submitter before this database began. */
export function hasPreviousInstance(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM previous_instance").toArray().length > 0;
}

export function insertPreviousInstance(sql: SqlStorage, inputIndex: number): void {
  sql.exec("INSERT INTO previous_instance VALUES (0, ?)", inputIndex);
}

/** Whether there is no history, and a genesis must not make one. */
export function isRebuildAwaited(sql: SqlStorage): boolean {
  return (
    sql
      .exec<{ awaited: number }>(
        `SELECT EXISTS (SELECT 1 FROM previous_instance)
           AND NOT EXISTS (SELECT 1 FROM history) AS awaited`,
      )
      .one().awaited === 1
  );
}

export type Upload = {
  /** 16 bytes. */
  readonly uploadId: Uint8Array;
  readonly anchorNonce: BatchNonce;
  readonly base: Base;
  readonly executedInputCount: number;
  readonly stateBytes: number;
  readonly sha256: Hash32;
};

type Row = {
  upload_id: ArrayBuffer;
  anchor_nonce: number;
  base_block: number;
  base_block_hash: ArrayBuffer;
  base_input_count: number;
  executed_input_count: number;
  state_bytes: number;
  sha256: ArrayBuffer;
};

export function loadUpload(sql: SqlStorage): Upload | null {
  const row = first(
    sql.exec<Row>(
      `SELECT upload_id, anchor_nonce, base_block, base_block_hash, base_input_count,
         executed_input_count, state_bytes, sha256 FROM rebuild_uploads WHERE singleton = 0`,
    ),
  );
  if (row === null) return null;
  return {
    uploadId: blob(row.upload_id),
    anchorNonce: batchNonce(row.anchor_nonce),
    base: {
      block: blockNumber(row.base_block),
      blockHash: hashOf(row.base_block_hash),
      inputCount: row.base_input_count,
    },
    executedInputCount: row.executed_input_count,
    stateBytes: row.state_bytes,
    sha256: hashOf(row.sha256),
  };
}

export function insertUpload(sql: SqlStorage, upload: Upload): void {
  const { uploadId, anchorNonce, base, executedInputCount, stateBytes, sha256 } = upload;
  sql.exec(
    "INSERT INTO rebuild_uploads VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?)",
    uploadId,
    anchorNonce,
    base.block,
    toBlob(base.blockHash),
    base.inputCount,
    executedInputCount,
    stateBytes,
    toBlob(sha256),
  );
}

/** Forgets the upload and every part of it. */
export function deleteUpload(sql: SqlStorage): void {
  sql.exec("DELETE FROM rebuild_parts");
  sql.exec("DELETE FROM rebuild_uploads");
}

export function countParts(sql: SqlStorage): number {
  return sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM rebuild_parts").one().n;
}

export function insertPart(sql: SqlStorage, part: number, bytes: Uint8Array): void {
  sql.exec("INSERT INTO rebuild_parts VALUES (?, ?)", part, bytes);
}

/** The staged parts and the one that completes them: the whole state. */
export function joinParts(sql: SqlStorage, last: Uint8Array): Uint8Array {
  const parts = sql
    .exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM rebuild_parts ORDER BY part")
    .toArray()
    .map(({ bytes }) => blob(bytes));
  return concatBytes(...parts, last);
}

/** The payloads up to the base are in the baseline. */
export function forgetPayloads(sql: SqlStorage, base: Base): void {
  sql.exec(
    "UPDATE safe_inputs SET payload = NULL WHERE block_number <= ? AND payload IS NOT NULL",
    base.block,
  );
}
