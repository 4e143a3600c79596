/**
 * The committee's share of the log: what it says of sealing and covering, and certificates (C2, C6, C7).
 *
 * The triggers of `migrations/sequencer/0008_committee.sql` and `0011_signatures.sql` refuse what is not of the log.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { ChunkEvent } from "../../../core/chunk/event.ts";
import {
  type Certificate,
  decodeCertificate,
  encodeCertificate,
} from "../../../core/consensus/certificate.ts";
import { assert, must } from "../../../core/types/assert.ts";
import type { UnixMs } from "../../../core/types/units.ts";
import { rootHeight } from "./replica-beginning.ts";
import { blob, first, toBlob } from "./rows.ts";

/** What the chunks up to one say that matters to L1; -1: nothing yet (C7). */
export type LogFacts = {
  /** Greatest batch_index that a seal names. */
  readonly sealedThrough: number;
  /** Greatest wallet nonce that a watermark covers. */
  readonly watermark: number;
};

export const NO_FACTS: LogFacts = { sealedThrough: -1, watermark: -1 };

/** Of the log up to `height`, which is not below what is certified. */
export function factsAt(sql: SqlStorage, height: number): LogFacts {
  const row = first(
    sql.exec<{ sealed_through: number | null; watermark_through: number | null }>(
      `SELECT sealed_through, watermark_through FROM log_facts
       WHERE height <= ? ORDER BY height DESC LIMIT 1`,
      height,
    ),
  );
  if (row === null) return NO_FACTS;
  return { sealedThrough: row.sealed_through ?? -1, watermark: row.watermark_through ?? -1 };
}

/**
 * In the chunk's transaction, after its row and those of its events. What a chunk says adds to what those before
 * it said, so it only rises. Few chunks say anything.
 */
export function insertFacts(sql: SqlStorage, height: number, events: readonly ChunkEvent[]): void {
  let { sealedThrough, watermark } = NO_FACTS;
  for (const event of events) {
    if (event.kind === "seal") {
      sealedThrough = Math.max(sealedThrough, sealedIndex(sql, event.batchNonce));
    } else if (event.kind === "watermark" || event.kind === "tally") {
      watermark = Math.max(watermark, event.walletNonce ?? -1);
    }
  }
  if (sealedThrough < 0 && watermark < 0) return;
  const before = factsAt(sql, height);
  sql.exec(
    "INSERT INTO log_facts VALUES (?, NULLIF(?, -1), NULLIF(?, -1))",
    height,
    Math.max(before.sealedThrough, sealedThrough),
    Math.max(before.watermark, watermark),
  );
  // Nobody asks for less than what is certified: the newest row up to there is the oldest that counts.
  sql.exec(
    `DELETE FROM log_facts WHERE height < (SELECT MAX(height) FROM log_facts
       WHERE height <= (SELECT MAX(height) FROM certificates))`,
  );
}

function sealedIndex(sql: SqlStorage, nonce: number): number {
  const row = first(
    sql.exec<{ batch_index: number }>(
      "SELECT batch_index FROM valid_closed_batches WHERE nonce = ?",
      nonce,
    ),
  );
  return must(row, "C7: a seal names a valid closed batch").batch_index;
}

export function insertCertificate(sql: SqlStorage, certificate: Certificate, nowMs: UnixMs): void {
  sql.exec(
    "INSERT INTO certificates VALUES (?, ?, ?, ?, ?)",
    certificate.chunk.height,
    toBlob(certificate.chunk.hash),
    certificate.epoch,
    encodeCertificate(certificate),
    nowMs,
  );
}

/** The newest certified height of the log; -1 before the first. */
export function certifiedHeight(sql: SqlStorage): number {
  const row = first(
    sql.exec<{ height: number }>("SELECT height FROM certificates ORDER BY height DESC LIMIT 1"),
  );
  return row?.height ?? begunHeight(sql);
}

/** C6: what a log was begun with was certified, though its certificate may name a later chunk. */
function begunHeight(sql: SqlStorage): number {
  const root = rootHeight(sql);
  const begun =
    root === null ? null : first(sql.exec("SELECT 1 FROM chunks WHERE height = ?", root));
  return begun === null || root === null ? -1 : root;
}

/** C2: where a log begins beyond its first chunk, validators start from its first certificate. */
export function insertFirstCheckpoint(sql: SqlStorage): void {
  const root = rootHeight(sql);
  if (root === null || checkpointHeight(sql) >= 0) return;
  const certificate = certificateCovering(sql, root);
  if (certificate !== null) insertCheckpoint(sql, certificate.chunk.height);
}

/** The height of the newest certificate at or below `height`; -1 where there is none. */
export function newestCertificateUpTo(sql: SqlStorage, height: number): number {
  return sql
    .exec<{ newest: number }>(
      "SELECT COALESCE(MAX(height), -1) AS newest FROM certificates WHERE height <= ?",
      height,
    )
    .one().newest;
}

/** The first certificate at or above `height`: it covers the chunk there. */
export function certificateCovering(sql: SqlStorage, height: number): Certificate | null {
  return certificatesAfter(sql, height - 1, 1)[0] ?? null;
}

/** Certificates of heights above `after`, in order, at most `limit`. */
export function certificatesAfter(
  sql: SqlStorage,
  after: number,
  limit: number,
): readonly Certificate[] {
  return sql
    .exec<{ certificate: ArrayBuffer }>(
      "SELECT certificate FROM certificates WHERE height > ? ORDER BY height LIMIT ?",
      after,
      limit,
    )
    .toArray()
    .map((row) => {
      const decoded = decodeCertificate(blob(row.certificate));
      assert(decoded.ok, "C2: a stored certificate is canonical");
      return decoded.value;
    });
}

/** The newest epoch for which a record was made here; null when none was. */
export function loadTakeover(sql: SqlStorage): number | null {
  return sql
    .exec<{ epoch: number | null }>(
      "SELECT takeover_epoch AS epoch FROM committee_marks WHERE singleton = 0",
    )
    .one().epoch;
}

export function saveTakeover(sql: SqlStorage, epoch: number): void {
  sql.exec("UPDATE committee_marks SET takeover_epoch = ? WHERE singleton = 0", epoch);
}

/** What a candidate's operator told it last (C6). */
export type Conduct = "active" | "paused" | "stopped";

export function loadConduct(sql: SqlStorage): Conduct {
  return sql
    .exec<{ conduct: Conduct }>("SELECT conduct FROM committee_marks WHERE singleton = 0")
    .one().conduct;
}

export function saveConduct(sql: SqlStorage, conduct: Conduct): void {
  sql.exec("UPDATE committee_marks SET conduct = ? WHERE singleton = 0", conduct);
}

/** Validators are not sent chunks up to here any more; -1: they may be sent all. */
export function checkpointHeight(sql: SqlStorage): number {
  const row = first(
    sql.exec<{ height: number }>("SELECT height FROM checkpoints ORDER BY height DESC LIMIT 1"),
  );
  return row?.height ?? -1;
}

/** The height is a certificate's. */
export function insertCheckpoint(sql: SqlStorage, height: number): void {
  sql.exec("INSERT INTO checkpoints VALUES (?)", height);
}

/** F3: the oldest rollback whose record is at or beyond `certifiedNext`; null when none is. */
export function oldestRollbackFrom(
  sql: SqlStorage,
  certifiedNext: number,
): { readonly offset: number; readonly keepThrough: number; readonly count: number } | null {
  const row = sql
    .exec<{ at: number | null; kept: number | null; n: number }>(
      // The few rollbacks are walked, not the feed.
      `SELECT MIN(s.offset) AS at, MIN(r.keep_through) AS kept, COUNT(*) AS n FROM rollbacks r
       CROSS JOIN sequenced_l2_txs s ON s.rollback_generation = r.generation
       WHERE s.offset >= ?`,
      certifiedNext,
    )
    .one();
  if (row.at === null || row.kept === null) return null;
  return { offset: row.at, keepThrough: row.kept, count: row.n };
}

/** Proofs that are kept: one is enough against anybody, and nobody fills the disk with them. */
const EVIDENCE_MAX = 256;

export function countEvidence(sql: SqlStorage): number {
  return sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM evidence").one().n;
}

/** The caller verified it. False: it is known, or too many are. */
export function insertEvidence(sql: SqlStorage, bytes: Uint8Array, nowMs: UnixMs): boolean {
  const hash = sha256(bytes);
  const known = sql.exec("SELECT 1 FROM evidence WHERE hash = ?", hash).toArray().length > 0;
  if (known || countEvidence(sql) >= EVIDENCE_MAX) return false;
  sql.exec("INSERT INTO evidence VALUES (?, ?, ?)", hash, bytes, nowMs);
  return true;
}
