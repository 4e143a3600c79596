/** The validator's migrations, in order. */

import keys from "../../../../migrations/validator/0001_keys.sql";
import committee from "../../../../migrations/validator/0002_committee.sql";
import votes from "../../../../migrations/validator/0003_votes.sql";
import snapshots from "../../../../migrations/validator/0004_snapshots.sql";
import type { Migration } from "../../shared/migrate.ts";

export const VALIDATOR_MIGRATIONS: readonly Migration[] = [
  { name: "0001_keys", sql: keys },
  { name: "0002_committee", sql: committee },
  { name: "0003_votes", sql: votes },
  { name: "0004_snapshots", sql: snapshots },
];
