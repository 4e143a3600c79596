/** What an overview costs: index seeks, and no more rows for a longer history (L4). */

import { describe, expect, test } from "vitest";
import { overviewOf } from "../../src/durable-objects/sequencer/overview.ts";
import { cascade } from "./support/cascade.ts";
import { closeBatch, foundWithUsers, land, submitMany } from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { countingSql } from "./support/rows-read.ts";

/** Scans of what does not grow with history: one row, or one for each recovery. */
const SMALL = [
  /^SCAN CONSTANT ROW$/,
  /^SCAN (?:r|batch_policy|canonical_divergence|replica_reset|sqlite_sequence)$/,
  /^SCAN batches USING INDEX batches_one_open$/,
];
/** Walks the key downwards, and stops. */
const NEWEST = /FROM batches b ORDER BY batch_index DESC LIMIT \?$/;

/** Settled batches of `ops` ops each; then as many ops that a rollback voids, and one that is open. */
async function history(rig: Rig, settled: number, ops: number): Promise<void> {
  foundWithUsers(rig, 1);
  for (let i = 0; i < settled; i++) {
    await submitMany(rig, 0, i * ops, ops);
    closeBatch(rig);
    land(rig, i, 104 + i);
  }
  await submitMany(rig, 0, settled * ops, settled * ops);
  cascade(rig, settled);
  await submitMany(rig, 0, settled * ops, 1);
}

const look = (rig: Rig, sql: SqlStorage) =>
  overviewOf({ ...rig, runtime: { ...rig.runtime, sql }, member: null });

/** Rows that one overview reads; the mode was derived before, and the memory is there. */
async function rowsOf(settled: number, ops: number): Promise<number> {
  let rows = 0;
  await withRig(async (rig) => {
    await history(rig, settled, ops);
    const { sql, rowsRead } = countingSql(rig.sql);
    expect(look(rig, sql)).toMatchObject({
      pipeline: { ordered: rig.live().log.nextOffset - 1 },
      batches: { length: Math.min(20, settled + 2) },
    });
    rows = rowsRead();
  });
  return rows;
}

describe("[I6] an overview", () => {
  test("reads no more rows for nine times as many ops, kept or void", async () => {
    const short = await rowsOf(20, 4);
    const long = await rowsOf(60, 12);
    expect(long).toBeLessThan(short + 16);
    expect(long).toBeLessThan(400);
  });

  test("asks by index only: no statement scans a table that grows", () =>
    withRig(async (rig) => {
      await history(rig, 3, 4);
      const asked = new Map<string, readonly unknown[]>();
      const sql = {
        exec: (query: string, ...bindings: unknown[]) => {
          asked.set(query, bindings);
          return rig.sql.exec(query, ...bindings);
        },
        databaseSize: rig.sql.databaseSize,
      } as SqlStorage;
      look(rig, sql);
      expect(asked.size).toBeGreaterThan(15);
      const scans = [...asked].flatMap(([query, bindings]) =>
        rig.sql
          .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...bindings)
          .toArray()
          .map(({ detail }) => detail)
          .filter((detail) => /^SCAN |TEMP B-TREE/.test(detail))
          .filter((detail) => !SMALL.some((small) => small.test(detail)))
          .filter((detail) => !(detail === "SCAN b" && NEWEST.test(query)))
          .filter((detail) => !(detail.includes("B-TREE") && query.includes("FROM rollbacks")))
          .map((detail) => `${detail}: ${query.replaceAll(/\s+/g, " ").trim()}`),
      );
      expect(scans).toEqual([]);
    }));
});
