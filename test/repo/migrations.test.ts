/**
 * What the database refuses by itself, whatever the code does (`docs/invariants.md`).
 *
 * Every trigger and unique index of the migrations is broken once, on a valid history, and must name
 * its invariant. The same statements run in a Durable Object's SQLite; here they need no object.
 */

import { expect, test } from "vitest";
import { BREACHES } from "../support/breaches.ts";
import { COMMITTEE_BREACHES } from "../support/breaches-committee.ts";
import { REBUILD_BREACHES } from "../support/breaches-rebuild.ts";
import { REPLICA_BREACHES } from "../support/breaches-replica.ts";
import { ROLLBACK_BREACHES } from "../support/breaches-rollback.ts";
import {
  emptySchema,
  insertChunk,
  insertOp,
  insertSnapshot,
  land,
  migrateFrom,
  populatedSchema,
} from "../support/schema.ts";

const ALL = [
  ...BREACHES,
  ...REBUILD_BREACHES,
  ...ROLLBACK_BREACHES,
  ...COMMITTEE_BREACHES,
  ...REPLICA_BREACHES,
];

test.each(ALL)("$title is refused", ({ given, breach, says }) => {
  const db = populatedSchema();
  given?.(db);
  expect(() => breach(db)).toThrow(says);
  db.close();
});

test("[F1] an offset is not given again after its record was deleted", () => {
  const db = populatedSchema();
  land(db);
  insertSnapshot(db, 0, 2);
  db.exec("UPDATE history SET available_from = 2");
  db.exec("DELETE FROM sequenced_l2_txs");
  insertOp(db, { batch: 1, frame: 0, position: 0 });
  expect(db.prepare("SELECT offset FROM sequenced_l2_txs").all()).toEqual([{ offset: 3 }]);
  db.close();
});

test("[T8] every trigger names the rule it keeps, and every such message is tested", () => {
  const db = emptySchema();
  const triggers = db.prepare("SELECT sql FROM sqlite_master WHERE type = 'trigger'").all();
  db.close();
  const messages = triggers.flatMap(({ sql }) =>
    [...String(sql).matchAll(/RAISE\(ABORT, '([^']*)'\)/g)].map((match) => match[1] ?? ""),
  );
  expect(messages.length).toBeGreaterThan(30);
  expect(messages.filter((message) => !/^[A-Z]\d+: /.test(message))).toEqual([]);
  const tested = ALL.map(({ says }) => says);
  // Reached only where two other guards failed before it.
  const behind = ["N16: one valid root"];
  const untested = messages.filter((message) => !tested.some((says) => message.startsWith(says)));
  expect(untested).toEqual(behind);
});

test("[T8] the migrations run on an empty database and leave no foreign key unmet", () => {
  const db = emptySchema();
  expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  db.close();
});

test("[C3, C7] the signatures and facts of an older log are kept", () => {
  const db = populatedSchema("0010_unsigned");
  for (const height of [1, 2, 3]) insertChunk(db, { height, first: 3, next: 3 });
  db.exec(`INSERT INTO committee_chunks VALUES (0, 2, NULL, NULL, 'p256', zeroblob(64)),
             (1, 3, NULL, 4, 'ed25519', zeroblob(64)), (2, 4, NULL, 4, NULL, NULL),
             (3, 5, 0, 4, NULL, NULL)`);
  migrateFrom(db, "0011_signatures");
  expect(db.prepare("SELECT height, scheme FROM chunk_signatures").all()).toEqual([
    { height: 0, scheme: "p256" },
    { height: 1, scheme: "ed25519" },
  ]);
  expect(db.prepare("SELECT * FROM log_facts").all()).toEqual([
    { height: 1, sealed_through: null, watermark_through: 4 },
    { height: 3, sealed_through: 0, watermark_through: 4 },
  ]);
  db.close();
});
