/**
 * The header of a chunk: what a sequencer signs and validators acknowledge (C1).
 *
 *     version u8 | chain_id u64 | app 20 | era 16 | epoch u64 | height u64 | parent 32 | root 32
 *     | event_count u32 | first_offset u64 | next_offset u64                   big-endian, 145 bytes
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import {
  type Address,
  addressFromBytes,
  fromHex,
  type Hash32,
  hashFromBytes,
} from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { counter, type Offset, offset, U32_MAX } from "../types/units.ts";

export const CHUNK_VERSION = 1 as const;
export const CHUNK_DOMAIN = "baton/chunk/v1";

export type ChunkHeader = {
  readonly chainId: number;
  readonly app: Address;
  /** 16 bytes. */
  readonly era: Uint8Array;
  readonly epoch: number;
  readonly height: number;
  /** Hash of the chunk before; zero at height 0. */
  readonly parent: Hash32;
  readonly root: Hash32;
  /** u32 */
  readonly eventCount: number;
  readonly firstOffset: Offset;
  readonly nextOffset: Offset;
};

export type HeaderError = { readonly reason: "wrong-length" | "wrong-version" | "unsafe-integer" };

export const HEADER_BYTES = 145;

/** Canonical bytes. Asserts that every integer fits its field. */
export function encodeHeader(header: ChunkHeader): Uint8Array {
  assert(header.era.length === 16, "an era is 16 bytes");
  assert(counter(header.eventCount, "event count") <= U32_MAX, "an event count is a u32");
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const u64 = (at: number, value: number): void => {
    // Halves, since a BigInt would be an allocation for each of five fields.
    view.setUint32(at, Math.floor(counter(value, "a u64") / 2 ** 32));
    view.setUint32(at + 4, value % 2 ** 32);
  };
  view.setUint8(0, CHUNK_VERSION);
  u64(1, header.chainId);
  bytes.set(fromHex(header.app), 9);
  bytes.set(header.era, 29);
  u64(45, header.epoch);
  u64(53, header.height);
  bytes.set(fromHex(header.parent), 61);
  bytes.set(fromHex(header.root), 93);
  view.setUint32(125, header.eventCount);
  u64(129, header.firstOffset);
  u64(137, header.nextOffset);
  return bytes;
}

export function decodeHeader(bytes: Uint8Array): Result<ChunkHeader, HeaderError> {
  if (bytes.length !== HEADER_BYTES) return err({ reason: "wrong-length" });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== CHUNK_VERSION) return err({ reason: "wrong-version" });
  const u64 = (at: number): number => Number(view.getBigUint64(at));
  const [chainId, epoch, height] = [u64(1), u64(45), u64(53)];
  const [first, next] = [u64(129), u64(137)];
  if (![chainId, epoch, height, first, next].every(Number.isSafeInteger)) {
    return err({ reason: "unsafe-integer" });
  }
  return ok({
    chainId,
    app: addressFromBytes(bytes.subarray(9, 29)),
    era: bytes.slice(29, 45),
    epoch,
    height,
    parent: hashFromBytes(bytes.subarray(61, 93)),
    root: hashFromBytes(bytes.subarray(93, 125)),
    eventCount: view.getUint32(125),
    firstOffset: offset(first),
    nextOffset: offset(next),
  });
}

const DOMAIN_BYTES = utf8ToBytes(CHUNK_DOMAIN);
/** u16 length of the domain, then the domain: no other signed message starts with these bytes. */
const DOMAIN_PREFIX = concatBytes(new Uint8Array([0, DOMAIN_BYTES.length]), DOMAIN_BYTES);

/** What signatures are over. `encoded`: the header's canonical bytes, for who has them at hand. */
export function chunkPreimage(
  header: ChunkHeader,
  encoded: Uint8Array = encodeHeader(header),
): Uint8Array {
  return concatBytes(DOMAIN_PREFIX, encoded);
}

/** SHA-256 of the preimage: the parent of the next chunk. `encoded`: as above. */
export function chunkHash(header: ChunkHeader, encoded: Uint8Array = encodeHeader(header)): Hash32 {
  return hashFromBytes(sha256(chunkPreimage(header, encoded)));
}
