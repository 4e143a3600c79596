/** The era of a history: a UUIDv4, so that two databases are never taken for one (F5). */

import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Sets version and variant in 16 random bytes. */
export function eraFromRandom(random: Uint8Array): Uint8Array {
  assert(random.length === 16, "an era is 16 bytes");
  const era = random.slice();
  era[6] = ((era[6] ?? 0) & 0x0f) | 0x40;
  era[8] = ((era[8] ?? 0) & 0x3f) | 0x80;
  return era;
}

/** Lower-case UUID text of 16 bytes. */
export function formatEra(era: Uint8Array): string {
  assert(era.length === 16, "an era is 16 bytes");
  const hex = bytesToHex(era);
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, i) => hex.slice(cuts[i], end))
    .join("-");
}

/** Null unless `text` is a UUIDv4, in any letter case. */
export function parseEra(text: string): Uint8Array | null {
  const lower = text.toLowerCase();
  return UUID_V4.test(lower) ? hexToBytes(lower.replaceAll("-", "")) : null;
}
