/** What tests of a rollback share: a history worth voiding, and what it left in the database. */

import { expect } from "vitest";
import { requireHistory } from "../../../src/durable-objects/sequencer/storage/history.ts";
import { createSubmitter } from "../../../src/l1/submitter.ts";
import {
  closeBatch,
  count,
  deposit,
  foundWithUsers,
  GENESIS_BLOCK,
  land,
  observe,
  submitMany,
  user,
} from "./history.ts";
import type { Rig } from "./rig.ts";

/** Blocks after which a batch of a rig's own timing is in danger. */
export const DANGER = 900;

/** One step of recovery where no L1 is needed. */
export function step(rig: Rig) {
  rig.recovery.synced();
  const submitter = createSubmitter(rig.runtime.config.secrets.submitterKey);
  const connect = () => expect.unreachable("L1 is not asked");
  return rig.recovery.step({ lane: rig.lane, submitter, connect });
}

const TABLES = [
  "batches WHERE invalidated_at_ms IS NULL",
  ...["batches", "frames", "user_ops", "sequenced_l2_txs", "rollbacks", "chunks", "snapshots"],
];
export const rows = (rig: Rig) => [
  requireHistory(rig.sql).generation,
  ...TABLES.map((table) => [table, count(rig, table)]),
];

/** Three batches: the first accepted, the second closed with a direct input and two ops, an op open. */
export async function threeBatches(rig: Rig): Promise<void> {
  foundWithUsers(rig, 2);
  await submitMany(rig, 0, 0, 2);
  closeBatch(rig);
  land(rig, 0, GENESIS_BLOCK + 2);
  deposit(rig, user(1), 7n, GENESIS_BLOCK + 4);
  observe(rig, GENESIS_BLOCK + 6);
  rig.lane.advance();
  await submitMany(rig, 0, 2, 2);
  closeBatch(rig);
  await submitMany(rig, 1, 0, 1);
}
