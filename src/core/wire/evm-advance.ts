/**
 * The envelope in which InputBox stores an input (P§2.4): ABI call data of
 * `EvmAdvance(uint256,address,address,uint256,uint256,uint256,uint256,bytes)`.
 */

import { assert } from "../types/assert.ts";
import { type Address, addressFromBytes, fromHex } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";

export type EvmAdvance = {
  readonly chainId: bigint;
  readonly appContract: Address;
  readonly msgSender: Address;
  readonly blockNumber: bigint;
  /** Unix seconds. */
  readonly blockTimestamp: bigint;
  readonly prevRandao: bigint;
  /** InputBox's index for the application. */
  readonly index: bigint;
  readonly payload: Uint8Array;
};

export type EvmAdvanceError = {
  readonly reason: "wrong-selector" | "too-short" | "bad-address" | "bad-offset" | "bad-length";
};

const SELECTOR: readonly number[] = [0x41, 0x5b, 0xf3, 0x63];
const WORD = 32;
const HEAD_WORDS = 8;
const WORD_SPAN = 1n << 256n;

/** Asserts that every integer is a uint256. */
export function encodeEvmAdvance(input: EvmAdvance): Uint8Array {
  const padded = Math.ceil(input.payload.length / WORD) * WORD;
  const bytes = new Uint8Array(4 + (HEAD_WORDS + 1) * WORD + padded);
  bytes.set(SELECTOR, 0);
  const words: readonly bigint[] = [
    input.chainId,
    BigInt(input.appContract),
    BigInt(input.msgSender),
    input.blockNumber,
    input.blockTimestamp,
    input.prevRandao,
    input.index,
    BigInt(HEAD_WORDS * WORD),
    BigInt(input.payload.length),
  ];
  for (const [i, word] of words.entries()) {
    assert(word >= 0n && word < WORD_SPAN, "a word is a uint256");
    bytes.set(fromHex(`0x${word.toString(16).padStart(64, "0")}`), 4 + i * WORD);
  }
  bytes.set(input.payload, 4 + (HEAD_WORDS + 1) * WORD);
  return bytes;
}

/** Strict: the one layout that InputBox writes. Trailing padding is not looked at. */
export function decodeEvmAdvance(bytes: Uint8Array): Result<EvmAdvance, EvmAdvanceError> {
  if (SELECTOR.some((byte, i) => bytes[i] !== byte)) return err({ reason: "wrong-selector" });
  if (bytes.length < 4 + (HEAD_WORDS + 1) * WORD) return err({ reason: "too-short" });
  const word = (i: number): Uint8Array => bytes.subarray(4 + i * WORD, 4 + (i + 1) * WORD);
  if (
    [1, 2].some((i) =>
      word(i)
        .subarray(0, 12)
        .some((byte) => byte !== 0),
    )
  ) {
    return err({ reason: "bad-address" });
  }
  if (uint(word(7)) !== BigInt(HEAD_WORDS * WORD)) return err({ reason: "bad-offset" });
  const start = 4 + (HEAD_WORDS + 1) * WORD;
  const length = uint(word(8));
  if (length > BigInt(bytes.length - start)) return err({ reason: "bad-length" });
  return ok({
    chainId: uint(word(0)),
    appContract: addressFromBytes(word(1).subarray(12)),
    msgSender: addressFromBytes(word(2).subarray(12)),
    blockNumber: uint(word(3)),
    blockTimestamp: uint(word(4)),
    prevRandao: uint(word(5)),
    index: uint(word(6)),
    payload: bytes.slice(start, start + Number(length)),
  });
}

function uint(word: Uint8Array): bigint {
  let value = 0n;
  for (const byte of word) value = (value << 8n) | BigInt(byte);
  return value;
}
