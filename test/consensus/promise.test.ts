/** What a validator promises and reports, and which records it signs, one event at a time. */

import { describe, expect, test } from "vitest";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { EMPTY_FEED } from "../../src/core/consensus/take-in.ts";
import { type Elders, eldersOf } from "../../src/core/consensus/takeover.ts";
import { must } from "../../src/core/types/assert.ts";
import { recordOf, signersOf } from "../support/committee.ts";
import { ackOf, Bench, kinds } from "./bench.ts";
import {
  certificateOf,
  chunkIn,
  GENESIS,
  lineIn,
  reportBy,
  storedHeights,
  takeoverBy,
} from "./lines.ts";

describe("[C6] a promise", () => {
  const [first] = lineIn(GENESIS, 1);
  const tip = { ackEpoch: 0, chunk: must(first, "a line of one") };

  test("fences the old leader, and reports what was acked", () => {
    const bench = new Bench();
    bench.offer([tip.chunk]);
    const [report] = bench.prepare(1);
    expect(report).toMatchObject({
      do: "report",
      statement: { promisedEpoch: 1, candidate: 1, tip: { ackEpoch: 0, header: tip.chunk.signed } },
    });
    expect(bench.offer(lineIn(GENESIS, 1, tip.chunk))).toEqual([
      { do: "fenced", to: "leader", epoch: 1 },
    ]);
  });

  test("is durable before it is reported, and kept across a crash", () => {
    const bench = new Bench();
    bench.isDiskSlow = true;
    expect(bench.prepare(1)).toEqual([]);
    bench.sync();
    expect(kinds(bench.said)).toEqual(["report"]);
    bench.crash();
    expect(bench.offer([tip.chunk])).toEqual([{ do: "fenced", to: "leader", epoch: 1 }]);
  });

  test("is to one candidate: the same one may ask again, another one not", () => {
    const bench = new Bench();
    const [first] = bench.prepare(1, 1);
    expect(bench.prepare(1, 1)).toEqual([first]);
    expect(bench.prepare(1, 0)).toEqual([{ do: "fenced", to: "candidate", epoch: 1 }]);
    expect(kinds(bench.prepare(2, 0))).toEqual(["report"]);
    expect(bench.prepare(1, 1)).toEqual([{ do: "fenced", to: "candidate", epoch: 2 }]);
  });

  test("a record is signed once for an epoch, by whom it was promised to, once its start is stored", () => {
    const bench = new Bench();
    bench.offer([tip.chunk]);
    bench.prepare(1);
    const reports = [0, 1, 2].map((at) => reportBy(at, GENESIS, 1, 1, tip));
    const takeover = takeoverBy(GENESIS, 1, 1, reports);
    const sign = (takeovers = [takeover], feed = EMPTY_FEED) =>
      bench.step({
        ...{ is: "offer", from: "candidate", feed },
        wish: { is: "sign", takeovers, change: null, elders: [] },
      });
    expect(kinds(sign())).toEqual(["sign-records"]);
    expect(kinds(sign())).toEqual(["sign-records"]);
    // Another quorum of reports justifies another start, but not another record.
    const others = [1, 2, 3].map((at) => reportBy(at, GENESIS, 1, 1, null));
    expect(sign([takeoverBy(GENESIS, 1, 1, others)])).toEqual([
      { do: "refuse", to: "candidate", why: "record" },
    ]);
    expect(sign([takeoverBy(GENESIS, 1, 0, reports)])).toMatchObject([{ do: "fenced" }]);
  });

  test("a record must be what a quorum of reports justifies", () => {
    const bench = new Bench();
    bench.offer([tip.chunk]);
    bench.prepare(1);
    const reports = [0, 1, 2].map((at) => reportBy(at, GENESIS, 1, 1, tip));
    const { known } = takeoverBy(GENESIS, 1, 1, reports);
    const empty = [0, 1, 2].map((at) => reportBy(at, GENESIS, 1, 1, null));
    const wrong = [
      { known, reports: reports.slice(1) },
      { known, reports: [...reports.slice(1), reports[1]].filter((one) => one !== undefined) },
      { known, reports: empty },
      { known, reports: [0, 1, 2].map((at) => reportBy(at, GENESIS, 2, 1, tip)) },
      { known, reports: [0, 1, 2].map((at) => reportBy(at, GENESIS, 1, 0, tip)) },
    ];
    for (const takeover of wrong) {
      const effects = bench.step({
        ...{ is: "offer", from: "candidate", feed: EMPTY_FEED },
        wish: { is: "sign", takeovers: [takeover], change: null, elders: [] },
      });
      expect(effects).toEqual([{ do: "refuse", to: "candidate", why: "record" }]);
    }
  });

  test("a record that was signed together with the newest one is continued with the reports of then", () => {
    const reports = [0, 1, 2].map((at) => reportBy(at, GENESIS, 1, 1, tip));
    const first = takeoverBy(GENESIS, 1, 1, reports);
    // The first of the two was signed by somebody when the second was justified, under the same head.
    const again = [0, 1, 2].map((at) => reportBy(at, GENESIS, 2, 0, tip));
    const second = takeoverBy(first.known, 2, 0, again);
    const later = [0, 1, 3].map((at) => reportBy(at, first.known, 3, 1, tip));
    const third = takeoverBy(second.known, 3, 1, later);
    const sign = (elders: Elders): readonly string[] => {
      const bench = new Bench();
      bench.offer([tip.chunk]);
      bench.step({ is: "records", records: [first.known] });
      bench.prepare(3, 1, first.known);
      return kinds(
        bench.step({
          ...{ is: "offer", from: "candidate", feed: EMPTY_FEED },
          wish: { is: "sign", takeovers: [second, third], change: null, elders },
        }),
      );
    };
    expect(eldersOf({ records: [GENESIS, first.known] })).toEqual([GENESIS.hash]);
    expect(sign([GENESIS.hash])).toEqual(["sign-records"]);
    expect(sign([])).toEqual(["refuse"]);
    // Under another committee nobody's promise says anything of this one.
    const other = recordOf(signersOf("ed25519", [1, 2, 3, 5]));
    expect(eldersOf({ records: [knownRecord(other), first.known] })).toEqual([]);
  });

  test("nothing certified is given up: a start before it is refused", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 2);
    bench.offer(line, line[1]?.ref);
    const certificate = certificateOf(GENESIS, must(line[1], "a line of two"));
    bench.offer([], null, GENESIS, { certificate });
    bench.prepare(1);
    const low = { ackEpoch: 0, chunk: must(line[0], "a line of two") };
    const reports = [1, 2, 3].map((at) => reportBy(at, GENESIS, 1, 1, low));
    const effects = bench.step({
      ...{ is: "offer", from: "candidate", feed: EMPTY_FEED },
      wish: {
        is: "sign",
        takeovers: [takeoverBy(GENESIS, 1, 1, reports)],
        change: null,
        elders: [],
      },
    });
    expect(effects).toEqual([{ do: "refuse", to: "candidate", why: "certified" }]);
  });

  test("in the new epoch the inherited chunk is acked as it is, and then only what follows it", () => {
    const bench = new Bench();
    const orphan = lineIn(GENESIS, 3);
    bench.offer(orphan);
    const start = must(orphan[0], "a line of three");
    const reports = [1, 2, 3].map((at) =>
      reportBy(at, GENESIS, 1, 1, { ackEpoch: 0, chunk: start }),
    );
    const { known } = takeoverBy(GENESIS, 1, 1, reports);
    bench.step({ is: "records", records: [known] });
    const inherited = bench.offer([], start.ref, known);
    expect(ackOf(inherited)).toMatchObject({ epoch: 1, height: 0, chunkHash: start.ref.hash });
    expect(ackOf(bench.offer([], orphan[2]?.ref, known))).toBeNull();
    const opening = chunkIn(known, start);
    expect(opening.signed.header.firstOffset).toBe(known.record.start.firstOffset);
    expect(ackOf(bench.offer([opening], opening.ref, known))).toMatchObject({
      epoch: 1,
      height: 1,
    });
    // What the older epoch had beyond its start is given up, and shown to the others.
    expect(bench.said.filter((effect) => effect.do === "give-up")).toHaveLength(1);
    expect(storedHeights(bench.stored)).toEqual([0, 1]);
  });

  test("a committee changes by a certified proposal only, and not into one that it does not meet", () => {
    const next = recordOf(signersOf("ed25519", [1, 2, 3, 5]));
    const far = recordOf(signersOf("ed25519", [5, 6, 7, 8]));
    for (const { committee, change, why } of [
      { committee: next, change: next, why: null },
      { committee: next, change: null, why: "record" },
      { committee: far, change: far, why: "record" },
    ]) {
      const bench = new Bench();
      bench.prepare(1);
      const reports = [0, 1, 2].map((at) => reportBy(at, GENESIS, 1, 1, null));
      const plain = takeoverBy(GENESIS, 1, 1, reports).known.record;
      const { members, candidates, quorum, scheme } = committee;
      const known = knownRecord({ ...plain, members, candidates, quorum, scheme });
      const effects = bench.step({
        ...{ is: "offer", from: "candidate", feed: EMPTY_FEED },
        wish: { is: "sign", takeovers: [{ known, reports }], change, elders: [] },
      });
      expect(kinds(effects)).toEqual([why === null ? "sign-records" : "refuse"]);
    }
  });
});
