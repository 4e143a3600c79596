/** How far a validator holds its sender's line (C4). */

import type { Feed, Taken } from "./take-in.ts";
import type { ChunkRef } from "./types.ts";
import { findChunk, heldHeight, lineTo, type ValidatorDurable } from "./validator-state.ts";

export type Held = {
  readonly through: number;
  /** How far the sender's line was compared since it turned out to be another one; null: it did not. */
  readonly compared: number | null;
};

/**
 * How far the sender's line is stored here: as far as the own one, unless the sender's turns out to be
 * another one, which is then sent from the base on, page by page, and shows where the two part. Until
 * then nothing more is claimed than what was compared: the own line's end would send it back and forth.
 */
export function heldThrough(
  { durable, hasGap }: Taken,
  feed: Feed,
  target: ChunkRef | null,
  compared: number | null,
): Held {
  const held = heldHeight(durable);
  const first = feed.chunks[0]?.ref.height ?? Number.POSITIVE_INFINITY;
  const { height } = durable.base;
  const isElsewhere = (chunk: ChunkRef | null): boolean =>
    chunk !== null &&
    chunk.height > height &&
    chunk.height <= held &&
    lineTo(durable, chunk) === null;
  const stored = storedOf(durable, feed);
  const hasParted = hasGap && first <= (compared ?? held) + 1;
  const isOther = hasParted || isElsewhere(target) || isElsewhere(durable.lock?.chunk ?? null);
  if (compared === null && !isOther) return { through: Math.max(held, stored), compared: null };
  const known = hasParted || compared === null ? height : Math.max(compared, height);
  const through = Math.max(known, stored);
  return { through, compared: through < held ? through : null };
}

/** The newest chunk of the feed that is stored; -1 when none is. */
export function storedOf(durable: ValidatorDurable, feed: Feed): number {
  const newest = feed.chunks.findLast(({ ref }) => findChunk(durable, ref.hash) !== null);
  return newest?.ref.height ?? -1;
}
