/** An open batch that may not close does not wake the object up at every turn (L4). */

import { expect, test } from "vitest";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { faultyApplication, POISON } from "./support/faulty-application.ts";
import { addInput, foundWithUsers, observe, user } from "./support/history.ts";
import { type Rig, type RigOptions, withRig } from "./support/rig.ts";

/** Nothing listens there. */
const vars = { SEQ_ETH_RPC_URL: "http://127.0.0.1:1" };

/** How far ahead a tick sets its alarm, once the open batch is older than it may be. */
async function alarmAheadMs(rig: Rig): Promise<number> {
  rig.nowMs += rig.runtime.config.timing.maxBatchOpenMs + 1;
  const submitter = createSubmitter(rig.runtime.config.secrets.submitterKey);
  await new Duties({ ...rig, submitter }).tick();
  const alarmMs = await rig.state.storage.getAlarm();
  await rig.state.storage.deleteAlarm();
  return (alarmMs ?? 0) - rig.nowMs;
}

const cases: readonly [string, RigOptions, (rig: Rig) => void][] = [
  [
    "[N15] after a divergence",
    { vars },
    (rig) => {
      const index = addInput(rig, rig.runtime.config.submitter, Uint8Array.of(1), 101);
      rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, ?, 'foreign', 1)", index);
    },
  ],
  [
    "[L4] while the application throws on what comes next",
    { vars, application: faultyApplication },
    (rig) => {
      addInput(rig, user(1), Uint8Array.of(POISON.inDirect), 104);
      observe(rig, 105);
    },
  ],
];

test.each(cases)("%s", (_what, options, freeze) =>
  withRig(async (rig) => {
    foundWithUsers(rig, 1);
    freeze(rig);
    expect(await alarmAheadMs(rig)).toBeGreaterThanOrEqual(500);
    expect(rig.live().head.batchIndex).toBe(0);
  }, options),
);

test("[S6] one that may close is closed, and the next one is waited for", () =>
  withRig(
    async (rig) => {
      foundWithUsers(rig, 1);
      expect(await alarmAheadMs(rig)).toBeGreaterThan(20);
      expect(rig.live().head.batchIndex).toBe(1);
    },
    { vars },
  ));
