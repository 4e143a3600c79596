/** A rollback happens whole or not at all, and what stopped it does not stop the next one (R2, N17). */

import { describe, expect, test } from "vitest";
import { cascade } from "./support/cascade.ts";
import { faultyApplication, POISON } from "./support/faulty-application.ts";
import {
  addInput,
  foundWithUsers,
  GENESIS_BLOCK,
  observe,
  submitMany,
  user,
} from "./support/history.ts";
import { withRig } from "./support/rig.ts";
import { DANGER, rows, step, threeBatches } from "./support/rollback.ts";
import { expectSameAfterWake } from "./support/same-memory.ts";

describe("[R2] a rollback that fails leaves everything as it was", () => {
  const GUARDS = [
    "UPDATE OF invalidated_at_ms ON batches",
    ...["rollbacks", "sequenced_l2_txs", "batches", "frames", "chunks"].map(
      (t) => `INSERT ON ${t}`,
    ),
    "UPDATE OF generation ON history",
  ];

  test.each(GUARDS)("where the database refuses: %s", (guard) =>
    withRig(async (rig) => {
      await threeBatches(rig);
      const [before, live] = [rows(rig), rig.live().state.snapshot()];
      rig.published.length = 0;
      rig.sql.exec(
        `CREATE TRIGGER refuse BEFORE ${guard} BEGIN SELECT RAISE(ABORT, 'refused'); END`,
      );
      expect(() => cascade(rig, 1)).toThrow("refused");
      expect([rows(rig), rig.published]).toEqual([before, []]);
      expect(rig.live().state.snapshot()).toEqual(live);
      expectSameAfterWake(rig);
      rig.sql.exec("DROP TRIGGER refuse");
      expect(cascade(rig, 1)).toMatchObject({ generation: 1 });
    }),
  );

  test("where the application throws, and the object says so until it is repaired", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        await submitMany(rig, 0, 0, 2);
        addInput(rig, user(3), Uint8Array.of(POISON.inDirect), GENESIS_BLOCK + 2);
        observe(rig, GENESIS_BLOCK + DANGER);
        const before = rows(rig);
        await expect(step(rig)).rejects.toThrow("the application threw");
        expect([rows(rig), rig.published.length]).toEqual([before, 3]);
        expectSameAfterWake(rig);
        await expect(step(rig)).rejects.toThrow("the application threw");
      },
      { application: faultyApplication },
    ));
});
