/** One slice of a reader: what must be shown complete before it counts, on an endpoint that is made up. */

import { expect, test } from "vitest";
import { address, hash32 } from "../../src/core/types/hex.ts";
import { err, ok, type Result } from "../../src/core/types/result.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { readNextSlice } from "../../src/l1/follow.ts";
import type { L1, L1Error, ObservedInput } from "../../src/l1/l1.ts";

const BOX = address(`0x${"1b".repeat(20)}`);
const SAFE_BLOCK = 100;
const NO_STATE: L1Error = { reason: "rpc-error", code: -32000 };

const blockOf = (number: number) => ({
  number: blockNumber(number),
  hash: hash32(`0x${number.toString(16).padStart(64, "0")}`),
  timestamp: number,
});

const inputOf = (index: number): ObservedInput => ({
  index,
  sender: BOX,
  payload: new Uint8Array(0),
  blockNumber: blockNumber(95),
  blockTimestamp: 95,
  transactionHash: hash32(`0x${"11".repeat(32)}`),
});

/** Answers `indices`, whatever range is asked for, and `count` at any block. */
function endpoint(indices: readonly number[], count: Result<number, L1Error>): L1 {
  const parts: Partial<L1> = {
    block: (tag) => Promise.resolve(ok(blockOf(typeof tag === "number" ? tag : SAFE_BLOCK))),
    inputs: ({ to }) => Promise.resolve(ok({ inputs: indices.map(inputOf), end: to })),
    inputCount: () => Promise.resolve(count),
  };
  return parts as L1;
}

/** A reader that holds two inputs up to block 90 takes at most `blocks` more. */
const read = (l1: L1, blocks: number) =>
  readNextSlice(
    l1,
    { inputBox: BOX, app: BOX, inputBoxBlock: blockNumber(1) },
    { head: { blockNumber: blockNumber(90), blockHash: blockOf(90).hash }, inputCount: 2 },
    { blocks, stopAt: null, blockMax: null },
  );

test.each([
  { what: "all, at the safe head", indices: [2, 3], count: ok(4), blocks: 10, end: 100 },
  { what: "all, below it", indices: [2, 3], count: ok(4), blocks: 9, end: 99 },
  {
    what: "all, where the node has no state",
    indices: [2, 3],
    count: err(NO_STATE),
    blocks: 9,
    end: 99,
  },
  { what: "none, and none there is", indices: [], count: ok(2), blocks: 9, end: 99 },
])("[L1] a slice is taken: $what", async ({ indices, count, blocks, end }) => {
  const followed = await read(endpoint(indices, count), blocks);
  expect(followed).toMatchObject({ ok: true, value: { slice: { end: { number: end } } } });
});

test.each([
  { what: "the last is missing at the safe head", indices: [2], count: ok(4), blocks: 10 },
  { what: "the last is missing below it", indices: [2], count: ok(4), blocks: 9 },
  { what: "all are missing below it", indices: [], count: ok(4), blocks: 9 },
  { what: "the first is missing", indices: [3], count: ok(4), blocks: 9 },
  { what: "one is missing in between", indices: [2, 4], count: ok(5), blocks: 9 },
])("[L1] a slice is incomplete: $what", async ({ indices, count, blocks }) => {
  const followed = await read(endpoint(indices, count), blocks);
  expect(followed).toEqual(err({ reason: "incomplete", code: null }));
});

test.each([
  { what: "at the safe head, without state", error: NO_STATE, blocks: 10 },
  { what: "below it, without an answer", error: { reason: "timeout", code: null }, blocks: 9 },
] as const)("[L1] a count that is not said is an error: $what", async ({ error, blocks }) => {
  expect(await read(endpoint([2, 3], err(error)), blocks)).toEqual(err(error));
});
