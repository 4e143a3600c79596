/** Which of our batches L1 accepted, and whether L1 ever accepted something else (R4). */

import type { Hash32 } from "../../../core/types/hex.ts";
import {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  type UnixMs,
} from "../../../core/types/units.ts";
import { first, hashOf } from "./rows.ts";

/** The nonce that the scheduler accepts next: the frontier. */
export function frontierNonce(sql: SqlStorage): BatchNonce {
  const row = sql
    .exec<{ nonce: number }>(
      `SELECT COALESCE((SELECT MAX(nonce) + 1 FROM safe_accepted_batches),
                       (SELECT anchor_nonce FROM history WHERE singleton = 0), 0) AS nonce`,
    )
    .one();
  return batchNonce(row.nonce);
}

export type SealedBatch = { readonly batchIndex: number; readonly payloadHash: Hash32 };

export function loadSealedBatch(sql: SqlStorage, nonce: BatchNonce): SealedBatch | null {
  const row = first(
    sql.exec<{ batch_index: number; payload_hash: ArrayBuffer }>(
      "SELECT batch_index, payload_hash FROM valid_closed_batches WHERE nonce = ?",
      nonce,
    ),
  );
  return row === null
    ? null
    : { batchIndex: row.batch_index, payloadHash: hashOf(row.payload_hash) };
}

export type Acceptance = {
  readonly inputIndex: number;
  readonly nonce: BatchNonce;
  readonly batchIndex: number;
  readonly firstFrameSafeBlock: BlockNumber | null;
  readonly inclusionBlock: BlockNumber;
};

export function insertAcceptance(sql: SqlStorage, acceptance: Acceptance): void {
  sql.exec(
    "INSERT INTO safe_accepted_batches VALUES (?, ?, ?, ?, ?)",
    acceptance.inputIndex,
    acceptance.nonce,
    acceptance.batchIndex,
    acceptance.firstFrameSafeBlock,
    acceptance.inclusionBlock,
  );
}

export type Divergence = {
  readonly nonce: BatchNonce;
  readonly inputIndex: number;
  readonly kind: "foreign" | "mismatch";
};

export function insertDivergence(sql: SqlStorage, divergence: Divergence, nowMs: UnixMs): void {
  sql.exec(
    "INSERT INTO canonical_divergence VALUES (0, ?, ?, ?, ?)",
    divergence.nonce,
    divergence.inputIndex,
    divergence.kind,
    nowMs,
  );
}

/** The nonce at which L1 and this database parted, or null. */
export function divergedAtNonce(sql: SqlStorage): number | null {
  return (
    first(sql.exec<{ nonce: number }>("SELECT nonce FROM canonical_divergence"))?.nonce ?? null
  );
}
