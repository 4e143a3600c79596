/** Danger: every arm, both sides of its limit, and the order in which they are asked (R§1.3, R§2). */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  blocksToDanger,
  type DangerFacts,
  type DangerTiming,
  decideDanger,
} from "../../src/core/recovery/danger.ts";
import { blockNumber, unixMs } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

const SAFE_BLOCK = 10_000;
/** Now, and the safe head's own time, to the second. */
const NOW_S = 1_800_000_000;
const nowMs = unixMs(NOW_S * 1_000);
const timing: DangerTiming = { secondsPerBlock: 12, dangerBlocks: 900, readStaleAfterBlocks: 600 };

const aged = (blocks: number, batchIndex = 7) => ({
  batchIndex,
  firstFrameSafeBlock: blockNumber(SAFE_BLOCK - blocks),
});
const closed = (blocks: number) => aged(blocks, 7);
const open = (blocks: number) => aged(blocks, 8);

/** Nothing is wrong, but for `change`. */
const facts = (change: Partial<DangerFacts> = {}): DangerFacts => ({
  divergedAtNonce: null,
  safeBlock: blockNumber(SAFE_BLOCK),
  safeBlockTimestampS: NOW_S,
  lastProgressMs: nowMs,
  nowMs,
  oldestClosed: null,
  tip: null,
  ...change,
});
const agoMs = (ms: number) => unixMs(nowMs - ms);

type Case = { readonly what: string; readonly change: Partial<DangerFacts>; readonly is: object };
const safe = { kind: "safe" };
const viewStale = { kind: "l1-view-stale" };

describe("[R3] each arm, on both sides", () => {
  const cases: readonly Case[] = [
    { what: "nothing is wrong", change: {}, is: safe },
    {
      what: "a divergence is recorded",
      change: { divergedAtNonce: 0 },
      is: { kind: "canonical-divergence", nonce: 0 },
    },
    { what: "no safe head was ever seen", change: { safeBlockTimestampS: null }, is: viewStale },
    {
      what: "the safe block is a second younger than 600 block times",
      change: { safeBlockTimestampS: NOW_S - 7_199 },
      is: safe,
    },
    {
      what: "the safe block is 600 block times old",
      change: { safeBlockTimestampS: NOW_S - 7_200 },
      is: viewStale,
    },
    {
      what: "a part of a second counts as none",
      change: { safeBlockTimestampS: NOW_S - 7_199, nowMs: unixMs(nowMs + 999) },
      is: safe,
    },
    { what: "a closed batch is 899 old", change: { oldestClosed: closed(899) }, is: safe },
    {
      what: "a closed batch is 900 old",
      change: { oldestClosed: closed(900) },
      is: { kind: "closed-batch-in-danger", batchIndex: 7 },
    },
    { what: "the open batch is 899 old", change: { tip: open(899) }, is: safe },
    {
      what: "the open batch is 900 old",
      change: { tip: open(900) },
      is: { kind: "tip-in-danger", batchIndex: 8 },
    },
    { what: "a clock ahead of the safe head is no age", change: { tip: open(-50) }, is: safe },
    {
      what: "our clock is a second less than a block behind the safe block's",
      change: { safeBlockTimestampS: NOW_S + 11 },
      is: safe,
    },
    {
      what: "our clock is a millisecond less than a block behind it",
      change: { safeBlockTimestampS: NOW_S + 12, nowMs: unixMs(nowMs + 1) },
      is: safe,
    },
    {
      what: "our clock is a block behind it",
      change: { safeBlockTimestampS: NOW_S + 12 },
      is: viewStale,
    },
    {
      what: "our clock went back by less than a block",
      change: { lastProgressMs: unixMs(nowMs + 11_999) },
      is: safe,
    },
    {
      what: "our clock went back by a block",
      change: { lastProgressMs: unixMs(nowMs + 12_000) },
      is: viewStale,
    },
  ];
  test.each(cases)("$what: $is.kind", ({ change, is }) => {
    expect(decideDanger(facts(change), timing)).toEqual(is);
  });
});

describe("[R3] blocks missed by the clock", () => {
  // P§11.1: 300 s take 25 blocks of 12 s off the limit.
  test.each([
    { elapsedMs: 0, age: 899, kind: "safe" },
    { elapsedMs: 11_999, age: 899, kind: "safe" },
    { elapsedMs: 12_000, age: 898, kind: "safe" },
    { elapsedMs: 12_000, age: 899, kind: "estimated-batch-in-danger" },
    { elapsedMs: 300_000, age: 874, kind: "safe" },
    { elapsedMs: 300_000, age: 875, kind: "estimated-batch-in-danger" },
    { elapsedMs: 311_999, age: 874, kind: "safe" },
    { elapsedMs: 312_000, age: 874, kind: "estimated-batch-in-danger" },
    { elapsedMs: 899 * 12_000, age: 0, kind: "safe" },
    { elapsedMs: 900 * 12_000, age: 0, kind: "estimated-batch-in-danger" },
    { elapsedMs: 5_000 * 12_000, age: 0, kind: "estimated-batch-in-danger" },
  ])("$age old and $elapsedMs ms without progress: $kind", ({ elapsedMs, age, kind }) => {
    const lastProgressMs = agoMs(elapsedMs);
    expect(decideDanger(facts({ lastProgressMs, tip: open(age) }), timing).kind).toBe(kind);
    expect(decideDanger(facts({ lastProgressMs, oldestClosed: closed(age) }), timing).kind).toBe(
      kind,
    );
  });

  test("a clock that went back by less than a block misses none", () => {
    const lastProgressMs = unixMs(nowMs + 11_999);
    expect(decideDanger(facts({ lastProgressMs, tip: open(899) }), timing)).toEqual(safe);
  });

  test("only the closed batch is estimated when there is one", () => {
    const lastProgressMs = agoMs(300_000);
    const both = { lastProgressMs, oldestClosed: closed(874), tip: open(880) };
    expect(decideDanger(facts(both), timing)).toEqual(safe);
    const older = { ...both, oldestClosed: closed(880) };
    const estimated = { kind: "estimated-batch-in-danger", batchIndex: 7 };
    expect(decideDanger(facts(older), timing)).toEqual(estimated);
  });

  test("nothing unsettled is never estimated to be in danger", () => {
    expect(decideDanger(facts({ lastProgressMs: agoMs(7_000_000) }), timing)).toEqual(safe);
  });
});

describe("[R3] the first arm that holds is the answer", () => {
  /** Each makes one arm true; the later ones stay true underneath. */
  const arms: readonly Case[] = [
    {
      what: "divergence",
      change: { divergedAtNonce: 4 },
      is: { kind: "canonical-divergence", nonce: 4 },
    },
    { what: "a stale view", change: { safeBlockTimestampS: NOW_S - 7_200 }, is: viewStale },
    {
      what: "a closed batch",
      change: { oldestClosed: closed(900) },
      is: { kind: "closed-batch-in-danger", batchIndex: 7 },
    },
    {
      what: "the open batch",
      change: { tip: open(900) },
      is: { kind: "tip-in-danger", batchIndex: 8 },
    },
    {
      what: "a clock gone back",
      change: { lastProgressMs: unixMs(nowMs + 12_000) },
      is: viewStale,
    },
  ];
  test.each(arms.map((arm, i) => ({ ...arm, rest: arms.slice(i) })))(
    "$what comes before all below it",
    ({ rest, is }) => {
      const change: Partial<DangerFacts> = Object.assign({}, ...rest.map((arm) => arm.change));
      expect(decideDanger(facts(change), timing)).toEqual(is);
    },
  );

  test("a broken clock does not hide a batch that is late by blocks", () => {
    const change = { lastProgressMs: unixMs(nowMs + 12_000), oldestClosed: closed(900) };
    expect(decideDanger(facts(change), timing).kind).toBe("closed-batch-in-danger");
  });

  test("a clock behind the safe block comes before the estimate", () => {
    const change = {
      safeBlockTimestampS: NOW_S + 12,
      lastProgressMs: agoMs(300_000),
      tip: open(880),
    };
    expect(decideDanger(facts(change), timing)).toEqual(viewStale);
  });

  test("a closed batch in danger comes before an older open one", () => {
    const change = { oldestClosed: closed(900), tip: open(950) };
    expect(decideDanger(facts(change), timing).kind).toBe("closed-batch-in-danger");
  });

  test("an open batch in danger is seen behind a closed one that is not", () => {
    const change = { oldestClosed: closed(899), tip: open(900) };
    expect(decideDanger(facts(change), timing).kind).toBe("tip-in-danger");
  });
});

describe("[R6] the block time is a lower estimate", () => {
  test("at 6 s a block what 12 s calls safe is seen to be late", () => {
    const late = facts({ lastProgressMs: agoMs(300_000), tip: open(860) });
    expect(decideDanger(late, timing)).toEqual(safe);
    const estimated = { kind: "estimated-batch-in-danger", batchIndex: 8 };
    expect(decideDanger(late, { ...timing, secondsPerBlock: 6 })).toEqual(estimated);
  });

  test("what is safe by a lower estimate is safe by every higher one", () => {
    const age = fc.option(fc.nat(1_000));
    const seconds = fc.integer({ min: -30, max: 9_000 });
    const estimates = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(20));
    fc.assert(
      fc.property(age, age, seconds, seconds, estimates, (first, second, head, idle, [low, by]) => {
        const seen = facts({
          safeBlockTimestampS: NOW_S - head,
          lastProgressMs: agoMs(idle * 1_000),
          oldestClosed: first === null ? null : closed(first),
          tip: second === null ? null : open(second),
        });
        fc.pre(decideDanger(seen, { ...timing, secondsPerBlock: low }).kind === "safe");
        expect(decideDanger(seen, { ...timing, secondsPerBlock: low + by })).toEqual(safe);
      }),
      { numRuns: size(200, 5_000) },
    );
  });
});

describe("[I7] blocks to danger", () => {
  test.each([
    { what: "nothing unsettled", change: {}, blocks: 900 },
    { what: "a closed batch 100 old", change: { oldestClosed: closed(100) }, blocks: 800 },
    { what: "an open batch 100 old", change: { tip: open(100) }, blocks: 800 },
    {
      what: "the closed one of both",
      change: { oldestClosed: closed(300), tip: open(100) },
      blocks: 600,
    },
    { what: "one block left", change: { tip: open(899) }, blocks: 1 },
    { what: "none left", change: { tip: open(900) }, blocks: 0 },
    { what: "long past", change: { tip: open(5_000) }, blocks: 0 },
  ])("$what: $blocks", ({ change, blocks }) => {
    expect(blocksToDanger(facts(change), timing)).toBe(blocks);
  });
});
