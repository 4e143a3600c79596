/** What a validator's database refuses by itself, whatever the code does: each guard is broken once. */

import { expect, test } from "vitest";
import { filesUnder, textOf } from "../support/tree.ts";
import {
  emptyValidator,
  populatedValidator,
  VALIDATOR_BREACHES,
} from "../support/validator-breaches.ts";

test.each(VALIDATOR_BREACHES)("$title is refused", ({ breach, says }) => {
  const db = populatedValidator();
  expect(() => breach(db)).toThrow(says);
  db.close();
});

test("[C9] the first record is of epoch 0", () => {
  const db = emptyValidator();
  const hash = `x'${"01".repeat(32)}'`;
  const insert = () => db.exec(`INSERT INTO epoch_records VALUES (1, ${hash}, ${hash}, x'00')`);
  expect(insert).toThrow("C9: the first record is of epoch 0");
  db.close();
});

test("[T8] every trigger names the rule it keeps, and every such message is tested", () => {
  const messages = filesUnder("migrations/validator").flatMap((file) =>
    [...textOf(file).matchAll(/RAISE\(ABORT, '([^']*)'\)/g)].map((match) => match[1] ?? ""),
  );
  expect(messages.length).toBeGreaterThan(25);
  expect(messages.filter((message) => !/^[A-Z]\d+: /.test(message))).toEqual([]);
  const tested = VALIDATOR_BREACHES.map(({ says }) => says);
  const untested = messages.filter((message) => !tested.some((says) => message.startsWith(says)));
  expect(untested).toEqual(["C9: the first record is of epoch 0"]);
});
