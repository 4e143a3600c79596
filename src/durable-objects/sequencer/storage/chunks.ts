/** The log: chunk headers and the canonical bytes of their events. Written once per lane commit. */

import type { Hash32 } from "../../../core/types/hex.ts";
import { type Offset, offset, type UnixMs } from "../../../core/types/units.ts";
import { first, hashOf, toBlob } from "./rows.ts";

export type ChunkHead = {
  readonly height: number;
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
  const row = first(
    sql.exec<{ height: number; hash: ArrayBuffer; next_offset: number }>(
      "SELECT height, hash, next_offset FROM chunks ORDER BY height DESC LIMIT 1",
    ),
  );
  if (row === null) return null;
  return { height: row.height, hash: hashOf(row.hash), nextOffset: offset(row.next_offset) };
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
