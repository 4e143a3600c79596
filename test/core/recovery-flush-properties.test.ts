/** A flush on any facts: order, limits, the watermark, and that it ends when L1 includes anything. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideFlush,
  type FlushFacts,
  type FlushRow,
  flushRange,
  type NoOp,
} from "../../src/core/recovery/flush.ts";
import type { Fees } from "../../src/core/submission/fees.ts";
import { SENDS_PER_TICK_MAX } from "../../src/core/types/protocol.ts";
import { unixMs } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

const NOW_MS = 1_000;
const SLOT = 40;

const anyFees = fc.tuple(fc.bigInt(0n, 2_000n), fc.bigInt(0n, 2_000n)).map(
  ([a, b]): Fees => ({
    maxFeePerGasWei: a > b ? a : b,
    maxPriorityFeePerGasWei: a > b ? b : a,
  }),
);

const anyRow = fc.record({
  isNoOp: fc.boolean(),
  isBroadcast: fc.boolean(),
  isUnderpriced: fc.boolean(),
  fees: anyFees,
  gas: fc.bigInt(21_000n, 60_000n),
  deadlineMs: fc.constantFrom(NOW_MS - 1, NOW_MS, NOW_MS + 1).map(unixMs),
});

/** Nonces around 40 in any order, and for each slot a row or none. */
const anyFacts = fc
  .record({
    safeNonce: fc.integer({ min: SLOT - 4, max: SLOT + 4 }),
    mined: fc.nat(4),
    pending: fc.integer({ min: -2, max: 24 }),
    watermark: fc.option(fc.integer({ min: SLOT - 6, max: SLOT + 24 })),
    rows: fc.array(fc.option(anyRow), { maxLength: 30 }),
    freshFees: anyFees,
    gas: fc.bigInt(21_000n, 60_000n),
    capWei: fc.bigInt(0n, 3_000n),
    budgetWei: fc.oneof(fc.bigInt(0n, 10n ** 9n), fc.constant(10n ** 18n)),
  })
  .map(
    ({ mined, pending, rows, ...facts }): FlushFacts => ({
      ...facts,
      latestNonce: facts.safeNonce + mined,
      pendingNonce: Math.max(0, facts.safeNonce + mined + pending),
      rows: rows.flatMap((row, i) => (row === null ? [] : { ...row, walletNonce: SLOT - 4 + i })),
      nowMs: unixMs(NOW_MS),
    }),
  );

function rowAt(facts: FlushFacts, nonce: number): FlushRow | undefined {
  return facts.rows.find(({ walletNonce }) => walletNonce === nonce);
}

/** What the no-ops of the unsettled slots cost at most, once `sends` have their rows. */
function costWei(facts: FlushFacts, sends: readonly NoOp[]): bigint {
  const bySlot = new Map<number, bigint>();
  for (const { walletNonce, isNoOp, gas, fees } of facts.rows) {
    if (isNoOp && walletNonce >= facts.safeNonce) {
      bySlot.set(walletNonce, gas * fees.maxFeePerGasWei);
    }
  }
  for (const { walletNonce, gas, fees } of sends) {
    bySlot.set(walletNonce, gas * fees.maxFeePerGasWei);
  }
  return [...bySlot.values()].reduce((sum, cost) => sum + cost, 0n);
}

/** Runs `check` on every decision that is not done. */
function forAnyFlush(
  check: (
    facts: FlushFacts,
    flush: Extract<ReturnType<typeof decideFlush>, { do: "flush" }>,
  ) => void,
): void {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const decision = decideFlush(facts);
      if (decision.do === "flush") check(facts, decision);
    }),
    { numRuns: size(1_000, 50_000) },
  );
}

describe("[R2] a flush, on any facts", () => {
  test("is done exactly when nothing is pending or mined beyond safe and safe is above the watermark", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { safeNonce, pendingNonce, latestNonce, watermark } = facts;
        const isSettled = pendingNonce <= safeNonce && latestNonce <= safeNonce;
        const isConsumed = isSettled && (watermark ?? -1) < safeNonce;
        expect(decideFlush(facts).do === "done").toBe(isConsumed);
      }),
      { numRuns: size(1_000, 50_000) },
    );
  });

  test("sends at most 16, ascending, and only into slots that are used and not mined", () => {
    forAnyFlush((facts, { sends }) => {
      expect(sends.length).toBeLessThanOrEqual(SENDS_PER_TICK_MAX);
      const nonces = sends.map(({ walletNonce }) => walletNonce);
      expect(nonces).toEqual([...new Set(nonces)].toSorted((a, b) => a - b));
      const { from, end } = flushRange(facts);
      for (const nonce of nonces) {
        expect(nonce).toBeGreaterThanOrEqual(from);
        expect(nonce).toBeLessThan(end);
      }
    });
  });

  test("skips no slot that it could send into: what it passes waits, or the cap holds it", () => {
    forAnyFlush((facts, { sends, isOverBudget, isCapped }) => {
      const sent = new Set(sends.map(({ walletNonce }) => walletNonce));
      const { from, end } = flushRange(facts);
      const isCutShort = isOverBudget || sends.length === SENDS_PER_TICK_MAX;
      const to = isCutShort ? (sends.at(-1)?.walletNonce ?? from) : end;
      for (let nonce = from; nonce < to; nonce++) {
        if (sent.has(nonce)) continue;
        const row = rowAt(facts, nonce);
        const isInTime = row?.isNoOp === true && row.deadlineMs > NOW_MS;
        if (isInTime && row.isBroadcast && !row.isUnderpriced) continue;
        const max = row?.fees.maxFeePerGasWei ?? 0n;
        expect(max + max / 8n + 1n).toBeGreaterThan(facts.capWei);
        expect(isCapped && row !== undefined).toBe(true);
      }
    });
  });

  test("offers fees within the cap, unless the same bytes go out again", () => {
    forAnyFlush((facts, { sends }) => {
      for (const { fees, isResend, walletNonce } of sends) {
        expect(fees.maxPriorityFeePerGasWei).toBeLessThanOrEqual(fees.maxFeePerGasWei);
        if (isResend) expect(fees).toEqual(rowAt(facts, walletNonce)?.fees);
        else expect(fees.maxFeePerGasWei).toBeLessThanOrEqual(facts.capWei);
      }
    });
  });

  test("outbids what is in the slot by a tenth, as a node asks", () => {
    forAnyFlush((facts, { sends }) => {
      for (const { fees, isResend, walletNonce } of sends) {
        const row = rowAt(facts, walletNonce);
        if (row === undefined || isResend) continue;
        const raised = row.fees.maxFeePerGasWei + row.fees.maxFeePerGasWei / 8n + 1n;
        // The node shows nothing in the slot, so it asks for nothing.
        if (walletNonce >= facts.pendingNonce && raised > facts.capWei) continue;
        expect(fees.maxFeePerGasWei * 10n).toBeGreaterThanOrEqual(row.fees.maxFeePerGasWei * 11n);
        const tip = row.fees.maxPriorityFeePerGasWei;
        expect(fees.maxPriorityFeePerGasWei * 10n).toBeGreaterThanOrEqual(tip * 11n);
      }
    });
  });

  test("stays within the budget with whatever it sends anew", () => {
    forAnyFlush((facts, { sends }) => {
      if (sends.every(({ isResend }) => isResend)) return;
      expect(costWei(facts, sends)).toBeLessThanOrEqual(facts.budgetWei);
    });
  });

  test("[N14] covers every slot that it sends into, and never lowers the watermark", () => {
    forAnyFlush((facts, { sends, watermark }) => {
      const covered = Math.max(watermark ?? -1, facts.watermark ?? -1);
      for (const { walletNonce } of sends) expect(walletNonce).toBeLessThanOrEqual(covered);
      if (watermark !== null) expect(watermark).toBeGreaterThan(facts.watermark ?? -1);
    });
  });

  test("asked again after its sends were taken, it waits for them", () => {
    forAnyFlush((facts, { sends }) => {
      const taken = sends.map(
        (send): FlushRow => ({
          ...send,
          isNoOp: true,
          isBroadcast: true,
          isUnderpriced: false,
          deadlineMs: unixMs(NOW_MS + 1),
        }),
      );
      const sent = new Set(sends.map(({ walletNonce }) => walletNonce));
      const kept = facts.rows.filter(({ walletNonce }) => !sent.has(walletNonce));
      const again = decideFlush({ ...facts, rows: [...kept, ...taken] });
      const repeated = again.do === "flush" ? again.sends : [];
      expect(repeated.filter(({ walletNonce }) => sent.has(walletNonce))).toEqual([]);
    });
  });
});

/** What our node holds for a slot: a stubborn transaction is mined only once it is outbid. */
type Occupant = { readonly fees: Fees; readonly isStubborn: boolean };

/** Wide: both components rise together, so a low tip meets the cap long before it meets a high one. */
const CAP_WEI = 100_000_000n;
const LATE_AFTER_TICKS = 3;
const TICKS_MAX = 400;

/**
 * Ticks until the flush is done, at most `TICKS_MAX`. The node takes a replacement for a tenth more, some
 * slots are mined in a tick, and what is mined is safe a tick later.
 */
function flushOnL1(start: {
  readonly slots: readonly (Occupant | null)[];
  readonly isForgotten: boolean;
  readonly minedPerTick: number;
  readonly fresh: Fees;
}): number {
  const end = start.slots.length;
  const pool = new Map(start.slots.flatMap((one, i) => (one === null ? [] : [[i, one] as const])));
  const rows = new Map<number, FlushRow>();
  let [safeNonce, latestNonce] = [0, 0];
  for (let tick = 1; tick < TICKS_MAX; tick++) {
    const decision = decideFlush({
      safeNonce,
      pendingNonce: start.isForgotten ? latestNonce : end,
      latestNonce,
      watermark: end - 1,
      rows: [...rows.values()],
      nowMs: unixMs(tick),
      freshFees: start.fresh,
      gas: 21_000n,
      capWei: CAP_WEI,
      budgetWei: 10n ** 18n,
    });
    if (decision.do === "done") return tick;
    for (const { walletNonce, fees, gas } of decision.sends) {
      const isTaken = outbids(fees, pool.get(walletNonce)?.fees ?? null);
      if (isTaken) pool.set(walletNonce, { fees, isStubborn: false });
      const state = { isNoOp: true, isBroadcast: isTaken, isUnderpriced: !isTaken };
      rows.set(walletNonce, {
        walletNonce,
        fees,
        gas,
        ...state,
        deadlineMs: unixMs(tick + LATE_AFTER_TICKS),
      });
    }
    safeNonce = latestNonce;
    for (let mined = 0; mined < start.minedPerTick; mined++) {
      if (pool.get(latestNonce)?.isStubborn === false) latestNonce++;
    }
  }
  return TICKS_MAX;
}

function outbids(fees: Fees, held: Fees | null): boolean {
  if (held === null) return true;
  const isMore = (a: bigint, b: bigint): boolean => a * 10n >= b * 11n;
  return (
    isMore(fees.maxFeePerGasWei, held.maxFeePerGasWei) &&
    isMore(fees.maxPriorityFeePerGasWei, held.maxPriorityFeePerGasWei)
  );
}

describe("[R2] a flush ends", () => {
  const occupant = fc.record({ fees: anyFees, isStubborn: fc.boolean() });
  const worlds = fc.record({
    slots: fc.array(fc.option(occupant), { minLength: 1, maxLength: 40 }),
    isForgotten: fc.boolean(),
    minedPerTick: fc.integer({ min: 1, max: 5 }),
    fresh: anyFees,
  });

  test("wherever L1 includes the best offer, however much our node knows or has forgotten", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        expect(flushOnL1(world)).toBeLessThan(TICKS_MAX);
      }),
      { numRuns: size(300, 10_000) },
    );
  });
});
