/**
 * The counters of the protocol, each its own type so that a block is never taken for an offset.
 *
 * All are safe integers (S7): SQL reads an integer above 2^53 back rounded, without an error, and a
 * u64 that does not fit is refused where the wire is decoded.
 */

import { assert } from "./assert.ts";
import type { Brand } from "./brand.ts";

/** L1 block number. */
export type BlockNumber = Brand<number, "BlockNumber">;
/** Position of a record in the feed; starts at 1, strictly increases, is never reused (F1). */
export type Offset = Brand<number, "Offset">;
/** Depth of a batch in the batch tree; reused after a rollback. */
export type BatchNonce = Brand<number, "BatchNonce">;
/** Fee as a u16 exponent of 129/128 (S3). */
export type FeeExponent = Brand<number, "FeeExponent">;
/** Milliseconds since the Unix epoch. */
export type UnixMs = Brand<number, "UnixMs">;

export const U16_MAX: number = 0xffff;
export const U32_MAX: number = 0xffff_ffff;

export function blockNumber(value: number): BlockNumber {
  return counter(value, "block number") as BlockNumber;
}

export function offset(value: number): Offset {
  return counter(value, "offset") as Offset;
}

export function batchNonce(value: number): BatchNonce {
  return counter(value, "batch nonce") as BatchNonce;
}

export function feeExponent(value: number): FeeExponent {
  assert(Number.isInteger(value) && value >= 0 && value <= U16_MAX, "a fee exponent is a u16");
  return value as FeeExponent;
}

export function unixMs(value: number): UnixMs {
  return counter(value, "time in ms") as UnixMs;
}

/** `value`, asserted to be an integer from 0 to 2^53 - 1. */
export function counter(value: number, what: string): number {
  assert(Number.isSafeInteger(value) && value >= 0, `${what} is a safe integer`);
  return value;
}

/** `a - b`, or 0 where that is negative. */
export function saturatingSub(a: number, b: number): number {
  return a > b ? a - b : 0;
}
