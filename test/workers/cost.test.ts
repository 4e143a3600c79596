/**
 * What an op costs in the units that the platform bills: the numbers of docs/cost.md.
 *
 * A line of code that writes one row more per op is a sixth of the bill, so the bounds are tight.
 */

import { expect, test } from "vitest";
import { CHUNK_OPS_MAX } from "../../src/core/types/protocol.ts";
import { foundWithUsers, submitMany } from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { countingSql } from "./support/rows-read.ts";

type Counted = { readonly rowsWritten: number; readonly bytes: number };

/** What `work` adds, per op of `ops`. */
async function perOp(
  ops: number,
  work: (rig: Rig) => Promise<void>,
  before: (rig: Rig) => Promise<void>,
): Promise<Counted> {
  let counting: ReturnType<typeof countingSql> | null = null;
  let counted: Counted = { rowsWritten: 0, bytes: 0 };
  const sql = (real: SqlStorage): SqlStorage => {
    counting = countingSql(real);
    return counting.sql;
  };
  await withRig(
    async (rig) => {
      foundWithUsers(rig, 2);
      await before(rig);
      const start = [counting?.rowsWritten() ?? 0, rig.sql.databaseSize] as const;
      await work(rig);
      counted = {
        rowsWritten: ((counting?.rowsWritten() ?? 0) - start[0]) / ops,
        bytes: (rig.sql.databaseSize - start[1]) / ops,
      };
    },
    { sql },
  );
  return counted;
}

test("[C1] an op that is alone in its chunk writes 8 rows, with those of its indexes", async () => {
  const { rowsWritten } = await perOp(
    1,
    async (rig) => void (await submitMany(rig, 0, 1, 1)),
    async (rig) => void (await submitMany(rig, 0, 0, 1)),
  );
  expect(rowsWritten).toBe(8);
});

test("[C1] in full chunks an op writes about 6 rows, and takes half a kilobyte", async () => {
  const chunks = 20;
  const fill = async (rig: Rig) => {
    for (let i = 0; i < chunks; i++) await submitMany(rig, 0, i * CHUNK_OPS_MAX, CHUNK_OPS_MAX);
  };
  const { rowsWritten, bytes } = await perOp(chunks * CHUNK_OPS_MAX, fill, () => Promise.resolve());
  expect(rowsWritten).toBeGreaterThan(5);
  expect(rowsWritten).toBeLessThan(6.5);
  expect(bytes).toBeGreaterThan(300);
  expect(bytes).toBeLessThan(600);
});
