/**
 * 256-bit amounts in 32 bytes: big-endian for L1 and snapshots, little-endian in methods (P§13).
 *
 * An amount that does not fit is a bug and asserts: cut to 256 bits it would be other money.
 */

import { assert } from "./assert.ts";

export const UINT256_MAX: bigint = (1n << 256n) - 1n;
export const UINT256_BYTES: number = 32;

/** Writes 32 bytes at `at`, big-endian. Asserts `0 <= value < 2^256`. */
export function setBigEndian(view: DataView, at: number, value: bigint): void {
  assert(value >= 0n && value <= UINT256_MAX, "an amount fits in 256 bits");
  view.setBigUint64(at, value >> 192n);
  // The setter keeps the low 64 bits of what it is given.
  view.setBigUint64(at + 8, value >> 128n);
  view.setBigUint64(at + 16, value >> 64n);
  view.setBigUint64(at + 24, value);
}

/** Writes 32 bytes at `at`, little-endian. Asserts `0 <= value < 2^256`. */
export function setLittleEndian(view: DataView, at: number, value: bigint): void {
  assert(value >= 0n && value <= UINT256_MAX, "an amount fits in 256 bits");
  view.setBigUint64(at, value, true);
  view.setBigUint64(at + 8, value >> 64n, true);
  view.setBigUint64(at + 16, value >> 128n, true);
  view.setBigUint64(at + 24, value >> 192n, true);
}

export function getBigEndian(view: DataView, at: number): bigint {
  const high = (view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8);
  const low = (view.getBigUint64(at + 16) << 64n) | view.getBigUint64(at + 24);
  return (high << 128n) | low;
}

export function getLittleEndian(view: DataView, at: number): bigint {
  const low = (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true);
  const high = (view.getBigUint64(at + 24, true) << 64n) | view.getBigUint64(at + 16, true);
  return (high << 128n) | low;
}
