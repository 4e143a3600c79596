/** One breach of each guard around a rollback, on the valid history of `schema.ts`. */

import type { DatabaseSync } from "node:sqlite";
import type { Breach } from "./breaches.ts";
import { insertAcceptance, insertInput, land, SUBMITTER } from "./schema.ts";

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);

/** Batch 1 is void. Its predecessor's records end at offset 2. */
const voidTip = run("UPDATE batches SET invalidated_at_ms = 1 WHERE batch_index = 1");

const rollback = (generation: number, keepThrough: number, pivotNonce: number) =>
  run(`INSERT INTO rollbacks (generation, keep_through, pivot_batch_nonce, created_at_ms)
       VALUES (${generation}, ${keepThrough}, ${pivotNonce}, 0)`);

const rolledBack = (db: DatabaseSync) => {
  voidTip(db);
  rollback(1, 2, 1)(db);
};

const begin = run("UPDATE history SET generation = generation + 1");
const tell = run("INSERT INTO sequenced_l2_txs (rollback_generation) VALUES (1)");

export const ROLLBACK_BREACHES: readonly Breach[] = [
  {
    title: "[N9] an accepted batch made void",
    given: land,
    breach: run("UPDATE batches SET invalidated_at_ms = 1 WHERE batch_index = 0"),
    says: "N9: an accepted batch",
  },
  {
    title: "[N9] a void batch accepted",
    given: (db) => {
      insertInput(db, { index: 1, sender: SUBMITTER, block: 11 });
      db.exec("UPDATE batches SET invalidated_at_ms = 1");
    },
    breach: (db) => insertAcceptance(db, { input: 1, nonce: 0, batch: 0 }),
    says: "N9: a void batch",
  },
  {
    title: "[N18] a rollback that skips a generation",
    given: voidTip,
    breach: rollback(2, 2, 1),
    says: "N18: a rollback begins",
  },
  {
    title: "[N18] a second rollback before the first one's generation",
    given: rolledBack,
    breach: rollback(2, 2, 1),
    says: "N18: a rollback begins",
  },
  {
    title: "[F3] a rollback behind which a batch stays valid",
    breach: rollback(1, 2, 1),
    says: "F3: a rollback voids",
  },
  {
    title: "[F3] a rollback that keeps less than what is valid",
    given: voidTip,
    breach: rollback(1, 1, 1),
    says: "F3: nothing valid",
  },
  {
    title: "[N18] a generation without a rollback",
    breach: begin,
    says: "N18: a generation begins",
  },
  {
    title: "[N18] a generation begun twice",
    given: (db) => {
      rolledBack(db);
      begin(db);
    },
    breach: run("UPDATE history SET generation = 1"),
    says: "N18: a generation follows",
  },
  {
    title: "[N18] a rollback told before its generation",
    given: rolledBack,
    breach: tell,
    says: "N18: a rollback is told",
  },
  {
    title: "[F3] a rollback told twice",
    given: (db) => {
      rolledBack(db);
      begin(db);
      tell(db);
    },
    breach: tell,
    says: "UNIQUE constraint failed",
  },
  {
    title: "[N18] a rollback rewritten",
    given: rolledBack,
    breach: run("UPDATE rollbacks SET keep_through = 0"),
    says: "N18: a rollback is immutable",
  },
  {
    title: "[N18] a rollback deleted",
    given: rolledBack,
    breach: run("DELETE FROM rollbacks"),
    says: "N18: rollbacks are",
  },
];
