/** One breach of each guard of a relay's schema, on a small valid window. */

import { DatabaseSync } from "node:sqlite";
import type { Breach } from "./breaches.ts";
import { filesUnder, textOf } from "./tree.ts";

export function emptyRelay(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA foreign_keys = ON");
  for (const file of filesUnder("migrations/relay")) db.exec(textOf(file));
  return db;
}

/** Records 5 to 7, the last of them a rollback. */
export function populatedRelay(): DatabaseSync {
  const db = emptyRelay();
  db.exec(`
    INSERT INTO identity VALUES (0, '0x11:relay:weur');
    INSERT INTO feed_window VALUES (0, '${"0".repeat(36)}', 4, 4, 0, 0, 0, 0);
    INSERT INTO records VALUES (5, 0, '{}'), (6, 0, '{}'), (7, 0, '{}');
    INSERT INTO rollbacks VALUES (7, 5);
    UPDATE feed_window SET head = 7, record_count = 3, record_bytes = 6;
  `);
  return db;
}

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);

export const RELAY_BREACHES: readonly Breach[] = [
  {
    title: "[X3] another place",
    breach: run("UPDATE identity SET name = 'relay:apac'"),
    says: "X3: a relay keeps its place",
  },
  {
    title: "[X3] no place",
    breach: run("DELETE FROM identity"),
    says: "X3: a relay keeps its place",
  },
  {
    title: "[X3] another history in the same window",
    breach: run(`UPDATE feed_window SET era = '${"1".repeat(36)}'`),
    says: "X3: a window is of one history",
  },
  {
    title: "[X3] a head that goes back",
    breach: run("UPDATE feed_window SET head = 6"),
    says: "X3: a window never goes back",
  },
  {
    title: "[X3] a floor that goes back",
    breach: run("UPDATE feed_window SET floor = 3"),
    says: "X3: a window never goes back",
  },
  {
    title: "[X3] a floor beyond the head",
    breach: run("UPDATE feed_window SET floor = 8"),
    says: "CHECK constraint failed",
  },
  {
    title: "[X3] records without their window",
    breach: run("DELETE FROM feed_window"),
    says: "X3: a window is dropped whole",
  },
  {
    title: "[X3] a record at the head",
    breach: run("INSERT INTO records VALUES (7, 0, '{}')"),
    says: "X3: a record is beyond the head",
  },
  {
    title: "[X3] a record in a hole",
    breach: run("DELETE FROM records WHERE offset = 6; INSERT INTO records VALUES (6, 0, '{}')"),
    says: "X3: a record is beyond the head",
  },
  {
    title: "[X3] another text",
    breach: run("UPDATE records SET text = '[]' WHERE offset = 5"),
    says: "X3: a record stays as it came",
  },
  {
    title: "[X3] another rollback",
    breach: run("UPDATE rollbacks SET keep_through = 4"),
    says: "X3: a record stays as it came",
  },
  {
    title: "[X3] a rollback that keeps itself",
    breach: run("UPDATE feed_window SET head = 7; INSERT INTO rollbacks VALUES (6, 6)"),
    says: "CHECK constraint failed",
  },
  {
    title: "[X3] a rollback without its record",
    breach: run("INSERT INTO rollbacks VALUES (9, 6)"),
    says: "FOREIGN KEY constraint failed",
  },
];
