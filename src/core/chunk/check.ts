/**
 * Whether bytes are the events that a header names: mode `linkage` of a validator (C1, C4).
 *
 * Root, count and offsets are those of the header, and an epoch after 0 opens with its rollback. What
 * the events mean is not asked: that needs a state, and is mode `full`.
 */

import type { StartPoint } from "../consensus/epoch-record.ts";
import { hashFromBytes } from "../types/hex.ts";
import { BLOB_BYTES_MAX } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type ChunkEvent, decodeEvents, encodeEvent } from "./event.ts";
import type { ChunkHeader } from "./header.ts";
import { leafHash, merkleRoot } from "./merkle.ts";

/**
 * `bytes`: no events, or too many bytes of them. `count`, `root`: not the header's. `offsets`: they do
 * not fill the header's range one by one. `opening`: the epoch does not open as its record says.
 */
export type ChunkProblem = "bytes" | "count" | "root" | "offsets" | "opening";

/** `opening`: where the chunk is the first of an epoch after 0, that epoch's start; else null. */
export function checkChunk(
  header: ChunkHeader,
  bytes: Uint8Array,
  opening: StartPoint | null,
): Result<readonly ChunkEvent[], ChunkProblem> {
  if (bytes.length === 0 || bytes.length > BLOB_BYTES_MAX) return err("bytes");
  const decoded = decodeEvents(bytes);
  if (!decoded.ok) return err("bytes");
  const events = decoded.value;
  if (events.length !== header.eventCount) return err("count");
  if (rootOfEvents(events) !== header.root) return err("root");
  if (!fillsOffsets(header, events)) return err("offsets");
  return opening === null || opensEpoch(events, opening) ? ok(events) : err("opening");
}

/** An event has one encoding, so what was decoded encodes to its leaf. */
function rootOfEvents(events: readonly ChunkEvent[]): string {
  return hashFromBytes(merkleRoot(events.map((event) => leafHash(encodeEvent(event)))));
}

function fillsOffsets(header: ChunkHeader, events: readonly ChunkEvent[]): boolean {
  let next: number = header.firstOffset;
  for (const event of events) {
    if (!("offset" in event)) continue;
    if (event.offset !== next) return false;
    next += 1;
  }
  return next === header.nextOffset;
}

function opensEpoch([first]: readonly ChunkEvent[], start: StartPoint): boolean {
  return (
    first?.kind === "rollback" &&
    first.offset === start.firstOffset &&
    first.keepThrough === start.keepThrough
  );
}
