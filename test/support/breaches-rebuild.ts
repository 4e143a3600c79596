/** One breach of each guard of a rebuild, on the valid history of `schema.ts`. */

import type { DatabaseSync } from "node:sqlite";
import type { Breach } from "./breaches.ts";
import { insertDirect, insertInput, SUBMITTER, USER } from "./schema.ts";

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);

/** As if there had been no history yet; the safe head is block 10. */
const forget = run("DELETE FROM history");

const begin = (baseBlock: number, hash: string) =>
  run(`INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce, base_block,
         base_block_hash) VALUES (0, zeroblob(16), 0, 0, ${baseBlock}, ${hash})`);

/** The history began at block 10. */
const rebuilt = run(
  `DROP TRIGGER history_era_immutable;
   UPDATE history SET base_block = 10, base_block_hash = zeroblob(32);`,
);

const upload = run(
  `INSERT INTO rebuild_uploads VALUES (0, zeroblob(16), 0, 10, zeroblob(32), 1, 1, 84, zeroblob(32))`,
);

export const REBUILD_BREACHES: readonly Breach[] = [
  {
    title: "[R5] a genesis where another instance's batch was accepted",
    given: (db) => {
      forget(db);
      db.exec("INSERT INTO previous_instance VALUES (0, 0)");
    },
    breach: begin(-1, "NULL"),
    says: "R5: what another instance",
  },
  {
    title: "[R5] a base behind what was read",
    given: forget,
    breach: begin(9, "zeroblob(32)"),
    says: "R5: the base covers",
  },
  {
    title: "[R5] an acceptance in the block of the base",
    given: (db) => {
      rebuilt(db);
      insertInput(db, { index: 1, sender: SUBMITTER, block: 10 });
    },
    breach: run("INSERT INTO safe_accepted_batches VALUES (1, 0, 0, 10, 10)"),
    says: "R5: acceptance starts",
  },
  {
    title: "[R5] a direct input of the base's block drained again",
    given: (db) => {
      rebuilt(db);
      insertInput(db, { index: 1, sender: USER, block: 10 });
    },
    breach: (db) => insertDirect(db, { batch: 1, frame: 0, input: 1 }),
    says: "R5: the baseline holds",
  },
  {
    title: "[R5] an upload beside a history",
    breach: upload,
    says: "R5: only an empty object",
  },
  {
    title: "[R5] a part out of order",
    given: run("INSERT INTO rebuild_parts VALUES (0, x'01')"),
    breach: run("INSERT INTO rebuild_parts VALUES (2, x'01')"),
    says: "R5: parts come in order",
  },
  {
    title: "[R5] a part that is there already",
    given: run("INSERT INTO rebuild_parts VALUES (0, x'01')"),
    breach: run("INSERT INTO rebuild_parts VALUES (0, x'01')"),
    says: "R5: parts come in order",
  },
  {
    title: "[R5] a history with another base",
    breach: run("UPDATE history SET base_input_count = 1"),
    says: "N18: the era is immutable",
  },
];
