/**
 * How one chunk follows another: heights, parents, epochs and offsets of the one log (C1, C6).
 *
 * A line is a path of linked chunks. Where two epochs meet, the offsets jump by the rule of C6, so a
 * chunk that an older leader handed out and lost never shares an offset with one that counts.
 */

import type { ChunkHeader } from "../chunk/header.ts";
import type { Hash32 } from "../types/hex.ts";
import { type Offset, offset } from "../types/units.ts";
import { ZERO_HASH } from "./encoding.ts";
import { firstOffset, type StartPoint } from "./epoch-record.ts";
import { chunkRef, type SignedHeader } from "./signed-header.ts";
import type { ChunkRef, Epoch } from "./types.ts";
import { epoch, height } from "./types.ts";

/** The end of a line: what the next chunk links to. */
export type LineEnd = {
  /** -1 where the log is empty. */
  readonly height: number;
  readonly hash: Hash32;
  readonly epoch: Epoch;
  readonly nextOffset: Offset;
};

/** A chunk by header, signature and hash; its payload lies with the driver, under the hash. */
export type LineChunk = { readonly ref: ChunkRef; readonly signed: SignedHeader };

export const EMPTY_LINE: LineEnd = {
  height: -1,
  hash: ZERO_HASH,
  epoch: epoch(0),
  nextOffset: offset(1),
};

export function lineChunk(signed: SignedHeader): LineChunk {
  return { ref: chunkRef(signed.header), signed };
}

export function lineEnd(header: ChunkHeader, hash: Hash32): LineEnd {
  return {
    height: header.height,
    hash,
    epoch: epoch(header.epoch),
    nextOffset: header.nextOffset,
  };
}

/** The chunk that an end is; to be asked of no empty line. */
export function refOf(end: LineEnd): ChunkRef {
  return { height: height(end.height), hash: end.hash };
}

/** The end of the line that an epoch continues. */
export function startOfEpoch({ inherited, keepThrough }: StartPoint): LineEnd {
  if (inherited === null) return EMPTY_LINE;
  return { ...inherited, nextOffset: offset(keepThrough + 1) };
}

/** Whether `header` may stand right after `end`. History and signature are checked elsewhere. */
export function followsLine(end: LineEnd, header: ChunkHeader): boolean {
  return (
    header.height === end.height + 1 &&
    header.parent === end.hash &&
    header.epoch >= end.epoch &&
    header.eventCount > 0 &&
    header.nextOffset >= header.firstOffset &&
    header.firstOffset === firstOffsetAfter(end, header.epoch)
  );
}

/** The first offset of the chunk after `end`, in the same epoch or in a later one (C6). */
export function firstOffsetAfter(end: LineEnd, next: number): Offset {
  if (next === end.epoch) return end.nextOffset;
  return firstOffset(epoch(next), end, offset(end.nextOffset - 1));
}
