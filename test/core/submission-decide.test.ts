/** Which batches go to L1, in which wallet nonce: each case of a slot, and the order of all of them. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClosedBatch,
  decideSubmission,
  type InFlight,
  type SubmissionFacts,
} from "../../src/core/submission/decide.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { SENDS_PER_TICK_MAX } from "../../src/core/types/protocol.ts";
import { batchNonce, unixMs } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

const fresh = { maxFeePerGasWei: 204n, maxPriorityFeePerGasWei: 4n };
const raised = { maxFeePerGasWei: 230n, maxPriorityFeePerGasWei: 5n };

function payloadHash(id: number) {
  return hash32(`0x${id.toString(16).padStart(64, "0")}`);
}

/** Batches with nonces from `first`, whose index is 100 above and whose payload is named after it. */
function batches(first: number, count: number): ClosedBatch[] {
  return Array.from({ length: count }, (_, i) => ({
    batchIndex: 100 + first + i,
    nonce: batchNonce(first + i),
    payloadHash: payloadHash(first + i),
  }));
}

function row(walletNonce: number, payload: number, deadlineMs = 2000): InFlight {
  return {
    walletNonce,
    payloadHash: payloadHash(payload),
    fees: fresh,
    deadlineMs: unixMs(deadlineMs),
  };
}

function factsWith(change: Partial<SubmissionFacts>): SubmissionFacts {
  return {
    firstMissingNonce: batchNonce(5),
    closedBatches: [],
    latestWalletNonce: 40,
    inFlight: [],
    nowMs: unixMs(1000),
    freshFees: fresh,
    capWei: 10_000n,
    ...change,
  };
}

describe("decideSubmission", () => {
  test("[L2] nothing is missing: nothing is sent, and no watermark", () => {
    const decision = decideSubmission(factsWith({ inFlight: [row(40, 5)] }));
    expect(decision).toEqual({ sends: [], capped: false, walletNonceMax: null });
  });

  test("[L2] free slots take the missing batches in order, and the watermark covers the last", () => {
    const decision = decideSubmission(factsWith({ closedBatches: batches(5, 3) }));
    expect(decision).toEqual({
      sends: [
        { batchIndex: 105, walletNonce: 40, fees: fresh, replaces: false },
        { batchIndex: 106, walletNonce: 41, fees: fresh, replaces: false },
        { batchIndex: 107, walletNonce: 42, fees: fresh, replaces: false },
      ],
      capped: false,
      walletNonceMax: 42,
    });
  });

  test("[L2] after two batches of the same wallet landed only the suffix is sent", () => {
    const decision = decideSubmission(
      factsWith({
        firstMissingNonce: batchNonce(7),
        closedBatches: batches(7, 2),
        latestWalletNonce: 42,
        inFlight: [row(42, 7)],
      }),
    );
    expect(decision.sends).toEqual([
      { batchIndex: 108, walletNonce: 43, fees: fresh, replaces: false },
    ]);
  });

  test.each([
    { nowMs: 1999, name: "one ms before its deadline: waits", sends: [] },
    {
      nowMs: 2000,
      name: "at its deadline: is replaced",
      sends: [{ batchIndex: 105, walletNonce: 40, fees: raised, replaces: true }],
    },
  ])("[L2] the same payload $name", ({ nowMs, sends }) => {
    const decision = decideSubmission(
      factsWith({ closedBatches: batches(5, 1), inFlight: [row(40, 5)], nowMs: unixMs(nowMs) }),
    );
    expect(decision.sends).toEqual(sends);
  });

  test("[L2] a slot that holds another payload is replaced before its deadline", () => {
    const decision = decideSubmission(
      factsWith({ closedBatches: batches(5, 1), inFlight: [row(40, 99)] }),
    );
    expect(decision.sends).toEqual([
      { batchIndex: 105, walletNonce: 40, fees: raised, replaces: true },
    ]);
  });

  test("[L2] a no-op of a flush is replaced at once, by whichever batch takes its slot", () => {
    const noOp = { ...row(40, 5), payloadHash: null };
    const replaced = decideSubmission(
      factsWith({ closedBatches: batches(5, 1), inFlight: [noOp] }),
    );
    expect(replaced.sends).toEqual([
      { batchIndex: 105, walletNonce: 40, fees: raised, replaces: true },
    ]);
    const capped = decideSubmission(
      factsWith({ closedBatches: batches(5, 2), inFlight: [noOp], capWei: 229n }),
    );
    expect([capped.sends, capped.capped]).toEqual([[], true]);
  });

  test("[L2] a first send above the cap offers the cap", () => {
    const decision = decideSubmission(factsWith({ closedBatches: batches(5, 1), capWei: 100n }));
    expect(decision.sends[0]?.fees).toEqual({ maxFeePerGasWei: 100n, maxPriorityFeePerGasWei: 4n });
  });

  test.each([
    { capWei: 230n, capped: false, walletNonces: [40, 41] },
    { capWei: 229n, capped: true, walletNonces: [41] },
  ])("[L2] a late batch needs 230 under a cap of $capWei", ({ capWei, capped, walletNonces }) => {
    const decision = decideSubmission(
      factsWith({
        closedBatches: batches(5, 2),
        inFlight: [row(40, 5)],
        nowMs: unixMs(2000),
        capWei,
      }),
    );
    expect(decision.capped).toBe(capped);
    expect(decision.sends.map((send) => send.walletNonce)).toEqual(walletNonces);
  });

  test("[L2] nothing is sent behind another payload that the cap keeps in its slot", () => {
    const decision = decideSubmission(
      factsWith({ closedBatches: batches(5, 3), inFlight: [row(41, 99)], capWei: 229n }),
    );
    expect(decision.capped).toBe(true);
    expect(decision.sends.map((send) => send.walletNonce)).toEqual([40]);
  });

  test("[L2] mined rows are ignored", () => {
    const decision = decideSubmission(
      factsWith({ closedBatches: batches(5, 1), inFlight: [row(39, 5)] }),
    );
    expect(decision.sends[0]).toMatchObject({ walletNonce: 40, replaces: false });
  });

  test.each([
    { count: SENDS_PER_TICK_MAX, sent: SENDS_PER_TICK_MAX },
    { count: SENDS_PER_TICK_MAX + 1, sent: SENDS_PER_TICK_MAX },
  ])("[L2] of $count missing batches $sent are in flight", ({ count, sent }) => {
    const decision = decideSubmission(factsWith({ closedBatches: batches(5, count) }));
    expect(decision.sends).toHaveLength(sent);
    expect(decision.walletNonceMax).toBe(40 + sent - 1);
  });

  test("[L2] a full window in flight sends nothing, whatever is closed behind it", () => {
    const inFlight = Array.from({ length: SENDS_PER_TICK_MAX }, (_, i) => row(40 + i, 5 + i));
    const decision = decideSubmission(factsWith({ closedBatches: batches(5, 20), inFlight }));
    expect(decision.sends).toEqual([]);
  });

  test("[L2] a gap among the closed batches is a bug", () => {
    const closedBatches = batches(5, 3).filter((batch) => batch.nonce !== 6);
    expect(() => decideSubmission(factsWith({ closedBatches }))).toThrow(/no gap/);
    expect(() => decideSubmission(factsWith({ closedBatches: batches(6, 1) }))).toThrow(/no gap/);
  });

  test("[L2] two newest rows of one wallet nonce are a bug", () => {
    const inFlight = [row(40, 5), row(40, 6)];
    expect(() => decideSubmission(factsWith({ inFlight }))).toThrow(/one newest row/);
  });
});

/** Rows around the window: own payload, another one, or none, late or not. */
const anyFacts = fc
  .record({
    first: fc.nat(1000),
    count: fc.nat(20),
    latest: fc.integer({ min: 2, max: 1000 }),
    rows: fc.array(
      fc.record({ slot: fc.integer({ min: -2, max: 20 }), shift: fc.nat(2), late: fc.boolean() }),
      { maxLength: 20 },
    ),
    cap: fc.constantFrom(100n, 229n, 230n, 10_000n),
  })
  .map(({ first, count, latest, rows, cap }) => {
    const newest = new Map(rows.map((one) => [latest + one.slot, one]));
    return factsWith({
      firstMissingNonce: batchNonce(first),
      closedBatches: batches(first, count),
      latestWalletNonce: latest,
      inFlight: [...newest].map(([nonce, { slot, shift, late }]) =>
        row(nonce, first + Math.max(0, slot) + shift, late ? 1000 : 1001),
      ),
      capWei: cap,
    });
  });

describe("decideSubmission, on any facts", () => {
  const numRuns = size(1000, 50_000);

  test("[L2] sends are bounded and ascend in batch and wallet nonce from the free slot", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { sends, walletNonceMax } = decideSubmission(facts);
        expect(sends.length).toBeLessThanOrEqual(SENDS_PER_TICK_MAX);
        for (const { batchIndex, walletNonce } of sends) {
          expect(walletNonce).toBeGreaterThanOrEqual(facts.latestWalletNonce);
          expect(walletNonce).toBeLessThan(facts.latestWalletNonce + SENDS_PER_TICK_MAX);
          // A batch and its slot are equally far from the first of each, so none shares a slot.
          expect(batchIndex - 100 - facts.firstMissingNonce).toBe(
            walletNonce - facts.latestWalletNonce,
          );
        }
        const nonces = sends.map((send) => send.walletNonce);
        expect(nonces).toEqual([...new Set(nonces)].sort((a, b) => a - b));
        expect(walletNonceMax).toBe(nonces.length === 0 ? null : Math.max(...nonces));
      }),
      { numRuns },
    );
  });

  test("[L2] every wallet nonce below a send is sent with it or was written before: no gap", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { sends } = decideSubmission(facts);
        const held = new Set([
          ...facts.inFlight.map((one) => one.walletNonce),
          ...sends.map((send) => send.walletNonce),
        ]);
        for (const { walletNonce } of sends) {
          for (let n = facts.latestWalletNonce; n < walletNonce; n++) expect(held).toContain(n);
        }
      }),
      { numRuns },
    );
  });

  test("[L2] fees stay under the cap, and a replacement always pays more than what it replaces", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        for (const { walletNonce, fees, replaces } of decideSubmission(facts).sends) {
          const previous = facts.inFlight.find((one) => one.walletNonce === walletNonce);
          expect(replaces).toBe(previous !== undefined);
          expect(fees.maxFeePerGasWei).toBeLessThanOrEqual(facts.capWei);
          if (previous === undefined) continue;
          expect(fees.maxFeePerGasWei).toBeGreaterThan(previous.fees.maxFeePerGasWei);
        }
      }),
      { numRuns },
    );
  });

  test("[L2] asking again after the sends were written sends nothing", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { sends } = decideSubmission(facts);
        const written = sends.map((send) => ({
          walletNonce: send.walletNonce,
          payloadHash: payloadHash(send.batchIndex - 100),
          fees: send.fees,
          deadlineMs: unixMs(5000),
        }));
        const sent = new Set(sends.map((send) => send.walletNonce));
        const kept = facts.inFlight.filter((one) => !sent.has(one.walletNonce));
        const again = decideSubmission({ ...facts, inFlight: [...kept, ...written] });
        expect(again.sends).toEqual([]);
      }),
      { numRuns },
    );
  });
});
