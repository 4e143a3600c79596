/**
 * The few words of Solidity ABI that we say to the Cartesi contracts, and understand from them.
 *
 * Calls are written by hand rather than with an ABI library: five functions, one event, and the
 * bytes are pinned by vectors and by the real contracts. Decoders take untrusted text: null is
 * "not the canonical encoding". P§2.4, L3.
 */

import {
  type Address,
  addressFromBytes,
  fromHex,
  type Hash32,
  hash32,
  toHex,
} from "../core/types/hex.ts";

/** Topic 0 of `InputAdded(address indexed appContract, uint256 indexed index, bytes input)`. */
export const INPUT_ADDED_TOPIC: Hash32 = hash32(
  "0xc05d337121a6e8605c6ec0b72aa29c4210ffe6e5b9cefdd6a7058188a8f66f98",
);
/** Call data of `getDeploymentBlockNumber()`. */
export const GET_DEPLOYMENT_BLOCK_NUMBER = "0xb3a1acd8";
/** Call data of `getDataAvailability()`. */
export const GET_DATA_AVAILABILITY = "0xf02478de";

const ADD_INPUT = "0x1789cd63";
const GET_NUMBER_OF_INPUTS = "0x61a93c87";
/** `InputBox(address)`; the other data availability, with Espresso, is refused. */
const DATA_AVAILABILITY_INPUT_BOX = "0xb12c9ede";

const WORD_BYTES = 32;
const HEX_PATTERN = /^0x(?:[0-9a-fA-F]{2})*$/;

/** Call data of `addInput(app, payload)`. */
export function encodeAddInput(app: Address, payload: Uint8Array): `0x${string}` {
  const padding = "00".repeat(paddedLength(payload.length) - payload.length);
  const head = `${addressWord(app)}${numberWord(2 * WORD_BYTES)}${numberWord(payload.length)}`;
  return `${ADD_INPUT}${head}${toHex(payload).slice(2)}${padding}`;
}

/** Call data of `getNumberOfInputs(app)`. */
export function encodeGetNumberOfInputs(app: Address): `0x${string}` {
  return `${GET_NUMBER_OF_INPUTS}${addressWord(app)}`;
}

/** An address as an indexed event argument. */
export function addressTopic(of: Address): Hash32 {
  return hash32(`0x${addressWord(of)}`);
}

/** Bytes of an RPC's hex text, in either letter case. */
export function decodeHex(text: unknown): Uint8Array | null {
  return typeof text === "string" && HEX_PATTERN.test(text) ? fromHex(text) : null;
}

/** One `uint256`. */
export function decodeUint256(text: unknown): bigint | null {
  const bytes = decodeHex(text);
  return bytes?.length === WORD_BYTES ? BigInt(toHex(bytes)) : null;
}

/** One `bytes`, as a function's result or an event's data. */
export function decodeBytes(text: unknown): Uint8Array | null {
  const bytes = decodeHex(text);
  if (bytes === null || bytes.length < 2 * WORD_BYTES) return null;
  const offset = BigInt(toHex(bytes.subarray(0, WORD_BYTES)));
  const length = BigInt(toHex(bytes.subarray(WORD_BYTES, 2 * WORD_BYTES)));
  if (offset !== BigInt(WORD_BYTES) || length > BigInt(bytes.length)) return null;
  const end = 2 * WORD_BYTES + Number(length);
  if (bytes.length !== paddedLength(end)) return null;
  if (bytes.subarray(end).some((byte) => byte !== 0)) return null;
  return bytes.slice(2 * WORD_BYTES, end);
}

/** The InputBox of an application's `getDataAvailability()`; null for any other availability. */
export function decodeDataAvailability(result: unknown): Address | null {
  const bytes = decodeBytes(result);
  if (bytes?.length !== 4 + WORD_BYTES) return null;
  if (toHex(bytes.subarray(0, 4)) !== DATA_AVAILABILITY_INPUT_BOX) return null;
  if (bytes.subarray(4, 16).some((byte) => byte !== 0)) return null;
  return addressFromBytes(bytes.slice(16));
}

function addressWord(of: Address): string {
  return of.slice(2).padStart(2 * WORD_BYTES, "0");
}

function numberWord(value: number): string {
  return value.toString(16).padStart(2 * WORD_BYTES, "0");
}

function paddedLength(length: number): number {
  return Math.ceil(length / WORD_BYTES) * WORD_BYTES;
}
