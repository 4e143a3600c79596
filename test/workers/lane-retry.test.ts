/** What a client gets that sends an op twice, or races another one for a nonce. */

import { describe, expect, test } from "vitest";
import { cascade } from "./support/cascade.ts";
import { count, foundWithUsers, observe, submitMany, transfer } from "./support/history.ts";
import { withRig } from "./support/rig.ts";
import { serve } from "./support/serving.ts";

const badNonce = (expected: number, got: number) => ({
  ok: false,
  error: {
    status: 422,
    code: "EXECUTION_REJECTED",
    message: `bad nonce: expected ${expected}, got ${got}`,
    retryAfterS: null,
  },
});

describe("[I4] an exact resubmission", () => {
  test("inside one group gets the answer of the first", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const [first, again, next] = await Promise.all(
        [transfer(0, 0), transfer(0, 0), transfer(0, 1)].map((op) => rig.lane.submit(op)),
      );
      expect(first).toMatchObject({ ok: true, value: { offset: 2 } });
      expect(again).toEqual(first);
      expect(next).toMatchObject({ ok: true, value: { offset: 3 } });
      expect(count(rig, "user_ops")).toBe(2);
    }));

  test("later, under another fee and another batch, gets the original one", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const [first] = await submitMany(rig, 0, 0, 200);
      rig.sql.exec("UPDATE batch_policy SET log_gas_price = 1500");
      observe(rig, 105);
      rig.lane.advance();
      expect(rig.live().head.fee).toBeGreaterThan(transfer(0, 0).maxFee);
      expect(await rig.lane.submit(transfer(0, 0))).toEqual(first);
    }));

  test("with another signature over the same digest is the same op", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const op = transfer(0, 0);
      const first = await rig.lane.submit(op);
      const signature = new Uint8Array(65).fill(9);
      expect(await rig.lane.submit({ ...op, signature })).toEqual(first);
    }));

  test("after the memory was rebuilt gets the original answer", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const [first] = await submitMany(rig, 0, 0, 3);
      expect(await rig.wake().lane.submit(transfer(0, 0))).toEqual(first);
    }));

  test("to the object itself, before and after it was evicted", async () => {
    const serving = await serve();
    const { object } = serving;
    const first = await object.submit(transfer(0, 0));
    expect(first).toMatchObject({ ok: true, value: { offset: 5, batchNonce: 0, frameFee: 1060 } });
    expect(await object.submit(transfer(0, 0))).toEqual(first);
    await serving.wake();
    expect(await object.submit(transfer(0, 0))).toEqual(first);
    expect(await object.submit(transfer(0, 1))).toMatchObject({ ok: true, value: { offset: 6 } });
  });

  test.each([
    ["amount", { data: transfer(0, 0, 6n).data }],
    ["maximum fee", { maxFee: 1_999 }],
  ])("that differs in its %s is a bad nonce", (_what, difference) =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 2);
      const other = { ...transfer(0, 0), ...difference };
      expect(await rig.lane.submit(other)).toEqual(badNonce(2, 0));
    }),
  );

  test("of an op that was rolled back is validated anew", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const before = await rig.lane.submit(transfer(0, 0));
      cascade(rig, 0);
      const after = await rig.lane.submit(transfer(0, 0));
      expect(before).toMatchObject({ ok: true, value: { offset: 2, frameFee: 1060 } });
      // The rollback is offset 3, and the deposit that is drained again is 4.
      expect(after).toMatchObject({ ok: true, value: { offset: 5, frameFee: 1060 } });
      expect(await rig.lane.submit(transfer(0, 0))).toEqual(after);
    }));
});

describe("[I3] two clients with one nonce", () => {
  test("in one group: exactly one wins, and the order is the order of arrival", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const [one, other] = await Promise.all([
        rig.lane.submit(transfer(0, 0, 1n)),
        rig.lane.submit(transfer(0, 0, 2n)),
      ]);
      expect(one).toMatchObject({ ok: true });
      expect(other).toEqual(badNonce(1, 0));
    }));

  test("through the object: of 20 rivals one wins, and it alone is in the feed", async () => {
    const { object } = await serve();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => object.submit(transfer(0, 0, BigInt(i)))),
    );
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
    const page = await object.feedPage({ fromOffset: 4, limit: 100, era: null });
    expect(page).toMatchObject({ ok: true, value: { head: 5 } });
  });
});
