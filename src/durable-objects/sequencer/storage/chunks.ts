/** The log: chunk headers and the canonical bytes of their events. Written once per lane commit. */

import { type ChunkHeader, decodeHeader } from "../../../core/chunk/header.ts";
import { assert } from "../../../core/types/assert.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import { type Offset, offset, type UnixMs } from "../../../core/types/units.ts";
import { blob, first, hashOf, toBlob } from "./rows.ts";

export type ChunkHead = {
  readonly height: number;
  readonly epoch: number;
  readonly hash: Hash32;
  readonly nextOffset: Offset;
};

export type StoredChunk = {
  readonly height: number;
  readonly epoch: number;
  readonly hash: Hash32;
  readonly header: Uint8Array;
  readonly events: Uint8Array;
  readonly firstOffset: Offset;
  readonly nextOffset: Offset;
};

export function loadChunkHead(sql: SqlStorage): ChunkHead | null {
  return headOf(
    first(
      sql.exec<HeadRow>(
        "SELECT height, epoch, hash, next_offset FROM chunks ORDER BY height DESC LIMIT 1",
      ),
    ),
  );
}

export function chunkHeadAt(sql: SqlStorage, height: number): ChunkHead | null {
  return headOf(
    first(
      sql.exec<HeadRow>(
        "SELECT height, epoch, hash, next_offset FROM chunks WHERE height = ?",
        height,
      ),
    ),
  );
}

type HeadRow = { height: number; epoch: number; hash: ArrayBuffer; next_offset: number };

function headOf(row: HeadRow | null): ChunkHead | null {
  if (row === null) return null;
  const { height, epoch } = row;
  return { height, epoch, hash: hashOf(row.hash), nextOffset: offset(row.next_offset) };
}

/** Header and events of the chunk that holds the record at `at`; null when it is not kept. */
export function chunkOf(
  sql: SqlStorage,
  at: Offset,
): { readonly header: ChunkHeader; readonly events: Uint8Array } | null {
  const row = first(
    sql.exec<{ header: ArrayBuffer; events: ArrayBuffer; first_offset: number }>(
      // Chunks without records end where the one before ends: the lowest of those holds the record.
      `SELECT header, events, first_offset FROM chunks WHERE next_offset > ?
       ORDER BY next_offset, height LIMIT 1`,
      at,
    ),
  );
  if (row === null || row.first_offset > at) return null;
  return { header: storedHeader(row.header), events: blob(row.events) };
}

/** Headers after `after` up to `through`, in order; fewer when some are not kept. */
export function headersBetween(
  sql: SqlStorage,
  after: number,
  through: number,
): readonly ChunkHeader[] {
  return sql
    .exec<{ header: ArrayBuffer }>(
      "SELECT header FROM chunks WHERE height > ? AND height <= ? ORDER BY height",
      after,
      through,
    )
    .toArray()
    .map((row) => storedHeader(row.header));
}

/** How many events the chunks above `height` have. */
export function eventsAbove(sql: SqlStorage, height: number): number {
  let events = 0;
  for (const row of sql.exec<{ header: ArrayBuffer }>(
    "SELECT header FROM chunks WHERE height > ?",
    height,
  )) {
    events += storedHeader(row.header).eventCount;
  }
  return events;
}

export function storedHeader(bytes: ArrayBuffer): ChunkHeader {
  const decoded = decodeHeader(blob(bytes));
  assert(decoded.ok, "C1: a stored header is canonical");
  return decoded.value;
}

export function insertChunk(sql: SqlStorage, chunk: StoredChunk, nowMs: UnixMs): void {
  sql.exec(
    "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    chunk.height,
    chunk.epoch,
    toBlob(chunk.hash),
    chunk.header,
    chunk.events,
    chunk.firstOffset,
    chunk.nextOffset,
    nowMs,
  );
}
