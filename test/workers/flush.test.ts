/** The flush on a real chain: which nonces it consumes, what it writes first, and when it waits (R2). */

import { describe, expect, test } from "vitest";
import { loadWatermark } from "../../src/durable-objects/sequencer/storage/submission.ts";
import { age, DANGER_BLOCKS, pass, sealBatches, withShortDanger } from "./support/danger.ts";
import {
  freshFees,
  GOES_ON,
  late,
  nonce,
  noOps,
  rows,
  sends,
  sendUnknown,
  slots,
  WAITS,
} from "./support/flush.ts";
import { addInput, observe } from "./support/history.ts";
import { bytesOf, postOnce, recoverOnce } from "./support/l1-rig.ts";
import type { Rig } from "./support/rig.ts";

describe("[R2] every nonce ever used is consumed", () => {
  test("also those that the node forgot: the watermark counts", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 3);
      expect(await nonce(chain, "pending", rig)).toBe(0);
      expect(await recoverOnce(rig, chain)).toEqual(WAITS);
      expect(slots(rig)).toEqual([
        [0, true],
        [1, true],
        [2, true],
      ]);
      expect(rig.recovery.status()).toMatchObject({
        phase: "flush",
        flush_from: 0,
        flush_to: 2,
        is_capped: false,
        is_over_budget: false,
      });
      await pass(rig, chain, 1);
      // Mined, and not at safe depth yet.
      expect(await recoverOnce(rig, chain)).toEqual(WAITS);
      expect(rig.recovery.status()).toMatchObject({ phase: "flush", flush_from: 0, flush_to: 2 });
      await pass(rig, chain, 1);
      expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
      expect(rig.recovery.status()).toMatchObject({ phase: "post-flush-sync", flush_from: null });
      expect([await nonce(chain, "safe", rig), rows(rig).length]).toEqual([3, 6]);
    }));

  test("also those that only the node knows, once the watermark covers them", () =>
    withShortDanger(async (rig, chain) => {
      await sealBatches(rig, 1);
      await age(rig, chain);
      const fees = await freshFees(chain);
      for (const walletNonce of [0, 1]) await sendUnknown(rig, chain, walletNonce, fees);
      const seen: unknown[] = [];
      const beforeSend = () => seen.push(loadWatermark(rig.sql));
      expect(await recoverOnce(rig, chain, { beforeSend })).toEqual(WAITS);
      expect(seen).toEqual([1, 1]);
      expect(slots(rig)).toEqual([
        [0, true],
        [1, true],
      ]);
    }));

  test("[N14] watermark and rows are there when the first of them leaves", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 2);
      const seen: unknown[] = [];
      const beforeSend = () => seen.push([loadWatermark(rig.sql), slots(rig)]);
      await recoverOnce(rig, chain, { beforeSend });
      expect(seen).toEqual([
        [
          1,
          [
            [0, false],
            [1, false],
          ],
        ],
        [
          1,
          [
            [0, true],
            [1, false],
          ],
        ],
      ]);
    }));

  test("nothing was ever sent: it is complete at once, and sends nothing", () =>
    withShortDanger(async (rig, chain) => {
      await sealBatches(rig, 1);
      await age(rig, chain);
      expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
      expect(rows(rig)).toEqual([]);
      expect(rig.recovery.status()).toMatchObject({ phase: "post-flush-sync" });
    }));
});

describe("[R2] a tick whose facts changed while it waited sends nothing", () => {
  const changes: readonly [string, (rig: Rig) => void][] = [
    ["a higher watermark", (rig) => rig.lane.raiseWatermark(9)],
    [
      "a divergence",
      (rig) => {
        const index = addInput(rig, rig.runtime.config.submitter, bytesOf(rig, 0), 50);
        rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, ?, 'mismatch', 1)", index);
      },
    ],
    [
      "the late batch accepted",
      (rig) => {
        const index = addInput(rig, rig.runtime.config.submitter, bytesOf(rig, 0), 50);
        rig.sql.exec("INSERT INTO safe_accepted_batches VALUES (?, 0, 0, 1, 50)", index);
      },
    ],
    [
      "an unusable view",
      (rig) => {
        rig.nowMs += 99_000;
      },
    ],
  ];

  test.each(changes)("%s", (_what, change) =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 1);
      let isChanged = false;
      const whileSigning = () => {
        if (!isChanged) change(rig);
        isChanged = true;
      };
      expect(await recoverOnce(rig, chain, { whileSigning })).toMatchObject({ ok: true });
      expect(isChanged).toBe(true);
      expect([noOps(rig), await sends(chain)]).toEqual([[], []]);
    }),
  );

  test("[L2] nor does a tick that was posting batches when danger began", () =>
    withShortDanger(async (rig, chain) => {
      await sealBatches(rig, 1);
      await chain.fail([]);
      const whileSigning = () => {
        observe(rig, rig.live().head.safeBlock + DANGER_BLOCKS);
      };
      expect(await postOnce(rig, chain, { whileSigning })).toMatchObject({ value: { sent: 0 } });
      expect(rig.service.derive()).toBe("recovering");
      expect([rows(rig), await sends(chain), loadWatermark(rig.sql)]).toEqual([[], [], null]);
    }));
});

describe("[L2] a no-op that is not known to have arrived", () => {
  const lost = {
    method: "eth_sendRawTransaction",
    fault: { kind: "http", status: 503, body: "" },
  } as const;

  test("goes out again after a wake-up, byte for byte", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 2);
      await chain.fail([lost]);
      expect(await recoverOnce(rig, chain)).toMatchObject({ ok: false });
      expect(slots(rig)).toEqual([
        [0, false],
        [1, false],
      ]);
      const [first] = await sends(chain);
      await chain.fail([]);
      expect(await recoverOnce(rig.wake(), chain)).toEqual(WAITS);
      const again = await sends(chain);
      expect([again[0], again.length]).toEqual([first, 2]);
      expect(slots(rig)).toEqual([
        [0, true],
        [1, true],
      ]);
    }));

  test("on another chain, nothing is signed", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain, 1);
      await chain.fail([{ method: "eth_chainId", fault: { kind: "result", result: "0x1" } }]);
      expect(await recoverOnce(rig, chain)).toMatchObject({ error: { reason: "wrong-chain" } });
      expect(noOps(rig)).toEqual([]);
    }));
});

test("[L2] a flush that danger no longer asks for leaves its slots to the batches", () =>
  withShortDanger(async (rig, chain) => {
    await late(rig, chain, 2);
    await recoverOnce(rig, chain);
    // A larger margin is how a test makes danger pass; L1 makes it pass by accepting the late batch.
    const safe = rig.wake({ vars: { ...chain.vars } });
    safe.recovery.synced();
    expect(safe.recovery.mayPost()).toBe(true);
    expect(await postOnce(safe, chain)).toMatchObject({ ok: true, value: { sent: 2 } });
    expect(rows(rig).slice(-2)).toMatchObject([
      { slot: 0, batch: 0, sent: 1 },
      { slot: 1, batch: 1, sent: 1 },
    ]);
    await pass(safe, chain, 2);
    expect(safe.sql.exec("SELECT * FROM safe_accepted_batches").toArray()).toHaveLength(2);
  }));
