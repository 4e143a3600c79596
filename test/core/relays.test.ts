/** Where a reader's relay is, whom it follows, and what it reads of a record. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatRelay,
  parseRelay,
  RELAY_REGIONS,
  RELAY_SHARDS_MAX,
  regionOf,
  relayFor,
  relayHint,
  upstreamOf,
} from "../../src/core/config/relays.ts";
import { parseFrame, readRelayed } from "../../src/core/feed/relayed.ts";
import { stretchesAfter } from "../../src/core/feed/stretches.ts";
import { problemsWith } from "../support/config.ts";

const origin = (continent?: unknown, longitude?: unknown, country?: unknown) =>
  regionOf({ continent, longitude, country });

describe("a reader's region", () => {
  test.each([
    ["NA", "-100.1", "US", "wnam"],
    ["NA", "-100", "US", "enam"],
    ["NA", undefined, undefined, "enam"],
    ["SA", "-46", "BR", "sam"],
    ["EU", "14.9", "CZ", "weur"],
    ["EU", "15", "PL", "eeur"],
    ["EU", "not a number", "FR", "weur"],
    ["AF", "3", "NG", "afr"],
    ["AS", "139", "JP", "apac"],
    ["AS", "55", "AE", "me"],
    ["OC", "151", "AU", "oc"],
    ["AN", "0", "AQ", "oc"],
    [undefined, undefined, undefined, "local"],
    ["T1", "0", "T1", "local"],
    [7, 7, 7, "local"],
  ])("[X3] of %j, longitude %j, country %j is %s", (continent, longitude, country, region) => {
    expect(origin(continent, longitude, country)).toBe(region);
  });
});

describe("a relay's name", () => {
  const place = fc.record({
    region: fc.constantFrom(...RELAY_REGIONS),
    shard: fc.option(fc.nat({ max: RELAY_SHARDS_MAX - 1 })),
  });

  test("[X3] is read back as the same place", () => {
    fc.assert(
      fc.property(place, (one) => {
        expect(parseRelay(formatRelay(one))).toEqual(one);
      }),
    );
  });

  test.each([
    "",
    "relay",
    "relay:",
    "relay:mars",
    "relay:weur:",
    "relay:weur:01",
    "relay:weur:100",
    "relay:weur:-1",
    "v1",
  ])("[X3] is not %j", (name) => expect(parseRelay(name)).toBeNull());

  test("[X3] a shard follows its region's root, and a root the leader", () => {
    expect(upstreamOf({ region: "sam", shard: 3 })).toEqual({ region: "sam", shard: null });
    expect(upstreamOf({ region: "sam", shard: null })).toBeNull();
    expect(RELAY_REGIONS.filter((region) => relayHint({ region, shard: null }) === null)).toEqual([
      "local",
    ]);
  });

  test("[X3] readers are spread over the shards evenly, and over one not at all", () => {
    expect(relayFor("oc", 1, "key")).toEqual({ region: "oc", shard: null });
    const counts = new Map<number | null, number>();
    for (let i = 0; i < 8_000; i++) {
      const { shard } = relayFor("oc", 8, `reader ${i}`);
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(Math.min(...counts.values())).toBeGreaterThan(800);
  });

  test("[X3] SEQ_RELAYS is regional or off", () => {
    for (const SEQ_RELAYS of ["regional", "off", ""]) {
      expect(problemsWith("SEQ_RELAYS", { SEQ_RELAYS })).toEqual([]);
    }
    for (const SEQ_RELAYS of ["on", "OFF", "1"]) {
      expect(problemsWith("SEQ_RELAYS", { SEQ_RELAYS })).toEqual(["must be regional or off"]);
    }
  });
});

describe("what a relay reads of a record", () => {
  test("[X3] is its place; the text stays as it is, with fields that it does not know", () => {
    const text = '{"kind":"user_op","offset":7,"sender":"0xAb","new":{"a":[1]},"data":"0x"}';
    const rollback = '{"kind":"rollback","offset":9,"keep_through":0,"generation":2}';
    const certificate = '{"kind":"certificate","epoch":1,"height":3,"next_offset":9,"x":"0x"}';
    const frame = parseFrame(`[${text},${rollback},${certificate}]`) ?? [];
    expect(frame.map(readRelayed)).toEqual([
      { kind: "record", offset: 7, text, rollback: null },
      {
        kind: "record",
        offset: 9,
        text: rollback,
        rollback: { offset: 9, keepThrough: 0, generation: 2 },
      },
      { kind: "certificate", height: 3, nextOffset: 9, text: certificate },
    ]);
  });

  test.each([
    "null",
    "7",
    '"a"',
    "{}",
    '{"kind":"user_op"}',
    '{"kind":"user_op","offset":0}',
    '{"kind":"user_op","offset":1.5}',
    '{"kind":"user_op","offset":-1}',
    '{"kind":"user_op","offset":"1"}',
    '{"kind":"user_op","offset":9007199254740992}',
    '{"kind":"rollback","offset":9,"keep_through":9,"generation":2}',
    '{"kind":"rollback","offset":9,"generation":2}',
    '{"kind":"rollback","offset":9,"keep_through":0}',
    '{"kind":"certificate","height":3}',
    '{"kind":"certificate","next_offset":3}',
  ])("[X3] is nothing of %s", (text) => expect(readRelayed(JSON.parse(text))).toBeNull());

  test.each(["", "[", "{}", "7", "null"])("[X3] a frame is not %j", (text) =>
    expect(parseFrame(text)).toBeNull(),
  );
});

test("[F3] stretches leave out exactly what later rollbacks void, and keep each rollback", () => {
  const events = fc.array(fc.option(fc.nat({ max: 100 })), { maxLength: 30 });
  fc.assert(
    fc.property(events, fc.nat({ max: 30 }), (history, from) => {
      const all = history.map((keep, i) => ({
        offset: i + 1,
        keepThrough: keep === null ? null : Math.min(keep, i),
      }));
      const rollbacks = all.flatMap(({ offset, keepThrough }) =>
        keepThrough === null || offset <= from ? [] : [{ offset, keepThrough }],
      );
      const stretches = [...stretchesAfter(from, rollbacks)];
      const replayed = stretches.flatMap(({ after, through }) =>
        all.filter(({ offset }) => offset > after && offset <= through),
      );
      const valid = all.filter(
        ({ offset, keepThrough }) =>
          offset > from &&
          (keepThrough !== null ||
            !rollbacks.some((one) => one.offset > offset && one.keepThrough < offset)),
      );
      expect(replayed).toEqual(valid);
    }),
  );
});
