/** Fees of batch transactions: the estimator's pinned example, and replacements that nodes accept. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capFees, escalateFees, estimateFees, type Fees } from "../../src/core/submission/fees.ts";
import { size } from "../support/size.ts";

const GWEI = 1_000_000_000n;

function fees(maxFeePerGasWei: bigint, maxPriorityFeePerGasWei: bigint): Fees {
  return { maxFeePerGasWei, maxPriorityFeePerGasWei };
}

const anyFees = fc
  .tuple(fc.bigInt(0n, 10_000n * GWEI), fc.bigInt(0n, 10_000n * GWEI))
  .map(([a, b]) => (a < b ? fees(b, a) : fees(a, b)));

describe("estimateFees", () => {
  test.each([
    { name: "P§6.4's pinned example", rewardsWei: [0n, 2n, 10n, 4n], priority: 4n },
    {
      name: "an even number of rewards: mean of the middle two",
      rewardsWei: [2n, 4n],
      priority: 3n,
    },
    { name: "the mean is rounded down", rewardsWei: [2n, 5n], priority: 3n },
    { name: "one reward", rewardsWei: [7n], priority: 7n },
    { name: "rewards beyond 2^53", rewardsWei: [2n ** 60n, 1n, 2n ** 61n], priority: 2n ** 60n },
    { name: "no reward", rewardsWei: [], priority: 1n },
    { name: "zero rewards only", rewardsWei: [0n, 0n], priority: 1n },
  ])("[L2] $name", ({ rewardsWei, priority }) => {
    expect(estimateFees({ baseFeeWei: 100n, rewardsWei })).toEqual(fees(200n + priority, priority));
  });

  test("[L2] without a base fee the maximum is the priority", () => {
    expect(estimateFees({ baseFeeWei: 0n, rewardsWei: [4n] })).toEqual(fees(4n, 4n));
  });
});

describe("capFees", () => {
  test.each([
    { name: "below the cap: unchanged", cap: 205n, expected: fees(204n, 4n) },
    { name: "at the cap: unchanged", cap: 204n, expected: fees(204n, 4n) },
    { name: "above the cap: the maximum is cut", cap: 203n, expected: fees(203n, 4n) },
    { name: "priority above the cap: both are cut", cap: 3n, expected: fees(3n, 3n) },
  ])("[L2] $name", ({ cap, expected }) => {
    expect(capFees(fees(204n, 4n), cap)).toEqual(expected);
  });
});

describe("escalateFees", () => {
  test.each([
    { name: "an eighth and one wei above", previous: fees(800n, 80n), expected: fees(901n, 91n) },
    { name: "zero still rises", previous: fees(0n, 0n), expected: fees(1n, 1n) },
    { name: "a remainder is rounded down", previous: fees(7n, 7n), expected: fees(8n, 8n) },
  ])("[L2] $name", ({ previous, expected }) => {
    const result = escalateFees(previous, fees(0n, 0n), 1000n * GWEI);
    expect(result).toEqual({ fees: expected, capped: false });
  });

  test("[L2] a dearer market wins, component by component", () => {
    const result = escalateFees(fees(800n, 80n), fees(5000n, 3n), 10_000n);
    expect(result).toEqual({ fees: fees(5000n, 91n), capped: false });
  });

  test.each([
    { cap: 900n, expected: { fees: fees(800n, 80n), capped: true } },
    { cap: 901n, expected: { fees: fees(901n, 91n), capped: false } },
  ])("[L2] the raise needs 901 and the cap is $cap", ({ cap, expected }) => {
    expect(escalateFees(fees(800n, 80n), fees(0n, 0n), cap)).toEqual(expected);
  });

  test("[L2] a market above the cap does not stop a raise that fits under it", () => {
    const result = escalateFees(fees(800n, 80n), fees(5000n, 4000n), 1000n);
    expect(result).toEqual({ fees: fees(1000n, 1000n), capped: false });
  });

  test("[L2] a replacement rises by an eighth in both, stays under the cap and covers its tip", () => {
    fc.assert(
      fc.property(anyFees, anyFees, fc.bigInt(1n, 10_000n * GWEI), (previous, fresh, cap) => {
        const result = escalateFees(previous, fresh, cap);
        if (result.capped) {
          expect(result.fees).toEqual(previous);
          return;
        }
        const { maxFeePerGasWei, maxPriorityFeePerGasWei } = result.fees;
        expect(maxFeePerGasWei * 8n).toBeGreaterThan(previous.maxFeePerGasWei * 9n);
        expect(maxPriorityFeePerGasWei * 8n).toBeGreaterThan(previous.maxPriorityFeePerGasWei * 9n);
        expect(maxFeePerGasWei).toBeLessThanOrEqual(cap);
        expect(maxPriorityFeePerGasWei).toBeLessThanOrEqual(maxFeePerGasWei);
        const wanted = fresh.maxFeePerGasWei < cap ? fresh.maxFeePerGasWei : cap;
        expect(maxFeePerGasWei).toBeGreaterThanOrEqual(wanted);
      }),
      { numRuns: size(500, 20_000) },
    );
  });

  test("[L2] escalation ends at the cap after finitely many raises", () => {
    let current = fees(3n * GWEI, GWEI);
    let raises = 0;
    for (; raises < 1000; raises++) {
      const next = escalateFees(current, fees(0n, 0n), 500n * GWEI);
      if (next.capped) break;
      current = next.fees;
    }
    expect(raises).toBe(43);
    expect(current.maxFeePerGasWei).toBeLessThanOrEqual(500n * GWEI);
  });
});
