/** A transaction of the lane that fails leaves nothing, in the database and in memory (N17). */

import { describe, expect, test } from "vitest";
import type { WalletConfig } from "../../src/apps/wallet/wallet.ts";
import type { Application } from "../../src/core/application/application.ts";
import { faultyApplication, POISON } from "./support/faulty-application.ts";
import {
  addInput,
  closeBatch,
  count,
  foundWithUsers,
  observe,
  submitMany,
  transfer,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { expectSameAfterWake } from "./support/same-memory.ts";

const TABLES = ["batches", "frames", "user_ops", "sequenced_l2_txs", "chunks", "snapshots"];

const rows = (rig: Rig) => TABLES.map((table) => [table, count(rig, table)]);

function poison(nonce: number, byte: number) {
  return { ...transfer(0, nonce), data: Uint8Array.of(byte) };
}

describe("an application that throws", () => {
  test.each([
    ["executing", POISON.inApply],
    ["validating", POISON.inValidate],
  ])("[I1] row 21: while %s an op, the group is answered 500 and nothing is kept", (_when, byte) =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 2);
        await submitMany(rig, 0, 0, 3);
        const before = rows(rig);
        const outcomes = await Promise.all(
          [transfer(0, 3), poison(4, byte), transfer(1, 0)].map((op) => rig.lane.submit(op)),
        );
        expect(outcomes).toEqual(
          Array.from({ length: 3 }, () => ({
            ok: false,
            error: {
              status: 500,
              code: "INTERNAL_ERROR",
              message: "application internal error",
              retryAfterS: null,
            },
          })),
        );
        expect(rows(rig)).toEqual(before);
        expectSameAfterWake(rig);
        expect(await rig.lane.submit(transfer(0, 3))).toMatchObject({
          ok: true,
          value: { offset: 6 },
        });
        expectSameAfterWake(rig);
      },
      { application: faultyApplication },
    ),
  );

  test("[N17] on a direct input: no frame opens, and what is there still takes ops", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        addInput(rig, user(3), Uint8Array.of(1), 101);
        addInput(rig, user(3), Uint8Array.of(POISON.inDirect), 102);
        observe(rig, 110);
        const before = rows(rig);
        expect(() => rig.lane.advance()).toThrow("the application threw");
        expect(rows(rig)).toEqual(before);
        expectSameAfterWake(rig);
        expect(await rig.lane.submit(transfer(0, 0))).toMatchObject({
          ok: true,
          value: { offset: 2 },
        });
      },
      { application: faultyApplication },
    ));

  test("[V1] with more state than it stated: no seal", () => {
    const small: Application<WalletConfig> = { ...faultyApplication, stateBytesMax: 100 };
    return withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        await submitMany(rig, 0, 0, 1);
        const before = rows(rig);
        expect(() => closeBatch(rig)).toThrow("V1");
        expect(rows(rig)).toEqual(before);
        expectSameAfterWake(rig);
      },
      { application: small },
    );
  });
});

describe("a database that refuses", () => {
  const GUARDS = ["chunks", "user_ops", "snapshots", "batches", "sequenced_l2_txs"];

  test.each(GUARDS)("[N17] an insert into %s: all or nothing, and later ops go through", (table) =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 50);
      rig.nowMs += 3_600_000;
      const before = rows(rig);
      rig.sql.exec(
        `CREATE TRIGGER refuse BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'refused'); END`,
      );
      // The batch's size is reached in this group, so that it seals and takes a snapshot too.
      const outcomes = await submitMany(rig, 0, 50, 64);
      expect(new Set(outcomes.map((outcome) => !outcome.ok && outcome.error.message))).toEqual(
        new Set(["internal storage error"]),
      );
      expect(rows(rig)).toEqual(before);
      expectSameAfterWake(rig);
      rig.sql.exec("DROP TRIGGER refuse");
      const again = await submitMany(rig, 0, 50, 64);
      expect(again.every((outcome) => outcome.ok)).toBe(true);
      expectSameAfterWake(rig);
    }),
  );

  test("[N17] nothing of a failed transaction reaches readers", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      rig.sql.exec(
        "CREATE TRIGGER refuse BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'refused'); END",
      );
      await submitMany(rig, 0, 0, 5);
      expect(rig.published.map((record) => record.offset)).toEqual([1]);
    }));
});

describe("bounds", () => {
  test("[I5] not serving: 503 with the mode, also for what already waits", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const waiting = rig.lane.submit(transfer(0, 0));
      rig.mode = "refused";
      expect(await waiting).toMatchObject({
        ok: false,
        error: { status: 503, code: "UNAVAILABLE", message: "sequencer refused" },
      });
      expect(count(rig, "user_ops")).toBe(0);
    }));

  test("section 10: no statement binds more than 100 parameters", async () => {
    let most = 0;
    const counting = (sql: SqlStorage): SqlStorage =>
      ({
        exec: (query: string, ...bindings: unknown[]) => {
          most = Math.max(most, bindings.length);
          return sql.exec(query, ...bindings);
        },
        get databaseSize() {
          return sql.databaseSize;
        },
      }) as SqlStorage;
    await withRig(
      async (rig) => {
        foundWithUsers(rig, 4);
        rig.nowMs += 3_600_000;
        await submitMany(rig, 0, 0, 200);
        observe(rig, 500);
        closeBatch(rig);
        rig.wake().live();
      },
      { sql: counting },
    );
    expect(most).toBeGreaterThan(5);
    expect(most).toBeLessThanOrEqual(100);
  });
});
