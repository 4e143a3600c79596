/** Untrusted JSON of an RPC endpoint as our types; null is "not what the method answers". */

import type { FeeHistory } from "../core/submission/fees.ts";
import { type Hash32, hash32 } from "../core/types/hex.ts";
import { blockNumber } from "../core/types/units.ts";
import type { L1Block } from "./l1.ts";

const QUANTITY_PATTERN = /^0x[0-9a-fA-F]{1,64}$/;
const HASH_PATTERN = /^0x[0-9a-fA-F]{64}$/;

export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON-RPC quantity, up to 256 bits. Leading zeros pass: some nodes send them. */
export function parseQuantity(value: unknown): bigint | null {
  return typeof value === "string" && QUANTITY_PATTERN.test(value) ? BigInt(value) : null;
}

/** A quantity that is a counter: at most 2^53 - 1 (S7). */
export function parseCounter(value: unknown): number | null {
  const quantity = parseQuantity(value);
  return quantity === null ? null : narrowCounter(quantity);
}

export function narrowCounter(value: bigint): number | null {
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

export function parseHash(value: unknown): Hash32 | null {
  return typeof value === "string" && HASH_PATTERN.test(value) ? hash32(value.toLowerCase()) : null;
}

export function parseObject(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `eth_getBlockByNumber`. */
export function parseBlock(value: unknown): L1Block | null {
  const block = parseObject(value);
  const number = parseCounter(block?.["number"]);
  const hash = parseHash(block?.["hash"]);
  const timestamp = parseCounter(block?.["timestamp"]);
  if (number === null || hash === null || timestamp === null) return null;
  return { number: blockNumber(number), hash, timestamp };
}

/** `eth_feeHistory` with one percentile: the last base fee is the next block's. */
export function parseFeeHistory(value: unknown): FeeHistory | null {
  const history = parseObject(value);
  const baseFees = history?.["baseFeePerGas"];
  const rewards = history?.["reward"];
  if (!Array.isArray(baseFees) || !Array.isArray(rewards)) return null;
  const baseFeeWei = parseQuantity(baseFees.at(-1));
  const rewardsWei: bigint[] = [];
  for (const ofBlock of rewards) {
    const reward = Array.isArray(ofBlock) ? parseQuantity(ofBlock[0]) : null;
    if (reward === null) return null;
    rewardsWei.push(reward);
  }
  return baseFeeWei === null ? null : { baseFeeWei, rewardsWei };
}
