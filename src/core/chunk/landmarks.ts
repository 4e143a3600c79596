/** What of a chunk matters beyond its replay: the state that a seal in it names, and a rollback (V1, F3). */

import { ZERO_HASH } from "../consensus/encoding.ts";
import type { Hash32 } from "../types/hex.ts";
import { type Offset, offset } from "../types/units.ts";
import type { ChunkEvent } from "./event.ts";

export type Landmarks = {
  /** The last seal with a snapshot that no rollback of the chunk follows. */
  readonly seal: { readonly stateHash: Hash32; readonly after: Offset } | null;
  /** The lowest offset that a rollback of the chunk keeps; null: it has none. */
  readonly keepThrough: Offset | null;
};

/** `firstOffset` is that of the chunk's header; the feed's head at its beginning is one below. */
export function landmarksOf(events: readonly ChunkEvent[], firstOffset: Offset): Landmarks {
  let seal: Landmarks["seal"] = null;
  let keepThrough: Offset | null = null;
  let head = offset(firstOffset - 1);
  for (const event of events) {
    if ("offset" in event) head = event.offset;
    if (event.kind === "rollback") {
      keepThrough = offset(Math.min(keepThrough ?? event.keepThrough, event.keepThrough));
      seal = null;
    }
    if (event.kind === "seal" && event.stateHash !== ZERO_HASH) {
      seal = { stateHash: event.stateHash, after: head };
    }
  }
  return { seal, keepThrough };
}
