/** A rollback: what is void, what is kept, what begins again, and what readers and clients see of it. */

import { describe, expect, test } from "vitest";
import { foldRecord } from "../../src/core/feed/cursor.ts";
import { type FeedRecord, formatRecord } from "../../src/core/feed/record.ts";
import { offset } from "../../src/core/types/units.ts";
import { retain } from "../../src/durable-objects/sequencer/retain.ts";
import { transaction } from "../../src/durable-objects/sequencer/status.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { requireHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { cascade } from "./support/cascade.ts";
import {
  closeBatch,
  count,
  deposit,
  foundWithUsers,
  GENESIS_BLOCK,
  land,
  observe,
  submitMany,
  transfer,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { DANGER, rows, step, threeBatches } from "./support/rollback.ts";
import { expectSameAfterWake } from "./support/same-memory.ts";

const records = (rig: Rig, from = 0): readonly FeedRecord[] =>
  recordsAfter(rig.sql, offset(from), 10_000);

const kinds = (rig: Rig, from = 0) =>
  records(rig, from).map((record) => [record.kind, record.offset as number]);

const batches = (rig: Rig) =>
  rig.sql
    .exec<{ i: number; p: number | null; n: number; v: number }>(
      `SELECT batch_index AS i, parent_batch_index AS p, nonce AS n,
         invalidated_at_ms IS NOT NULL AS v FROM batches ORDER BY batch_index`,
    )
    .toArray()
    .map(({ i, p, n, v }) => [i, p, n, v === 1 ? "void" : "valid"]);

describe("[R2] when the open batch alone is in danger", () => {
  test("it is voided without a flush, and a new one at the safe head takes its nonce", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 2);
      observe(rig, GENESIS_BLOCK + DANGER);
      rig.recovery.synced();
      expect(rig.service.derive()).toBe("recovering");
      expect(rig.recovery.status()).toMatchObject({ phase: "recover-tip", flush_from: null });
      expect(await step(rig)).toEqual({ ok: true, value: true });
      expect(batches(rig)).toEqual([
        [0, null, 0, "void"],
        [1, null, 0, "valid"],
      ]);
      expect(rig.live().head).toMatchObject({
        batchIndex: 1,
        batchNonce: 0,
        frame: 0,
        safeBlock: GENESIS_BLOCK + DANGER,
      });
      expect(rig.service.derive()).toBe("serving");
      expect(count(rig, "submissions")).toBe(0);
      expectSameAfterWake(rig);
    }));

  test("not a block earlier", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      observe(rig, GENESIS_BLOCK + DANGER - 1);
      expect(await step(rig)).toEqual({ ok: true, value: false });
      expect(rows(rig)[0]).toBe(0);
      expect(rig.service.derive()).toBe("serving");
    }));

  test("what L1 accepted stays, and the new batch hangs off it", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      closeBatch(rig);
      land(rig, 0, GENESIS_BLOCK + 2);
      await submitMany(rig, 0, 0, 1);
      observe(rig, GENESIS_BLOCK + DANGER);
      await step(rig);
      expect(batches(rig)).toEqual([
        [0, null, 0, "valid"],
        [1, 0, 1, "void"],
        [2, 0, 1, "valid"],
      ]);
    }));

  test("[I5] ops that wait when it begins are answered 503, and are not included", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const waiting = rig.lane.submit(transfer(0, 0));
      observe(rig, GENESIS_BLOCK + DANGER);
      rig.recovery.synced();
      rig.mode = rig.service.derive();
      expect(await waiting).toMatchObject({
        error: { status: 503, message: "sequencer recovering", retryAfterS: 30 },
      });
      expect(count(rig, "user_ops")).toBe(0);
    }));

  test("a second step finds nothing to do", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      observe(rig, GENESIS_BLOCK + DANGER);
      await step(rig);
      const before = rows(rig);
      for (let i = 0; i < 3; i++) expect(await step(rig)).toEqual({ ok: true, value: false });
      for (const other of [rig.wake(), rig.wake()]) await step(other);
      expect(rows(rig)).toEqual(before);
    }));

  test("[N15] a divergence stops it", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      observe(rig, GENESIS_BLOCK + DANGER);
      rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, 0, 'foreign', 1)");
      const before = rows(rig);
      expect(await step(rig)).toEqual({ ok: true, value: false });
      expect(rows(rig)).toEqual(before);
      expect([rig.service.derive(), rig.service.refusal]).toEqual([
        "refused",
        "canonical-divergence",
      ]);
    }));

  test("in danger again, it is rolled back again", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      for (const generation of [1, 2, 3]) {
        rig.nowMs += 1_000;
        observe(rig, GENESIS_BLOCK + generation * DANGER);
        await step(rig);
        // It looks again before it serves.
        expect(await step(rig)).toEqual({ ok: true, value: false });
        expect(rows(rig)[0]).toBe(generation);
        expect(rig.live().head).toMatchObject({ batchIndex: generation, batchNonce: 0 });
      }
      expect(kinds(rig).map(([kind]) => kind)).toEqual([
        "rollback",
        "rollback",
        "rollback",
        "direct_input",
      ]);
    }));
});

describe("[F3] for readers", () => {
  test("what is drained again has new offsets and is seen once", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      deposit(rig, user(1), 9n, GENESIS_BLOCK + 8);
      observe(rig, GENESIS_BLOCK + 9);
      expect(kinds(rig).map(([, at]) => at)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      rig.published.length = 0;
      expect(cascade(rig, 1)).toMatchObject({
        generation: 1,
        keepThrough: 4,
        pivotBatchNonce: 1,
        voidedBatches: 2,
      });
      // The second deposit was never drained before; both are now, once each.
      expect(kinds(rig)).toEqual([
        ["direct_input", 1],
        ["direct_input", 2],
        ["user_op", 3],
        ["user_op", 4],
        ["rollback", 9],
        ["direct_input", 10],
        ["direct_input", 11],
      ]);
      expect(rig.published.map(formatRecord)).toEqual(records(rig, 8).map(formatRecord));
      expect(rig.live().state.progress().executedInputCount).toBe(6);
      expectSameAfterWake(rig);
    }));

  test("after two rollbacks, the second one deeper, any cursor ends with the valid records", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      const held: { readonly at: number; readonly records: readonly FeedRecord[] }[] = [];
      const stopEverywhere = () => {
        const all = records(rig);
        for (let n = 0; n <= all.length; n++) {
          const upTo = all.slice(0, n).reduce(foldRecord, [] as readonly FeedRecord[]);
          held.push({ at: all[n - 1]?.offset ?? 0, records: upTo });
        }
      };
      stopEverywhere();
      cascade(rig, 2);
      await submitMany(rig, 1, 0, 1);
      stopEverywhere();
      cascade(rig, 1);
      await submitMany(rig, 0, 2, 1);
      const valid = records(rig).filter((record) => record.kind !== "rollback");
      expect(valid.map((record) => record.kind)).toEqual([
        ...["direct_input", "direct_input", "user_op", "user_op"],
        ...["direct_input", "user_op"],
      ]);
      for (const { at, records: before } of held) {
        expect(records(rig, at).reduce(foldRecord, before)).toEqual(valid);
      }
      expectSameAfterWake(rig);
    }));

  test("keep_through is never below what retention deleted", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 2);
        await submitMany(rig, 0, 0, 2);
        closeBatch(rig);
        land(rig, 0, 101);
        await submitMany(rig, 0, 2, 2);
        cascade(rig, 1);
        // Its snapshot stands at the rollback's record, behind nothing that is valid.
        closeBatch(rig);
        land(rig, 1, 102);
        while (retain(rig.runtime));
        const { availableFrom } = requireHistory(rig.sql);
        expect([availableFrom, records(rig)[0]?.offset]).toEqual([6, 7]);
        await submitMany(rig, 0, 2, 1);
        expect(cascade(rig, 3)).toMatchObject({ keepThrough: 6 });
        expect(kinds(rig)).toEqual([
          ["rollback", 7],
          ["rollback", 9],
        ]);
        expectSameAfterWake(rig);
      },
      { vars: { SEQ_RETENTION_BYTES: "1", SEQ_SNAPSHOT_SECONDS: "1" } },
    ));

  test("[I6] a void op answers `voided`, and its nonce takes any op again", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      cascade(rig, 1);
      const state = (nonce: number) => {
        const answer = transaction(rig.runtime, user(0), nonce);
        return answer.ok ? [answer.value.state, answer.value.voided] : answer.error.code;
      };
      expect([state(1), state(2)]).toEqual([
        ["settled", null],
        ["voided", { rollback_offset: 9, generation: 1 }],
      ]);
      expect(rig.live().state.nextNonce(user(0))).toBe(2);
      // The same op as before is validated anew, and another one in its place is as good.
      const [again] = await submitMany(rig, 0, 2, 1);
      expect(again).toMatchObject({ ok: true, value: { offset: 11, batchNonce: 1 } });
      expect(await rig.lane.submit(transfer(0, 3, 99n))).toMatchObject({ ok: true });
      expect(state(2)).toEqual(["ordered", null]);
    }));
});
