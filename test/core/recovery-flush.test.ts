/**
 * A flush: when it is complete, which slots get a no-op, at which fees, and within which limits.
 *
 * Both sides of each boundary; what holds for any facts is in `recovery-flush-properties.test.ts`.
 */

import { describe, expect, test } from "vitest";
import {
  decideFlush,
  type FlushDecision,
  type FlushFacts,
  type FlushRow,
  flushRange,
} from "../../src/core/recovery/flush.ts";
import type { Fees } from "../../src/core/submission/fees.ts";
import { SENDS_PER_TICK_MAX } from "../../src/core/types/protocol.ts";
import { unixMs } from "../../src/core/types/units.ts";

const GAS = 21_000n;
const fresh = feesOf(100n, 10n);
/** Three times the estimate. */
const tripled = feesOf(300n, 30n);
/** What a no-op costs at most at these fees. */
const COST = 300n * GAS;

function feesOf(max: bigint, priority: bigint): Fees {
  return { maxFeePerGasWei: max, maxPriorityFeePerGasWei: priority };
}

/** Slots 40 to 42 were used and are mined nowhere; no row is known. */
const facts = (change: Partial<FlushFacts> = {}): FlushFacts => ({
  safeNonce: 40,
  pendingNonce: 43,
  latestNonce: 40,
  watermark: 42,
  rows: [],
  nowMs: unixMs(1_000),
  freshFees: fresh,
  gas: GAS,
  capWei: 10_000n,
  budgetWei: 10n ** 18n,
  ...change,
});

/** A no-op that a node has taken, not late yet. */
const noOp = (walletNonce: number, change: Partial<FlushRow> = {}): FlushRow => ({
  walletNonce,
  isNoOp: true,
  isBroadcast: true,
  isUnderpriced: false,
  fees: tripled,
  gas: GAS,
  deadlineMs: unixMs(2_000),
  ...change,
});
const batch = (walletNonce: number, change: Partial<FlushRow> = {}): FlushRow =>
  noOp(walletNonce, { isNoOp: false, fees: fresh, gas: 500_000n, ...change });

function sendsOf(decision: FlushDecision): readonly number[] {
  expect(decision.do).toBe("flush");
  return decision.do === "flush" ? decision.sends.map(({ walletNonce }) => walletNonce) : [];
}

describe("[R2] a flush is complete", () => {
  test.each([
    { what: "no nonce was ever used", change: [0, 0, 0, null], done: true },
    { what: "one is pending that no watermark knows", change: [0, 1, 0, null], done: false },
    { what: "all are consumed at safe depth", change: [43, 43, 43, 42], done: true },
    { what: "the last is mined but not safe", change: [42, 43, 43, 42], done: false },
    // The node forgot what was sent: only the watermark knows that slot 42 was used (F1).
    { what: "nothing is pending, but a used slot is free", change: [42, 42, 42, 42], done: false },
    { what: "nothing is pending, and no slot was consumed", change: [0, 0, 0, 42], done: false },
    { what: "used slots are consumed, and more is pending", change: [43, 44, 43, 42], done: false },
    { what: "more was consumed than was used", change: [50, 50, 50, 42], done: true },
    { what: "the node's pending lags behind safe", change: [43, 41, 43, 42], done: true },
    // Another node than the one that showed what is pending has mined what no watermark knows.
    { what: "more is mined than is pending", change: [43, 43, 44, 42], done: false },
    { what: "more is mined, and none was ever used", change: [0, 0, 1, null], done: false },
  ] as const)("$what: $done", ({ change, done }) => {
    const [safeNonce, pendingNonce, latestNonce, watermark] = change;
    const decision = decideFlush(facts({ safeNonce, pendingNonce, latestNonce, watermark }));
    expect(decision.do === "done").toBe(done);
  });
});

describe("[R2] the slots that a flush covers", () => {
  test.each([
    { what: "up to the watermark, whatever the node remembers", pending: 40, sends: [40, 41, 42] },
    { what: "up to what is pending, if that is more", pending: 45, sends: [40, 41, 42, 43, 44] },
    { what: "each once, where both agree", pending: 43, sends: [40, 41, 42] },
  ])("$what", ({ pending, sends }) => {
    expect(sendsOf(decideFlush(facts({ pendingNonce: pending })))).toEqual(sends);
    const { from, end } = flushRange(facts({ pendingNonce: pending }));
    expect([from, end]).toEqual([40, sends.length + 40]);
  });

  test("from the first that is not mined: a mined one only needs depth", () => {
    expect(sendsOf(decideFlush(facts({ latestNonce: 42 })))).toEqual([42]);
    const waiting = { sends: [], watermark: null, isCapped: false, isOverBudget: false };
    expect(decideFlush(facts({ latestNonce: 43 }))).toEqual({ do: "flush", ...waiting });
  });

  test("none that is consumed at safe depth, even if a node's latest lags behind that", () => {
    expect(sendsOf(decideFlush(facts({ safeNonce: 41, latestNonce: 39 })))).toEqual([41, 42]);
  });

  test.each([
    { watermark: null, pendingNonce: 43, raised: 42 },
    { watermark: 41, pendingNonce: 43, raised: 42 },
    { watermark: 42, pendingNonce: 43, raised: null },
    { watermark: 42, pendingNonce: 40, raised: null },
    { watermark: 42, pendingNonce: 44, raised: 43 },
  ])("[N14] under $watermark with $pendingNonce pending it is raised to $raised", (seen) => {
    const { raised, ...change } = seen;
    expect(decideFlush(facts(change))).toMatchObject({ watermark: raised });
  });

  test("at most 16 in a tick, ascending, and the watermark covers the rest already", () => {
    const decision = decideFlush(facts({ pendingNonce: 60, watermark: 42 }));
    expect(sendsOf(decision)).toEqual(Array.from({ length: SENDS_PER_TICK_MAX }, (_, i) => 40 + i));
    expect(decision).toMatchObject({ watermark: 59 });
    const sixteen = decideFlush(facts({ pendingNonce: 56, watermark: 55 }));
    expect(sendsOf(sixteen)).toHaveLength(16);
    expect(sendsOf(sixteen).at(-1)).toBe(55);
  });

  test("what waits takes none of the 16 places", () => {
    const rows = Array.from({ length: 10 }, (_, i) => noOp(40 + i));
    const decision = decideFlush(facts({ pendingNonce: 60, rows }));
    expect(sendsOf(decision)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  });
});

describe("[R2] one slot", () => {
  const first = (rows: readonly FlushRow[], change: Partial<FlushFacts> = {}) => {
    const one = { pendingNonce: 41, watermark: 40, rows };
    const decision = decideFlush(facts({ ...one, ...change }));
    return decision.do === "flush" ? (decision.sends[0] ?? null) : null;
  };
  const escalated = { walletNonce: 40, fees: feesOf(338n, 34n), gas: GAS, isResend: false };

  test("without a row: three times the estimate", () => {
    const noRow = { walletNonce: 40, fees: tripled, gas: GAS, isResend: false };
    expect(first([])).toEqual(noRow);
  });

  test.each([
    { capWei: 299n, fees: feesOf(299n, 30n) },
    { capWei: 300n, fees: tripled },
    { capWei: 20n, fees: feesOf(20n, 20n) },
  ])("a first no-op under a cap of $capWei", ({ capWei, fees }) => {
    expect(first([], { capWei })?.fees).toEqual(fees);
  });

  test.each([
    { what: "a batch's transaction, not late", row: batch(40), fees: tripled },
    { what: "a batch's above the market", row: batch(40, { fees: tripled }), fees: escalated.fees },
    { what: "a batch's that no node took", row: batch(40, { isBroadcast: false }), fees: tripled },
  ])("$what, is outbid at once", ({ row, fees }) => {
    expect(first([row])).toEqual({ ...escalated, fees });
  });

  test.each([
    { nowMs: 1_999, send: null },
    { nowMs: 2_000, send: escalated },
  ])("a no-op with a deadline of 2000 at $nowMs", ({ nowMs, send }) => {
    expect(first([noOp(40)], { nowMs: unixMs(nowMs) })).toEqual(send);
  });

  test.each([
    { what: "no node took: the same bytes again", change: {}, send: { isResend: true } },
    {
      what: "no node took, late: higher fees",
      change: { deadlineMs: unixMs(1_000) },
      send: escalated,
    },
    { what: "is underpriced: higher fees", change: { isUnderpriced: true }, send: escalated },
  ])("a no-op that $what", ({ change, send }) => {
    expect(first([noOp(40, { isBroadcast: false, ...change })])).toMatchObject(send);
  });

  test("the same bytes again have the row's own fees and gas", () => {
    const row = noOp(40, { isBroadcast: false, fees: feesOf(7n, 3n), gas: 30_000n });
    const send = { walletNonce: 40, fees: feesOf(7n, 3n), gas: 30_000n, isResend: true };
    expect(first([row], { capWei: 1n, budgetWei: 0n })).toEqual(send);
  });

  test("a market that rose is followed, not only outbid", () => {
    const late = [noOp(40, { deadlineMs: unixMs(1_000) })];
    expect(first(late, { freshFees: feesOf(200n, 20n) })?.fees).toEqual(feesOf(600n, 60n));
  });
});

describe("[R2] the cap", () => {
  test.each([
    { what: "of a batch", row: batch(40, { fees: tripled }), pendingNonce: 41, sent: null },
    {
      what: "of a batch that the node forgot",
      row: batch(40, { fees: tripled }),
      pendingNonce: 40,
      sent: { fees: tripled, gas: GAS, isResend: false },
    },
    {
      what: "of a late no-op that the node forgot",
      row: noOp(40, { fees: tripled, gas: 22_000n, deadlineMs: unixMs(1_000) }),
      pendingNonce: 40,
      sent: { fees: tripled, gas: 22_000n, isResend: true },
    },
    {
      what: "of a no-op that the node refused, and whose slot it shows empty since",
      row: noOp(40, { fees: tripled, isUnderpriced: true }),
      pendingNonce: 40,
      sent: { fees: tripled, gas: GAS, isResend: true },
    },
    {
      what: "of a no-op that the node refused, behind an empty slot",
      row: noOp(40, { fees: tripled, isUnderpriced: true }),
      pendingNonce: 39,
      sent: null,
    },
  ])("is no obstacle only in a slot that the node shows empty: $what", (given) => {
    const { row, pendingNonce, sent } = given;
    const decision = decideFlush(facts({ rows: [row], pendingNonce, watermark: 40, capWei: 337n }));
    const sends = sent === null ? [] : [{ walletNonce: 40, ...sent }];
    expect(decision).toMatchObject({ sends, isCapped: sent === null });
  });

  test.each([
    { capWei: 338n, isCapped: false, sends: [40, 41, 42] },
    { capWei: 337n, isCapped: true, sends: [41, 42] },
  ])("338 are needed under $capWei", ({ capWei, isCapped, sends }) => {
    const rows = [batch(40, { fees: tripled })];
    const decision = decideFlush(facts({ rows, capWei }));
    expect(decision).toMatchObject({ isCapped, isOverBudget: false });
    // What is in the slot may still land, so the later ones are not held back.
    expect(sendsOf(decision)).toEqual(sends);
  });
});

describe("[R2] the budget", () => {
  test.each([
    { budgetWei: 3n * COST, isOverBudget: false, sends: [40, 41, 42] },
    { budgetWei: 3n * COST - 1n, isOverBudget: true, sends: [40, 41] },
    { budgetWei: COST, isOverBudget: true, sends: [40] },
    { budgetWei: COST - 1n, isOverBudget: true, sends: [] },
  ])("of $budgetWei allows $sends", ({ budgetWei, isOverBudget, sends }) => {
    const decision = decideFlush(facts({ budgetWei }));
    expect(decision).toMatchObject({ isOverBudget, isCapped: false });
    expect(sendsOf(decision)).toEqual(sends);
  });

  test.each([
    { what: "waiting no-ops count", rows: [noOp(40), noOp(41)], sends: [] },
    { what: "mined ones too, until they are safe", rows: [noOp(38), noOp(39)], sends: [] },
    { what: "batches do not", rows: [batch(38), batch(39)], sends: [40, 41] },
  ])("$what", ({ rows, sends }) => {
    const seen = facts({ safeNonce: 38, watermark: 41, pendingNonce: 42, rows });
    const known = rows.some(({ walletNonce }) => walletNonce === 40);
    const decision = decideFlush({ ...seen, budgetWei: known ? 2n * COST - 1n : 2n * COST });
    expect(sendsOf(decision)).toEqual(sends);
  });

  test("what is settled at safe depth is paid and does not count", () => {
    const rows = [noOp(38), noOp(39)];
    const seen = facts({ safeNonce: 40, watermark: 41, pendingNonce: 42, rows });
    expect(sendsOf(decideFlush({ ...seen, budgetWei: 2n * COST }))).toEqual([40, 41]);
  });

  test("keeps what a no-op costs in a slot whose batch the cap does not let it outbid", () => {
    const capped = { rows: [batch(40, { fees: tripled })], capWei: 337n };
    const kept = 337n * GAS;
    expect(sendsOf(decideFlush(facts({ ...capped, budgetWei: kept + COST })))).toEqual([41]);
    expect(sendsOf(decideFlush(facts({ ...capped, budgetWei: kept + COST - 1n })))).toEqual([]);
  });

  test("is no obstacle to the same bytes in slots that the node shows empty", () => {
    const late = { deadlineMs: unixMs(1_000) };
    const rows = [noOp(40, late), noOp(41, late), batch(42)];
    const seen = { rows, pendingNonce: 40, budgetWei: 2n * COST };
    const decision = decideFlush(facts(seen));
    expect(decision).toMatchObject({ isOverBudget: true, sends: [{ isResend: true }, {}] });
    expect(sendsOf(decision)).toEqual([40, 41]);
    expect(sendsOf(decideFlush(facts({ ...seen, pendingNonce: 42 })))).toEqual([]);
  });

  test("a replacement counts with what it costs more", () => {
    const rows = [noOp(40, { deadlineMs: unixMs(1_000) })];
    const one = { watermark: 40, pendingNonce: 41, rows };
    const raised = 338n * GAS;
    expect(sendsOf(decideFlush(facts({ ...one, budgetWei: raised })))).toEqual([40]);
    expect(sendsOf(decideFlush(facts({ ...one, budgetWei: raised - 1n })))).toEqual([]);
  });
});
