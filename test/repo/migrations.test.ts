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
import { emptySchema, insertOp, insertSnapshot, land, populatedSchema } from "../support/schema.ts";
import { filesUnder, textOf } from "../support/tree.ts";

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
  const messages = filesUnder("migrations/sequencer").flatMap((file) =>
    [...textOf(file).matchAll(/RAISE\(ABORT, '([^']*)'\)/g)].map((match) => match[1] ?? ""),
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
