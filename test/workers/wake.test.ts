/** A wake-up: the memory that is rebuilt from the database is the one that was lost (N17, R3). */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { size } from "../support/size.ts";
import { cascadeFrom } from "./support/cascade.ts";
import {
  addInput,
  closeBatch,
  count,
  deposit,
  found,
  foundWithUsers,
  GENESIS_BLOCK,
  observe,
  submitMany,
  transfer,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { expectSameAfterWake } from "./support/same-memory.ts";
import { serve } from "./support/serving.ts";

type Step =
  | { readonly ops: number; readonly from: number }
  | { readonly blocks: number; readonly directs: number }
  | { readonly ms: number }
  | { readonly voids: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ ops: fc.integer({ min: 1, max: 70 }), from: fc.nat(1) }),
  fc.record({ blocks: fc.integer({ min: 1, max: 12 }), directs: fc.nat(3) }),
  fc.record({ ms: fc.integer({ min: 1, max: 900_000 }) }),
  fc.record({ voids: fc.nat(2) }),
);

async function play(rig: Rig, steps: readonly Step[]): Promise<void> {
  let block = GENESIS_BLOCK;
  for (const one of steps) {
    rig.nowMs += 500;
    if ("ops" in one) {
      const nonce = rig.live().state.nextNonce(user(one.from));
      await submitMany(rig, one.from, nonce, one.ops);
    } else if ("blocks" in one) {
      block += one.blocks;
      for (let i = 0; i < one.directs; i++) deposit(rig, user(i), 3n, block);
      observe(rig, block);
      rig.lane.advance();
    } else if ("voids" in one) {
      cascadeFrom(rig, one.voids);
    } else {
      rig.nowMs += one.ms;
      rig.lane.advance();
    }
    expectSameAfterWake(rig);
  }
}

describe("[N17] at any point", () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 10 });

  test.each([
    ["with a snapshot in every seal", "1"],
    ["with a snapshot now and then", "900"],
    ["with the genesis snapshot alone", "100000000"],
  ])("%s", (_what, seconds) =>
    fc.assert(
      fc.asyncProperty(steps, (some) =>
        withRig(
          async (rig) => {
            foundWithUsers(rig, 2);
            await play(rig, some);
          },
          { vars: { SEQ_SNAPSHOT_SECONDS: seconds } },
        ),
      ),
      { numRuns: size(15, 200) },
    ),
  );

  test("right after genesis, with and without direct inputs", async () => {
    await withRig((rig) => {
      found(rig);
      expectSameAfterWake(rig);
    });
    await withRig((rig) => {
      foundWithUsers(rig, 3);
      expectSameAfterWake(rig);
    });
  });

  test("replay goes on over pages of records", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        rig.sql.exec("UPDATE batch_policy SET log_max_batch_bytes = 1333");
        await submitMany(rig, 0, 0, 600);
        expectSameAfterWake(rig);
      },
      { vars: { SEQ_SNAPSHOT_SECONDS: "100000000" } },
    ));
});

describe("a wake-up that cannot trust its database", () => {
  const refusalOf = (rig: Rig): readonly unknown[] => {
    rig.recovery.synced();
    return [rig.service.derive(), rig.service.refusal];
  };

  test.each([
    ["a snapshot of other bytes", "UPDATE snapshot_parts SET bytes = x'01'"],
    ["a snapshot without a part", "DELETE FROM snapshot_parts"],
    ["no open batch", "UPDATE batches SET invalidated_at_ms = 1"],
    [
      "a log that is ahead of the feed",
      "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'sequenced_l2_txs'",
    ],
  ])("[N17] %s: it refuses, and says why in its health", (_what, damage) =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 2);
      expect(refusalOf(rig)).toEqual(["serving", null]);
      rig.sql.exec(damage);
      expect(refusalOf(rig.wake())).toEqual(["refused", "fault"]);
    }),
  );

  test("[R1] [N8] no state that it could go back to: it refuses", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      rig.sql.exec("DELETE FROM snapshots");
      expect(refusalOf(rig.wake())).toEqual(["refused", "no-snapshot"]);
    }));

  test.each([
    ["chain", { SEQ_CHAIN_ID: "1" }],
    ["application", { SEQ_APP_ADDRESS: user(1) }],
    ["fee recipient", { SEQ_FEE_RECIPIENT: user(1) }],
    ["submitter", { SEQ_BATCH_SUBMITTER_PRIVATE_KEY: `0x${"11".repeat(32)}` }],
  ])("[S8] that belongs to another %s", (_what, vars) =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      expect(refusalOf(rig.wake({ vars }))).toEqual(["refused", "identity-mismatch"]);
      expect(refusalOf(rig.wake())).toEqual(["serving", null]);
    }),
  );
});

describe("[R3] the first mode", () => {
  test("is starting until L1 was read, unless the last progress is recent", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const syncedAtMs = rig.nowMs;
      const modeAfter = (ms: number) => {
        rig.nowMs = syncedAtMs + ms;
        return rig.wake().service.derive();
      };
      // Two polls of two seconds and a block of twelve.
      expect([0, 16_000, 16_001].map(modeAfter)).toEqual(["serving", "serving", "starting"]);
      expect(modeAfter(-1)).toBe("starting");
    }));

  test("is recovering once the open batch is 900 blocks old, refused when L1 is silent for long", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const modeAt = (block: number) => {
        rig.sql.exec("UPDATE l1_safe_head SET block_number = ?", block);
        const { service } = rig.wake();
        return [service.derive(), service.refusal];
      };
      expect(modeAt(GENESIS_BLOCK + 899)).toEqual(["serving", null]);
      expect(modeAt(GENESIS_BLOCK + 900)).toEqual(["recovering", null]);
      rig.recovery.synced();
      rig.nowMs += 600 * 12_000;
      expect([rig.service.derive(), rig.service.refusal]).toEqual(["refused", "l1-view-stale"]);
    }));

  test("is derived again when the last answer is older than two seconds", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      rig.recovery.synced();
      expect(rig.service.mode()).toBe("serving");
      rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, 0, 'foreign', 1)");
      rig.nowMs += 2_000;
      expect(rig.service.mode()).toBe("serving");
      rig.nowMs += 1;
      expect(rig.service.mode()).toBe("refused");
    }));
});

describe("the object itself", () => {
  test("[R3] evicted again and again, it goes on where it was", async () => {
    const serving = await serve({ SEQ_SNAPSHOT_SECONDS: "1" });
    const { object, sql } = serving;
    for (let nonce = 0; nonce < 4; nonce++) {
      expect(await object.submit(transfer(0, nonce))).toMatchObject({
        ok: true,
        value: { offset: 5 + nonce },
      });
      await serving.wake();
    }
    expect(await object.nextNonce(user(0))).toEqual({ ok: true, value: 4 });
    expect(await sql((db) => db.exec("SELECT COUNT(*) AS n FROM chunks").one()["n"])).toBe(5);
  });
});

test("[S5] a frame that was due while the object slept opens when it is awake", () =>
  withRig((rig) => {
    foundWithUsers(rig, 1);
    addInput(rig, user(1), Uint8Array.of(1), GENESIS_BLOCK + 3);
    observe(rig, GENESIS_BLOCK + 7);
    const woken = rig.wake();
    woken.lane.advance();
    expect(woken.live().head).toMatchObject({ frame: 1, safeBlock: GENESIS_BLOCK + 7 });
    expect(count(rig, "sequenced_l2_txs")).toBe(2);
    closeBatch(woken);
    expectSameAfterWake(woken);
  }));
