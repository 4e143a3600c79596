/**
 * The part of a log that waits to be projected, read as the committee's library reads a log (C2, C6).
 *
 * A follower's chunks are durable here before they are rows: what they say needs our own reader, which may
 * be behind. Their certificates wait with them.
 */

import { type ChunkHeader, chunkHash, decodeHeader } from "../../../core/chunk/header.ts";
import {
  type Certificate,
  decodeCertificate,
  encodeCertificate,
} from "../../../core/consensus/certificate.ts";
import { assert, must } from "../../../core/types/assert.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import type { UnixMs } from "../../../core/types/units.ts";
import type { ChunkHead } from "./chunks.ts";
import { loadWaiting, waitingThrough } from "./replica.ts";
import { blob, first, toBlob } from "./rows.ts";
import type { StoredSignature } from "./signatures.ts";

export type WaitingChunk = {
  readonly header: ChunkHeader;
  readonly hash: Hash32;
  readonly events: Uint8Array;
  readonly signature: StoredSignature;
};

/** The newest chunk that waits; null when none does. */
export function waitingHead(sql: SqlStorage): ChunkHead | null {
  return waitingHeadAt(sql, waitingThrough(sql));
}

export function waitingHeadAt(sql: SqlStorage, height: number): ChunkHead | null {
  const [chunk] = waitingPage(sql, { from: height, through: height, bytesMax: 1 });
  if (chunk === undefined) return null;
  const { header, hash } = chunk;
  return { height, epoch: header.epoch, hash, nextOffset: header.nextOffset };
}

/** Chunks that wait from `from` up to `through`, until `bytesMax` is passed; at least the first. */
export function waitingPage(
  sql: SqlStorage,
  range: { readonly from: number; readonly through: number; readonly bytesMax: number },
): readonly WaitingChunk[] {
  return loadWaiting(sql, range).map(({ header, events, signature }) => {
    const decoded = decodeHeader(header);
    assert(decoded.ok, "C1: a header that waits is canonical");
    const hash = chunkHash(decoded.value);
    return {
      ...{ header: decoded.value, hash, events },
      signature: must(signature, "C2: a leader signs its chunks"),
    };
  });
}

/** Of a chunk that waits. */
export function insertWaitingCertificate(
  sql: SqlStorage,
  certificate: Certificate,
  nowMs: UnixMs,
): void {
  const { height, hash } = certificate.chunk;
  assert(waitingHeadAt(sql, height)?.hash === hash, "C2: a certificate names a stored chunk");
  sql.exec(
    "INSERT INTO replica_certificates VALUES (?, ?, ?, ?, ?)",
    height,
    toBlob(hash),
    certificate.epoch,
    encodeCertificate(certificate),
    nowMs,
  );
}

/** The newest certified height of what waits; -1 where none is. */
export function waitingCertifiedHeight(sql: SqlStorage): number {
  return sql
    .exec<{ newest: number }>(
      "SELECT COALESCE(MAX(height), -1) AS newest FROM replica_certificates",
    )
    .one().newest;
}

/** The first certificate of what waits at or above `height`. */
export function waitingCertificate(sql: SqlStorage, height: number): Certificate | null {
  const row = first(
    sql.exec<{ certificate: ArrayBuffer }>(
      "SELECT certificate FROM replica_certificates WHERE height >= ? ORDER BY height LIMIT 1",
      height,
    ),
  );
  if (row === null) return null;
  const decoded = decodeCertificate(blob(row.certificate));
  assert(decoded.ok, "C2: a stored certificate is canonical");
  return decoded.value;
}

/** Certificates up to `height` go where their chunks are now. */
export function moveCertificates(sql: SqlStorage, height: number): void {
  sql.exec(
    "INSERT INTO certificates SELECT * FROM replica_certificates WHERE height <= ? ORDER BY height",
    height,
  );
  sql.exec("DELETE FROM replica_certificates WHERE height <= ?", height);
}
