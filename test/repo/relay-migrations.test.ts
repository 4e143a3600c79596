/** What a relay's database refuses by itself, whatever the code does: each guard is broken once. */

import { expect, test } from "vitest";
import { emptyRelay, populatedRelay, RELAY_BREACHES } from "../support/relay-breaches.ts";
import { filesUnder, textOf } from "../support/tree.ts";

test.each(RELAY_BREACHES)("$title is refused", ({ breach, says }) => {
  const db = populatedRelay();
  expect(() => breach(db)).toThrow(says);
  db.close();
});

test("[X3] there is no record without a window", () => {
  const db = emptyRelay();
  expect(() => db.exec("INSERT INTO records VALUES (1, 0, '{}')")).toThrow(
    "X3: a record is beyond",
  );
  db.close();
});

test("[X3] a window is cut at its floor, and dropped whole", () => {
  const db = populatedRelay();
  db.exec("DELETE FROM records WHERE offset <= 5; UPDATE feed_window SET floor = 5");
  db.exec("DELETE FROM rollbacks; DELETE FROM records; DELETE FROM feed_window");
  expect(db.prepare("SELECT COUNT(*) AS n FROM feed_window").get()).toEqual({ n: 0 });
  db.close();
});

test("[T8] every trigger names the rule it keeps, and every such message is tested", () => {
  const messages = filesUnder("migrations/relay").flatMap((file) =>
    [...textOf(file).matchAll(/RAISE\(ABORT, '([^']*)'\)/g)].map((match) => match[1] ?? ""),
  );
  expect(messages.length).toBeGreaterThan(5);
  expect(messages.filter((message) => !/^[A-Z]\d+: /.test(message))).toEqual([]);
  const tested = RELAY_BREACHES.map(({ says }) => says);
  expect(messages.filter((message) => !tested.some((says) => message.startsWith(says)))).toEqual(
    [],
  );
});
