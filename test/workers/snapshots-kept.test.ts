/** Which snapshots garbage collection keeps (V1). */

import { describe, expect, test } from "vitest";
import { cascade } from "./support/cascade.ts";
import { closeBatch, count, found, foundWithUsers, land } from "./support/history.ts";
import { withRig } from "./support/rig.ts";
import { bytesOf, EACH, finalized, MIB, padded, sealBatches, taken } from "./support/snapshots.ts";

describe("[V1] garbage collection", () => {
  test("keeps the newest accepted one and 8 beyond it, the newest among them", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      sealBatches(rig, 14);
      rig.snapshots.collectGarbage();
      expect([taken(rig).length, taken(rig)[0], taken(rig).at(-1)]).toEqual([9, null, 13]);
      land(rig, 0, 110);
      for (let nonce = 1; nonce < 6; nonce++) land(rig, nonce, 110 + nonce);
      rig.snapshots.collectGarbage();
      expect(taken(rig)).toEqual([0, 7, 8, 9, 10, 11, 12, 13]);
      expect(finalized(rig)).toEqual([110, 1]);
      expect(() => rig.wake().live()).not.toThrow();
    }, EACH));

  test("never deletes one that is being streamed, and then does", () =>
    withRig(
      async (rig) => {
        found(rig);
        const streamed = rig.snapshots.streamLatest();
        if (!streamed.ok) return expect.unreachable(streamed.error.message);
        closeBatch(rig);
        land(rig, 0, 110);
        rig.snapshots.collectGarbage();
        expect(taken(rig)).toEqual([null, 0]);
        expect((await bytesOf(streamed.value)).length).toBe(3 * MIB);
        rig.snapshots.collectGarbage();
        expect(taken(rig)).toEqual([0]);
        expect(count(rig, "snapshot_parts")).toBe(3);
      },
      { ...EACH, application: padded(3 * MIB) },
    ));

  test("deletes what a rollback made void", () =>
    withRig((rig) => {
      found(rig);
      sealBatches(rig, 3);
      cascade(rig, 1);
      rig.snapshots.collectGarbage();
      expect(taken(rig)).toEqual([null, 0]);
    }, EACH));

  test("[N15] deletes nothing after a divergence", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      sealBatches(rig, 12);
      rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, 0, 'foreign', 1)");
      rig.snapshots.collectGarbage();
      expect(taken(rig)).toHaveLength(13);
    }, EACH));
});
