/**
 * Hexadecimal text and the two identities written in it: addresses and 32-byte hashes.
 *
 * Identities are lower-case `0x` strings, so `===` and Map keys work. Checksums are for display.
 */

import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { assert } from "./assert.ts";
import type { Brand } from "./brand.ts";

/** 20 bytes, `0x` and 40 lower-case digits. */
export type Address = Brand<`0x${string}`, "Address">;
/** 32 bytes, `0x` and 64 lower-case digits. */
export type Hash32 = Brand<`0x${string}`, "Hash32">;

const ADDRESS_PATTERN = /^0x[0-9a-f]{40}$/;
const HASH_PATTERN = /^0x[0-9a-f]{64}$/;

export const ZERO_ADDRESS: Address = address(`0x${"00".repeat(20)}`);

/** Asserts; untrusted text goes through `parseAddress`. */
export function address(text: string): Address {
  assert(ADDRESS_PATTERN.test(text), "an address is 0x and 40 lower-case hex digits");
  return text as Address;
}

/** Any letter case and no checksum (I1 does not enforce EIP-55); null when it is not an address. */
export function parseAddress(text: string): Address | null {
  const lower = text.startsWith("0x") ? text.toLowerCase() : "";
  return ADDRESS_PATTERN.test(lower) ? (lower as Address) : null;
}

export function hash32(text: string): Hash32 {
  assert(HASH_PATTERN.test(text), "a hash is 0x and 64 lower-case hex digits");
  return text as Hash32;
}

export function addressFromBytes(bytes: Uint8Array): Address {
  assert(bytes.length === 20, "an address is 20 bytes");
  return toHex(bytes) as Address;
}

export function hashFromBytes(bytes: Uint8Array): Hash32 {
  assert(bytes.length === 32, "a hash is 32 bytes");
  return toHex(bytes) as Hash32;
}

/** `0x` and two lower-case digits per byte. */
export function toHex(bytes: Uint8Array): `0x${string}` {
  return `0x${bytesToHex(bytes)}`;
}

/** Asserts that `text` is `0x` and an even number of hex digits. */
export function fromHex(text: string): Uint8Array {
  assert(text.startsWith("0x"), "hex starts with 0x");
  return hexToBytes(text.slice(2));
}
