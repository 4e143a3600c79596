/** What a flush's no-ops offer on a real chain, and what it does at its limits (R2). */

import { describe, expect, test } from "vitest";
import { hash32 } from "../../src/core/types/hex.ts";
import {
  insertSubmission,
  loadSlots,
} from "../../src/durable-objects/sequencer/storage/submission.ts";
import { age, SHORT, sealBatches, withShortDanger } from "./support/danger.ts";
import {
  freshFees,
  late,
  nonce,
  noOps,
  rows,
  sends,
  sendUnknown,
  slots,
  WAITS,
} from "./support/flush.ts";
import { postOnce, recoverOnce } from "./support/l1-rig.ts";

describe("[R2] fees", () => {
  test("a no-op that is late is replaced after three blocks' time, not before", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 1);
      await recoverOnce(rig, chain);
      rig.nowMs += 2_999;
      await recoverOnce(rig, chain);
      expect(noOps(rig)).toHaveLength(1);
      rig.nowMs += 1;
      await recoverOnce(rig, chain);
      const [first, second] = noOps(rig);
      expect(second).toMatchObject({ slot: 0, sent: 1 });
      expect(second?.fee).toBeGreaterThan(first?.fee ?? Number.POSITIVE_INFINITY);
    }));

  test("a clock that went back after a send does not hold the replacement up for as long", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 1);
      const { nowMs } = rig;
      // Not so far ahead that the view of L1 would be stale.
      rig.nowMs += 60_000;
      await recoverOnce(rig, chain);
      rig.nowMs = nowMs + 60_000 - 3_000;
      await recoverOnce(rig, chain);
      expect(noOps(rig)).toHaveLength(1);
      rig.nowMs -= 1;
      await recoverOnce(rig, chain);
      expect(noOps(rig)).toHaveLength(2);
    }));

  test("a slot whose transaction is dearer than ours is outbid step by step", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 1);
      const [posted] = loadSlots(rig.sql, 0, 1);
      if (posted === undefined) return expect.unreachable("a batch was posted");
      const dear = {
        maxFeePerGasWei: posted.maxFeePerGasWei * 2n,
        maxPriorityFeePerGasWei: posted.maxPriorityFeePerGasWei * 2n,
      };
      await sendUnknown(rig, chain, 0, dear);
      let steps = 0;
      while (!noOps(rig).some(({ sent }) => sent === 1)) {
        expect(await recoverOnce(rig, chain)).toEqual(WAITS);
        expect(++steps).toBeLessThan(12);
      }
      expect(noOps(rig).at(-1)?.fee).toBeGreaterThan(Number(dear.maxFeePerGasWei));
      expect(steps).toBeGreaterThan(1);
    }));

  test("without the budget it sends nothing and says so; with it, it goes on", () =>
    withShortDanger(
      async (rig, chain) => {
        await late(rig, chain, 2);
        expect(await recoverOnce(rig, chain)).toEqual(WAITS);
        expect([noOps(rig), await sends(chain)]).toEqual([[], []]);
        expect(rig.recovery.status()).toMatchObject({ phase: "flush", is_over_budget: true });
        const richer = rig.wake({
          vars: { ...chain.vars, ...SHORT, SEQ_FLUSH_BUDGET_WEI: "100000000000000000" },
        });
        expect(await recoverOnce(richer, chain)).toEqual(WAITS);
        expect(slots(rig)).toHaveLength(2);
        expect(richer.recovery.status()).toMatchObject({ is_over_budget: false });
      },
      { SEQ_FLUSH_BUDGET_WEI: "1" },
    ));

  test("at the cap it waits for what is in the slot, and says so, until the node forgets that", () =>
    withShortDanger(
      async (rig, chain) => {
        // Gas is dear when the batch is posted, so that its fees are the cap's.
        await chain.rpc("anvil_setNextBlockBaseFeePerGas", ["0x23c34600"]);
        await chain.mine(1);
        await sealBatches(rig, 1);
        await chain.fail([]);
        await postOnce(rig, chain);
        const [posted] = await sends(chain);
        expect(rows(rig)).toMatchObject([{ fee: 1_000_000_000, sent: 1 }]);
        await chain.rpc("anvil_dropAllTransactions");
        await age(rig, chain);
        await chain.rpc("eth_sendRawTransaction", [posted]);
        expect(await recoverOnce(rig, chain)).toEqual(WAITS);
        expect([noOps(rig), rig.recovery.status()?.is_capped]).toEqual([[], true]);
        await chain.rpc("anvil_dropAllTransactions");
        expect(await recoverOnce(rig, chain)).toEqual(WAITS);
        expect([slots(rig), rig.recovery.status()?.is_capped]).toEqual([[[0, true]], false]);
      },
      { SEQ_MAX_FEE_PER_GAS_GWEI: "1" },
    ));

  test("terms that were offered before are sent again and have one row", () =>
    withShortDanger(
      async (rig, chain) => {
        await sealBatches(rig, 1);
        await age(rig, chain);
        await sendUnknown(rig, chain, 0, await freshFees(chain));
        await recoverOnce(rig, chain);
        const [first] = loadSlots(rig.sql, 0, 1);
        if (first === undefined) return expect.unreachable("a no-op was sent");
        // A batch took the slot meanwhile, at the cap; then the node forgot it, and gas costs the same.
        insertSubmission(
          rig.sql,
          {
            ...first,
            batchIndex: 0,
            payloadHash: hash32(`0x${"01".repeat(32)}`),
            transactionHash: hash32(`0x${"02".repeat(32)}`),
            maxFeePerGasWei: 1_000_000_000n,
          },
          rig.runtime.now(),
        );
        await chain.rpc("anvil_dropAllTransactions");
        await chain.fail([]);
        expect(await recoverOnce(rig, chain)).toEqual(WAITS);
        expect([(await sends(chain)).length, noOps(rig).length]).toEqual([1, 1]);
        expect(await nonce(chain, "pending", rig)).toBe(1);
      },
      { SEQ_MAX_FEE_PER_GAS_GWEI: "1" },
    ));
});
