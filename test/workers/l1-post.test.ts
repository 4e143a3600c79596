/** Posting batches to a real L1: what is written before what is sent, and what a tick may not send. */

import { describe, expect, test } from "vitest";
import { health } from "../../src/durable-objects/sequencer/status.ts";
import { loadWatermark } from "../../src/durable-objects/sequencer/storage/submission.ts";
import type { Chain } from "./support/chain.ts";
import { addInput, closeBatch, count, submitMany } from "./support/history.ts";
import { bytesOf, postOnce, settle, sync, withChain } from "./support/l1-rig.ts";
import type { Rig } from "./support/rig.ts";

const sent = (count: number) => ({ ok: true, value: { sent: count } });

const rows = (rig: Rig) =>
  rig.sql
    .exec<{ wallet_nonce: number; batch_index: number; sent: number; fee: number }>(
      `SELECT wallet_nonce, batch_index, broadcast_at_ms IS NOT NULL AS sent, max_fee_wei AS fee
       FROM submissions ORDER BY submission_id`,
    )
    .toArray();

const slots = (rig: Rig) =>
  rows(rig).map((row) => [row.wallet_nonce, row.batch_index, row.sent === 1]);

async function rawSends(chain: Chain): Promise<readonly unknown[]> {
  const requests = await chain.requests();
  return requests
    .filter(({ method }) => method === "eth_sendRawTransaction")
    .map(({ params }) => params[0]);
}

async function sealBatches(rig: Rig, batches: number): Promise<void> {
  for (let i = 0; i < batches; i++) {
    await submitMany(rig, 0, i, 1);
    closeBatch(rig);
  }
}

/** The node keeps transactions until it is told to mine. */
const holdBack = (chain: Chain) => chain.rpc("evm_setAutomine", [false]);

function unposted(rig: Rig) {
  const facts = { mode: "serving", refusal: null, isQueueFull: false, recovery: null } as const;
  const { unposted_batches, oldest_unposted_age_s } = health(rig.runtime, facts);
  return [unposted_batches, oldest_unposted_age_s];
}

describe("before a send", () => {
  test("[L2] [N14] the watermark and the row are there when the transaction leaves", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 2);
      const seen: unknown[] = [];
      const beforeSend = () => seen.push([loadWatermark(rig.sql), slots(rig)]);
      expect(await postOnce(rig, chain, { beforeSend })).toMatchObject(sent(2));
      expect(seen).toEqual([
        [
          1,
          [
            [0, 0, false],
            [1, 1, false],
          ],
        ],
        [
          1,
          [
            [0, 0, true],
            [1, 1, false],
          ],
        ],
      ]);
      expect(slots(rig)).toEqual([
        [0, 0, true],
        [1, 1, true],
      ]);
    }));

  test("[L2] a node that tells the nonce of the block that it is making gets no batch twice", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      const next = { kind: "result", result: "0x1" } as const;
      await chain.fail([{ method: "eth_getTransactionCount", times: 1, fault: next }]);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: false, error: { reason: "behind" } });
      expect([rows(rig), await rawSends(chain)]).toEqual([[], []]);
      expect(await postOnce(rig, chain)).toMatchObject(sent(1));
      expect(slots(rig)).toEqual([[0, 0, true]]);
    }));

  test("[C1] the watermark is in the log", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      const before = count(rig, "chunks");
      await postOnce(rig, chain);
      expect(count(rig, "chunks")).toBe(before + 1);
    }));

  test("[L2] nothing closed: nothing is asked, nothing is sent", () =>
    withChain(async (rig, chain) => {
      await submitMany(rig, 0, 0, 3);
      await chain.fail([]);
      expect(await postOnce(rig, chain)).toMatchObject(sent(0));
      expect((await chain.requests()).map(({ method }) => method)).toEqual(["eth_chainId"]);
    }));
});

describe("[L2] a tick whose plan changed while it waited sends nothing", () => {
  const changes: readonly [string, (rig: Rig) => void][] = [
    ["another batch was sealed", closeBatch],
    [
      "the batch was accepted",
      (rig) => {
        const index = addInput(rig, rig.runtime.config.submitter, bytesOf(rig, 0), 50);
        rig.sql.exec("INSERT INTO safe_accepted_batches VALUES (?, 0, 0, 1, 50)", index);
      },
    ],
    [
      "a divergence was found",
      (rig) => {
        const index = addInput(rig, rig.runtime.config.submitter, bytesOf(rig, 0), 50);
        rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, ?, 'mismatch', 1)", index);
      },
    ],
    [
      "the batch was rolled back",
      (rig) => rig.sql.exec("UPDATE batches SET invalidated_at_ms = 1 WHERE batch_index >= 0"),
    ],
  ];

  test.each(changes)("%s", (_what, change) =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      await chain.fail([]);
      let isChanged = false;
      const whileSigning = () => {
        if (!isChanged) change(rig);
        isChanged = true;
      };
      expect(await postOnce(rig, chain, { whileSigning })).toMatchObject(sent(0));
      expect(isChanged).toBe(true);
      expect(await rawSends(chain)).toEqual([]);
      expect([loadWatermark(rig.sql), count(rig, "submissions")]).toEqual([null, 0]);
    }),
  );

  test("and the next tick sends what there is then", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      let seals = 0;
      const whileSigning = () => {
        if (seals++ === 0) closeBatch(rig);
      };
      expect(await postOnce(rig, chain, { whileSigning })).toMatchObject(sent(0));
      expect(await postOnce(rig, chain)).toMatchObject(sent(2));
      await settle(rig, chain);
      expect(count(rig, "safe_accepted_batches")).toBe(2);
    }));
});

describe("in flight", () => {
  test("[L2] at most 16 batches; the others follow when those have landed", () =>
    withChain(async (rig, chain) => {
      await holdBack(chain);
      await sealBatches(rig, 18);
      expect(await postOnce(rig, chain)).toMatchObject(sent(16));
      expect(await postOnce(rig, chain)).toMatchObject(sent(0));
      expect([count(rig, "submissions"), loadWatermark(rig.sql)]).toEqual([16, 15]);
      await chain.mine(1);
      expect(await postOnce(rig, chain)).toMatchObject(sent(2));
      await chain.mine(1);
      await settle(rig, chain);
      expect(count(rig, "safe_accepted_batches")).toBe(18);
    }));

  test("[L2] late transactions are replaced in their slot for higher fees, not before", () =>
    withChain(async (rig, chain) => {
      await holdBack(chain);
      await sealBatches(rig, 1);
      await postOnce(rig, chain);
      const deadlineMs = rig.sql
        .exec<{ d: number }>("SELECT deadline_ms AS d FROM submissions")
        .one().d;
      rig.nowMs = deadlineMs - 1;
      expect(await postOnce(rig, chain)).toMatchObject(sent(0));
      rig.nowMs = deadlineMs;
      expect(await postOnce(rig, chain)).toMatchObject(sent(1));
      const [first, second] = rows(rig);
      expect(second).toMatchObject({ wallet_nonce: 0, batch_index: 0, sent: 1 });
      expect(second?.fee).toBeGreaterThan(first?.fee ?? Number.POSITIVE_INFINITY);
      await chain.mine(1);
      await settle(rig, chain);
      expect(count(rig, "safe_accepted_batches")).toBe(1);
    }));

  test("[L2] a clock that went back after a send does not hold the replacement up for as long", () =>
    withChain(async (rig, chain) => {
      await holdBack(chain);
      await sealBatches(rig, 1);
      const { nowMs } = rig;
      rig.nowMs += 3_600_000;
      await postOnce(rig, chain);
      rig.nowMs = nowMs;
      expect(await postOnce(rig, chain)).toMatchObject(sent(1));
    }));
});

describe("a send that is not known to have arrived", () => {
  const lost = {
    method: "eth_sendRawTransaction",
    fault: { kind: "http", status: 503, body: "" },
  } as const;

  test("[L2] goes out again after a wake-up, byte for byte", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 2);
      await chain.fail([lost]);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: false });
      expect(slots(rig)).toEqual([
        [0, 0, false],
        [1, 1, false],
      ]);
      const [first] = await rawSends(chain);
      await chain.fail([]);
      const woken = rig.wake();
      await sync(woken, chain);
      expect(await postOnce(woken, chain)).toMatchObject(sent(2));
      const again = await rawSends(chain);
      expect([again[0], again.length]).toEqual([first, 2]);
      expect(slots(rig)).toEqual([
        [0, 0, true],
        [1, 1, true],
      ]);
    }));

  test("[L2] and that had arrived: the node knows it already, and it counts as sent", () =>
    withChain(async (rig, chain) => {
      await holdBack(chain);
      await sealBatches(rig, 1);
      // The node takes the transaction, and what it answers is spoiled.
      const fault = { kind: "patch", patch: {} } as const;
      await chain.fail([{ method: "eth_sendRawTransaction", fault }]);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: false });
      expect(slots(rig)).toEqual([[0, 0, false]]);
      await chain.fail([]);
      expect(await postOnce(rig, chain)).toMatchObject(sent(1));
      expect(slots(rig)).toEqual([[0, 0, true]]);
      expect(await postOnce(rig, chain)).toMatchObject(sent(0));
    }));

  test("[I6] and that was mined: it counts as sent without a second one", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      await chain.fail([{ method: "eth_sendRawTransaction", fault: { kind: "patch", patch: {} } }]);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: false });
      await chain.fail([]);
      expect(await postOnce(rig, chain)).toMatchObject(sent(0));
      expect([slots(rig), await rawSends(chain)]).toEqual([[[0, 0, true]], []]);
    }));

  test("[L2] a node behind the safe head that was read is not believed: its free slots are used", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      const old = await chain.rpc("eth_getBlockByNumber", ["latest", false]);
      await postOnce(rig, chain);
      await settle(rig, chain);
      await submitMany(rig, 0, 1, 1);
      closeBatch(rig);
      const fault = { kind: "result", result: old } as const;
      await chain.fail([{ method: "eth_getBlockByNumber", param: "latest", fault }]);
      expect(await postOnce(rig, chain)).toMatchObject({ error: { reason: "behind" } });
      expect(slots(rig)).toEqual([[0, 0, true]]);
      await chain.fail([]);
      expect(await postOnce(rig, chain)).toMatchObject(sent(1));
      expect(slots(rig).at(-1)).toEqual([1, 1, true]);
    }));

  test("[L2] a failing estimate leaves no row and no watermark", () =>
    withChain(async (rig, chain) => {
      await sealBatches(rig, 1);
      const fault = { kind: "error", code: -32000, message: "x" } as const;
      await chain.fail([{ method: "eth_estimateGas", fault }]);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: false });
      expect([loadWatermark(rig.sql), count(rig, "submissions")]).toEqual([null, 0]);
    }));
});

describe("health", () => {
  test("[I7] counts what L1 was not sent yet, and its age", () =>
    withChain(async (rig, chain) => {
      expect(unposted(rig)).toEqual([0, null]);
      await sealBatches(rig, 1);
      rig.nowMs += 5_999;
      await sealBatches(rig, 1);
      expect(unposted(rig)).toEqual([2, 305]);
      const fault = { kind: "http", status: 503, body: "" } as const;
      await chain.fail([{ method: "eth_sendRawTransaction", fault }]);
      await postOnce(rig, chain);
      expect(unposted(rig)[0]).toBe(2);
      await chain.fail([]);
      await postOnce(rig, chain);
      expect(unposted(rig)).toEqual([0, null]);
    }));
});
