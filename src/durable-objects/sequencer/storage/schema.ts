/** The sequencer's migrations, in order. */

import batches from "../../../../migrations/sequencer/0001_batches.sql";
import l1 from "../../../../migrations/sequencer/0002_l1.sql";
import feed from "../../../../migrations/sequencer/0003_feed.sql";
import submission from "../../../../migrations/sequencer/0004_submission.sql";
import snapshots from "../../../../migrations/sequencer/0005_snapshots.sql";
import policy from "../../../../migrations/sequencer/0006_policy.sql";
import rebuild from "../../../../migrations/sequencer/0007_rebuild.sql";
import committee from "../../../../migrations/sequencer/0008_committee.sql";
import replica from "../../../../migrations/sequencer/0009_replica.sql";
import unsigned from "../../../../migrations/sequencer/0010_unsigned.sql";
import signatures from "../../../../migrations/sequencer/0011_signatures.sql";
import type { Migration } from "../../shared/migrate.ts";

export const SEQUENCER_MIGRATIONS: readonly Migration[] = [
  { name: "0001_batches", sql: batches },
  { name: "0002_l1", sql: l1 },
  { name: "0003_feed", sql: feed },
  { name: "0004_submission", sql: submission },
  { name: "0005_snapshots", sql: snapshots },
  { name: "0006_policy", sql: policy },
  { name: "0007_rebuild", sql: rebuild },
  { name: "0008_committee", sql: committee },
  { name: "0009_replica", sql: replica },
  { name: "0010_unsigned", sql: unsigned },
  { name: "0011_signatures", sql: signatures },
];
