/** What a rollback voided is stepped over: reading beyond it costs no more for being much (F3, I6, L4). */

import { describe, expect, test } from "vitest";
import { offset } from "../../src/core/types/units.ts";
import {
  countRecordsAfter,
  recordsAfter,
  rollbackOf,
} from "../../src/durable-objects/sequencer/storage/egress.ts";
import { cascade, cascadeFrom } from "./support/cascade.ts";
import {
  closeBatch,
  deposit,
  foundWithUsers,
  land,
  observe,
  submitMany,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { countingSql } from "./support/rows-read.ts";

const OPS = 640;
/** What any of these questions may read, however much is void. */
const ROWS_MAX = 64;

/** Op 2 is accepted with the deposit before it; ops to 642 are void by the rollback at 643; one op more. */
async function muchVoid(rig: Rig): Promise<void> {
  foundWithUsers(rig, 1);
  await submitMany(rig, 0, 0, 1);
  closeBatch(rig);
  land(rig, 0, 104);
  await submitMany(rig, 0, 1, OPS);
  cascade(rig, 1);
  await submitMany(rig, 0, 1, 1);
}

describe("[F3] beyond what is void", () => {
  const questions: readonly [string, (sql: SqlStorage) => unknown, unknown][] = [
    [
      "a page from the start",
      (sql) => recordsAfter(sql, offset(0), 10).map((one) => one.offset),
      [1, 2, 643, 644],
    ],
    [
      "a page from within",
      (sql) => recordsAfter(sql, offset(100), 10).map((one) => one.offset),
      [643, 644],
    ],
    ["the catch-up window", (sql) => countRecordsAfter(sql, offset(0), 50_001), 4],
    ["the rollback of an op", (sql) => rollbackOf(sql, offset(3)), { offset: 643, generation: 1 }],
  ];

  test.each(questions)("%s reads few rows", (_what, ask, answer) =>
    withRig(async (rig) => {
      await muchVoid(rig);
      const { sql, rowsRead } = countingSql(rig.sql);
      expect(ask(sql)).toEqual(answer);
      expect(rowsRead()).toBeLessThan(ROWS_MAX);
    }),
  );

  test("every cursor gets what the views say is valid, through rollbacks in rollbacks", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      for (const [i, depth] of [1, 2, 4, 1, 3, 0, 9, 1].entries()) {
        for (let k = 0; k < 2; k++) {
          await submitMany(rig, 0, rig.live().state.nextNonce(user(0)), 2);
          closeBatch(rig);
        }
        deposit(rig, user(1), 1n, 101 + 10 * i);
        observe(rig, 110 + 10 * i);
        rig.lane.advance();
        cascadeFrom(rig, depth);
      }
      await submitMany(rig, 0, rig.live().state.nextNonce(user(0)), 2);
      const valid = rig.sql
        .exec<{ offset: number }>("SELECT offset FROM valid_sequenced_l2_txs ORDER BY offset")
        .toArray()
        .map((row) => row.offset);
      const last = valid.at(-1) ?? 0;
      for (let from = 0; from <= last; from++) {
        const expected = valid.filter((at) => at > from);
        for (const limit of [1, 3, 1_000]) {
          const page = recordsAfter(rig.sql, offset(from), limit).map((one) => one.offset);
          expect(page).toEqual(expected.slice(0, limit));
          expect(countRecordsAfter(rig.sql, offset(from), limit)).toBe(page.length);
        }
      }
    }));
});

test("[N17] a wake-up does not read what lies before the open batch", () =>
  withRig(async (rig) => {
    await muchVoid(rig);
    const { sql, rowsRead } = countingSql(rig.sql);
    const woken = rig.wake({ sql: () => sql });
    expect(woken.live().state.snapshot()).toEqual(rig.live().state.snapshot());
    expect(rowsRead()).toBeLessThan(2 * ROWS_MAX);
  }));
