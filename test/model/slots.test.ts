/**
 * The slot machine at reference sizes, and with rules that are too bold: each finds its counterexample.
 *
 * Bounds are batches, safe blocks, MAX_WAIT and wallet nonces, in this order. The counts are those of
 * two other implementations of the same machine.
 */

import { describe, expect, test } from "vitest";
import { isLong } from "../support/size.ts";
import { describeViolation, type Exploration, explore } from "./explorer.ts";
import { type Bounds, type SlotRules, type SlotState, slots } from "./slots.ts";

type Tuple = readonly [number, number, number, number];

function run([batchIndexMax, safeBlockMax, maxWait, walletNonceMax]: Tuple, rules: SlotRules) {
  return explore(slots({ batchIndexMax, safeBlockMax, maxWait, walletNonceMax }, rules));
}

type Frontier = Parameters<SlotRules["mayResolve"]>[0];

const show = (state: SlotState): string => JSON.stringify(state);

function actionsOf(found: Exploration<SlotState>): readonly string[] {
  return found.violation?.trace.slice(1).map(({ action }) => action) ?? [];
}

const isOld = (frontier: Frontier, state: SlotState, age: number): boolean =>
  state.safeBlock - frontier.clock >= age;

/** A silver batch that the scheduler skips for its age, or an open one that is as old. */
const cautious: SlotRules["mayResolve"] = (frontier, state, { maxWait }) =>
  frontier.colour === "silver"
    ? frontier.inclusionBlock - frontier.clock >= maxWait
    : frontier.colour === "tip" && isOld(frontier, state, maxWait);

const isFlushed = ({ l1, walletNonce, zombies }: SlotState): boolean =>
  l1.length >= walletNonce && zombies.length === 0;

const isSynced = ({ cursor, l1 }: SlotState): boolean => cursor === l1.length;

/** The code's rule: a closed frontier goes at any age once `isReady`, an open one before MAX_WAIT. */
function bold(isReady: (state: SlotState) => boolean): SlotRules["mayResolve"] {
  return (frontier, state, { maxWait }: Bounds) =>
    frontier.colour === "tip" ? isOld(frontier, state, maxWait - 1) : isReady(state);
}

/** What is not on L1 in time is given up by its age alone, whatever its transaction may still do. */
const impatient: SlotRules["mayResolve"] = (frontier, state, bounds) =>
  frontier.colour === "pending" || frontier.colour === "bronze"
    ? isOld(frontier, state, bounds.maxWait)
    : cautious(frontier, state, bounds);

describe("[R2] the slot machine is the reference's", () => {
  test.each<{ bounds: Tuple; generated: number; distinct: number; depth: number }>([
    { bounds: [2, 2, 1, 3], generated: 213, distinct: 122, depth: 10 },
    { bounds: [3, 3, 2, 4], generated: 10_766, distinct: 4_807, depth: 15 },
    { bounds: [3, 3, 2, 5], generated: 25_225, distinct: 10_801, depth: 18 },
    ...(isLong
      ? [
          { bounds: [4, 4, 2, 5] as const, generated: 454_769, distinct: 179_820, depth: 20 },
          { bounds: [5, 3, 2, 5] as const, generated: 507_063, distinct: 208_826, depth: 20 },
          { bounds: [4, 4, 2, 6] as const, generated: 1_271_773, distinct: 488_486, depth: 23 },
          { bounds: [4, 5, 2, 6] as const, generated: 3_243_408, distinct: 1_165_768, depth: 23 },
        ]
      : []),
  ])("$bounds: $generated generated, $distinct distinct, $depth deep, and safe", (expected) => {
    const { violation, ...counts } = run(expected.bounds, { mayResolve: cautious });
    expect(describeViolation(violation, show)).toBe("no violation");
    const { generated, distinct, depth } = expected;
    expect(counts).toEqual({ generated, distinct, depth, isComplete: true });
  });
});

describe("[R2] rules that are too bold are caught", () => {
  test("without a synced view the scheduler accepts what was just given up", () => {
    const found = run([4, 4, 2, 6], { mayResolve: bold(isFlushed) });
    expect(found.violation?.invariant).toBe("zombie safety");
    expect(actionsOf(found)).toEqual(["close", "submit", "include", "resolve", "step"]);
    expect(found.depth).toBe(6);
  });

  test.each([
    { what: "kept", reusesSlots: false },
    { what: "reused", reusesSlots: true },
  ])("while a slot is still live its zombie lands: slots are $what", ({ reusesSlots }) => {
    const found = run([4, 4, 2, 6], { mayResolve: bold(isSynced), reusesSlots });
    expect(found.violation?.invariant).toBe("zombie safety");
    expect(actionsOf(found)).toEqual(["close", "submit", "resolve", "zombie lands", "step"]);
    expect(found.depth).toBe(6);
  });

  test("giving up by age alone and reusing slots breaks, with five batches and 12 deep", () => {
    const found = run([5, 3, 2, 5], { mayResolve: impatient, reusesSlots: true });
    expect(found.violation?.invariant).toBe("zombie safety");
    expect(found.depth).toBe(12);
  });

  test("with four batches the same rule looks safe: bounds hide what they are too small for", () => {
    const found = run([4, 3, 2, 5], { mayResolve: impatient, reusesSlots: true });
    expect(found.violation).toBeNull();
    expect(found.isComplete).toBe(true);
  });
});

describe("[R2] rules that hold", () => {
  const flushedAndSynced = bold((state) => isFlushed(state) && isSynced(state));
  const cases: readonly { what: string; bounds: Tuple; rules: SlotRules; distinct?: number }[] = [
    {
      what: "flushed and synced, a closed batch goes at any age",
      bounds: [3, 3, 2, 5],
      rules: { mayResolve: flushedAndSynced },
    },
    {
      what: "by age alone, but no slot is ever used again",
      bounds: isLong ? [5, 3, 2, 5] : [4, 3, 2, 5],
      rules: { mayResolve: impatient },
    },
    {
      what: "batches sent in any order",
      bounds: isLong ? [5, 3, 2, 5] : [3, 3, 2, 5],
      rules: { mayResolve: cautious, submitsInAnyOrder: true },
    },
    ...(isLong
      ? [
          {
            what: "flushed and synced, in the reference's sizes",
            bounds: [4, 4, 2, 6] as const,
            rules: { mayResolve: flushedAndSynced },
            distinct: 506_606,
          },
          {
            what: "flushed and synced, with one more batch",
            bounds: [5, 4, 2, 6] as const,
            rules: { mayResolve: flushedAndSynced },
            distinct: 2_600_038,
          },
        ]
      : []),
  ];
  test.each(cases)("$what, $bounds", ({ bounds, rules, distinct }) => {
    const found = run(bounds, rules);
    expect(describeViolation(found.violation, show)).toBe("no violation");
    expect(found.isComplete).toBe(true);
    if (distinct !== undefined) expect(found.distinct).toBe(distinct);
  });
});
