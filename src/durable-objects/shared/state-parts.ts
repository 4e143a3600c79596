/** A state that is fetched part by part, and believed by its hash alone: wherever it is kept meanwhile (C4, C6). */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { SNAPSHOT_PART_BYTES } from "../../core/api/committee-api.ts";
import { type Hash32, hashFromBytes } from "../../core/types/hex.ts";
import { STATE_BYTES_MAX } from "../../core/types/protocol.ts";

export const SNAPSHOT_PARTS_MAX: number = STATE_BYTES_MAX / SNAPSHOT_PART_BYTES;

/** Where parts are kept, from the first on. */
export type StateParts = {
  readonly held: () => number;
  readonly load: (part: number) => Uint8Array | null;
  readonly insert: (part: number, bytes: Uint8Array) => void;
};

/** Asks for what is missing; whether all parts are here. One that ends early goes on where it stopped. */
export async function download(
  parts: StateParts,
  hash: Hash32,
  ask: (part: number) => Promise<Uint8Array | null>,
): Promise<boolean> {
  for (let part = parts.held(); ; part++) {
    const before = part === 0 ? null : parts.load(part - 1);
    const isWhole = before !== null && before.length < SNAPSHOT_PART_BYTES;
    if (isWhole || part === SNAPSHOT_PARTS_MAX) return true;
    const bytes = await ask(part);
    // A state whose last part is full ends without a shorter one: its hash shows the end.
    if (bytes === null) return before !== null && joinParts(parts.load, hash) !== null;
    // Another step may have stored it meanwhile.
    if (bytes.length === 0 || parts.held() !== part) return false;
    parts.insert(part, bytes);
  }
}

/** The whole state of these parts; null when some are missing, or when it is another state. */
export function joinParts(load: StateParts["load"], hash: Hash32): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (let part = 0; part < SNAPSHOT_PARTS_MAX; part++) {
    const bytes = load(part);
    if (bytes === null) break;
    parts.push(bytes);
  }
  const state = concatBytes(...parts);
  return hashFromBytes(sha256(state)) === hash ? state : null;
}
