/** The acceptance predicate, landing by landing, and its timing on both sides (P§3.6, P§11.1). */

import { describe, expect, test } from "vitest";
import { advanceExpectedNonce, decideAcceptance } from "../../src/core/scheduler/acceptance.ts";
import { isOverdue, isStale } from "../../src/core/scheduler/timing.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { type BatchNonce, batchNonce, blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch, type Frame } from "../../src/core/wire/batch.ts";
import { frame } from "../support/fold.ts";
import { SEQUENCER } from "../support/l1-ledger.ts";
import { STRANGERS } from "../support/l1-stream.ts";

const [STRANGER = SEQUENCER] = STRANGERS;

/** A batch of nonce 3, which is the one expected, in block 2000. */
function decide(
  frames: readonly Frame[],
  landing: { sender?: Address; nonce?: bigint; block?: number; payload?: Uint8Array } = {},
) {
  const { sender = SEQUENCER, nonce = 3n, block = 2_000 } = landing;
  const payload = landing.payload ?? encodeBatch({ nonce, frames });
  const input = { sender, payload, blockNumber: blockNumber(block) };
  return decideAcceptance(batchNonce(3), input, SEQUENCER);
}

describe("[S2] acceptance", () => {
  test("the expected batch is accepted with its first frame's clock", () => {
    const accepted = { accepted: true, nonce: 3, firstFrameSafeBlock: 1_900 };
    expect(decide([frame(1_900), frame(1_950)])).toEqual(accepted);
  });

  test.each([
    { why: "foreign-sender", landing: { sender: STRANGER } },
    { why: "undecodable", landing: { payload: Uint8Array.of(0xff, 0xee, 0xdd) } },
    { why: "undecodable", landing: { payload: new Uint8Array() } },
    { why: "wrong-nonce", landing: { nonce: 2n } },
    { why: "wrong-nonce", landing: { nonce: 4n } },
    { why: "wrong-nonce", landing: { nonce: 2n ** 64n - 1n } },
    // Staleness is asked before the nonce.
    { why: "stale", landing: { nonce: 4n, block: 10_000 } },
    // A foreign landing is not looked into.
    { why: "foreign-sender", landing: { sender: STRANGER, payload: new Uint8Array() } },
  ])("$why: $landing", ({ why, landing }) => {
    expect(decide([frame(1_900)], landing)).toEqual({ accepted: false, why });
  });

  test("[S7] a nonce above 2^53 - 1 is compared as it is and is never expected", () => {
    const expected = batchNonce(Number.MAX_SAFE_INTEGER);
    const payload = encodeBatch({ nonce: 2n ** 53n, frames: [] });
    const landing = { sender: SEQUENCER, payload, blockNumber: blockNumber(1) };
    const refused = { accepted: false, why: "wrong-nonce" };
    expect(decideAcceptance(expected, landing, SEQUENCER)).toEqual(refused);
  });

  test.each([
    { block: 1_299, decision: { accepted: true, nonce: 3, firstFrameSafeBlock: 100 } },
    { block: 1_300, decision: { accepted: false, why: "stale" } },
  ])("[S4] a first frame at 100 in block $block: $decision", ({ block, decision }) => {
    expect(decide([frame(100), frame(block)], { block })).toEqual(decision);
  });

  test("[S4] a batch without frames is accepted at any age", () => {
    const accepted = { accepted: true, nonce: 3, firstFrameSafeBlock: null };
    expect(decide([], { block: Number.MAX_SAFE_INTEGER })).toEqual(accepted);
  });

  test.each([
    { clocks: [8, 7], first: 8 },
    { clocks: [2_001], first: 2_001 },
    { clocks: [0, 5_000], first: 0 },
  ])("clocks $clocks are not asked about: our own are in order", ({ clocks, first }) => {
    const frames = clocks.map((clock) => frame(clock));
    const block = clocks[0] === 2_001 ? 2_000 : 10;
    expect(decide(frames, { block })).toMatchObject({ accepted: true, firstFrameSafeBlock: first });
  });

  test.each([
    { safeBlock: 2n ** 53n - 1n, narrowed: 2 ** 53 - 1 },
    { safeBlock: 2n ** 53n, narrowed: 2 ** 53 - 1 },
    { safeBlock: 2n ** 64n - 1n, narrowed: 2 ** 53 - 1 },
  ])("[S7] a clock of $safeBlock does not throw and reads $narrowed", ({ safeBlock, narrowed }) => {
    const accepted = { accepted: true, nonce: 3, firstFrameSafeBlock: narrowed };
    expect(decide([{ ...frame(0), safeBlock }])).toEqual(accepted);
  });
});

describe("the expected nonce", () => {
  test.each([
    { observed: [], next: 0 },
    { observed: [1n], next: 0 },
    { observed: [0n, 1n, 3n, 4n, 5n], next: 2 },
    { observed: [1n, 0n], next: 1 },
    { observed: [0n, 0n, 1n], next: 2 },
    { observed: [2n ** 64n - 1n, 0n], next: 1 },
  ])("after $observed it is $next: gaps are not jumped", ({ observed, next }) => {
    const after = observed.reduce<BatchNonce>(advanceExpectedNonce, batchNonce(0));
    expect(after).toBe(next);
  });
});

describe("[S4] timing", () => {
  test.each([
    { block: 1_199, first: 0n, stale: false },
    { block: 1_200, first: 0n, stale: true },
    { block: 2_000, first: 801n, stale: false },
    { block: 2_000, first: 800n, stale: true },
    { block: 10, first: 11n, stale: false },
    { block: 10, first: 2n ** 64n - 1n, stale: false },
  ])("a batch at $first in block $block: stale is $stale", ({ block, first, stale }) => {
    expect(isStale(blockNumber(block), first)).toBe(stale);
  });

  test.each([
    { block: 1_209, overdue: false },
    { block: 1_210, overdue: true },
    { block: 9, overdue: false },
  ])("a direct input of block 10 in block $block: overdue is $overdue", ({ block, overdue }) => {
    expect(isOverdue(blockNumber(block), blockNumber(10))).toBe(overdue);
  });
});
