/** The chunks that a validator stores: recent ones, and the archive of certified ones behind them (C4). */

import { decodeEvents } from "../../../core/chunk/event.ts";
import { landmarksOf } from "../../../core/chunk/landmarks.ts";
import {
  type Certificate,
  decodeCertificate,
  encodeCertificate,
} from "../../../core/consensus/certificate.ts";
import { decodeAll } from "../../../core/consensus/encoding.ts";
import { type LineChunk, lineChunk } from "../../../core/consensus/line.ts";
import {
  encodeSignedHeader,
  readSignedHeader,
  type SignedHeader,
} from "../../../core/consensus/signed-header.ts";
import { assert } from "../../../core/types/assert.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import { blob, first, toBlob } from "../../sequencer/storage/rows.ts";
import { decoded } from "./decoded.ts";

/** Of old certificates one stays in any two of these. */
const CERTIFICATE_GAP = 2_048;

export function decodeHeaderRow(bytes: ArrayBuffer): SignedHeader {
  return decoded(decodeAll(blob(bytes), readSignedHeader), "a stored header");
}

/** In the order in which they were stored. */
export function loadRecent(sql: SqlStorage): readonly LineChunk[] {
  return sql
    .exec<{ signed_header: ArrayBuffer }>(
      "SELECT signed_header FROM chunks WHERE is_recent = 1 ORDER BY seq",
    )
    .toArray()
    .map((row) => lineChunk(decodeHeaderRow(row.signed_header)));
}

export function insertChunk(sql: SqlStorage, chunk: LineChunk, payload: Uint8Array): void {
  const { header } = chunk.signed;
  const events = decodeEvents(payload);
  assert(events.ok, "a payload was judged before it is stored");
  const { seal, keepThrough } = landmarksOf(events.value, header.firstOffset);
  sql.exec(
    `INSERT INTO chunks (hash, height, signed_header, is_recent, seal_hash, seal_offset,
       keep_through, payload) VALUES (?, ?, ?, 1, ?, ?, ?, ?)`,
    toBlob(chunk.ref.hash),
    header.height,
    encodeSignedHeader(chunk.signed),
    seal === null ? null : toBlob(seal.stateHash),
    seal?.after ?? null,
    keepThrough,
    payload,
  );
}

/** A certified chunk is kept by its height; one that never was stored, by its header alone. */
export function archiveChunk(sql: SqlStorage, chunk: LineChunk): void {
  const { rowsWritten } = sql.exec(
    "UPDATE chunks SET is_certified = 1 WHERE hash = ? AND is_certified = 0",
    toBlob(chunk.ref.hash),
  );
  if (rowsWritten > 0 || isStored(sql, chunk.ref.hash)) return;
  sql.exec(
    `INSERT INTO chunks (hash, height, signed_header, is_recent, is_certified)
     VALUES (?, ?, ?, 0, 1)`,
    toBlob(chunk.ref.hash),
    chunk.ref.height,
    encodeSignedHeader(chunk.signed),
  );
}

function isStored(sql: SqlStorage, hash: Hash32): boolean {
  return first(sql.exec("SELECT 1 FROM chunks WHERE hash = ?", toBlob(hash))) !== null;
}

/** Leaves the recent ones: a certified chunk stays in the archive, another is given up. */
export function retireChunk(sql: SqlStorage, hash: Hash32): void {
  sql.exec("DELETE FROM chunks WHERE hash = ? AND is_certified = 0", toBlob(hash));
  sql.exec("UPDATE chunks SET is_recent = 0 WHERE hash = ?", toBlob(hash));
}

export type StoredChunk = { readonly signed: SignedHeader; readonly payload: Uint8Array | null };

export function loadChunk(sql: SqlStorage, hash: Hash32): StoredChunk | null {
  const row = first(
    sql.exec<{ signed_header: ArrayBuffer; payload: ArrayBuffer | null }>(
      "SELECT signed_header, payload FROM chunks WHERE hash = ?",
      toBlob(hash),
    ),
  );
  if (row === null) return null;
  const payload = row.payload === null ? null : blob(row.payload);
  return { signed: decodeHeaderRow(row.signed_header), payload };
}

export function loadPayload(sql: SqlStorage, hash: Hash32): Uint8Array | null {
  const row = first(
    sql.exec<{ payload: ArrayBuffer | null }>(
      "SELECT payload FROM chunks WHERE hash = ?",
      toBlob(hash),
    ),
  );
  return row === null || row.payload === null ? null : blob(row.payload);
}

export function loadCertifiedAt(sql: SqlStorage, height: number): LineChunk | null {
  const row = first(
    sql.exec<{ signed_header: ArrayBuffer }>(
      "SELECT signed_header FROM chunks WHERE height = ? AND is_certified = 1",
      height,
    ),
  );
  return row === null ? null : lineChunk(decodeHeaderRow(row.signed_header));
}

/** Keeps the newest, and thins out the one that it follows. */
export function insertCertificate(sql: SqlStorage, certificate: Certificate): void {
  const { height, hash } = certificate.chunk;
  sql.exec(
    "INSERT INTO certificates VALUES (?, ?, ?)",
    height,
    toBlob(hash),
    encodeCertificate(certificate),
  );
  const [before, earlier] = sql
    .exec<{ height: number }>(
      "SELECT height FROM certificates WHERE height < ? ORDER BY height DESC LIMIT 2",
      height,
    )
    .toArray();
  const isClose = earlier !== undefined && height - earlier.height < CERTIFICATE_GAP;
  if (before !== undefined && isClose) {
    sql.exec("DELETE FROM certificates WHERE height = ?", before.height);
  }
}

export function loadCertificateUpTo(sql: SqlStorage, height: number): Certificate | null {
  const row = first(
    sql.exec<{ certificate: ArrayBuffer }>(
      `SELECT certificate FROM certificates WHERE height <= ? ORDER BY height DESC LIMIT 1`,
      height,
    ),
  );
  return row === null
    ? null
    : decoded(decodeCertificate(blob(row.certificate)), "a stored certificate");
}

/** The first that is kept at or above this height. */
export function loadCertificateFrom(sql: SqlStorage, height: number): Certificate | null {
  const query = "SELECT certificate FROM certificates WHERE height >= ? ORDER BY height LIMIT 1";
  const row = first(sql.exec<{ certificate: ArrayBuffer }>(query, height));
  return row === null
    ? null
    : decoded(decodeCertificate(blob(row.certificate)), "a stored certificate");
}

/** Deletes at most `limit` archived chunks below `height`, and their certificates; says how many. */
export function pruneArchive(sql: SqlStorage, height: number, limit: number): number {
  const doomed = sql
    .exec<{ seq: number }>(
      `SELECT seq FROM chunks WHERE is_certified = 1 AND is_recent = 0 AND height < ?
       ORDER BY height LIMIT ?`,
      height,
      limit,
    )
    .toArray();
  for (const { seq } of doomed) sql.exec("DELETE FROM chunks WHERE seq = ?", seq);
  sql.exec(
    `DELETE FROM certificates
     WHERE height < (SELECT MIN(height) FROM chunks WHERE is_certified = 1)`,
  );
  return doomed.length;
}

/** Height below which at most `chunks` certified ones are kept. */
export function archiveFloor(sql: SqlStorage, chunks: number): number {
  const row = first(
    sql.exec<{ height: number }>(
      `SELECT height FROM chunks WHERE is_certified = 1
       ORDER BY height DESC LIMIT 1 OFFSET ?`,
      chunks,
    ),
  );
  return row === null ? 0 : row.height + 1;
}
