/** What a validator stores and acks, one event at a time. */

import { describe, expect, test } from "vitest";
import { EMPTY_FEED } from "../../src/core/consensus/take-in.ts";
import { WRITES_MAX } from "../../src/core/consensus/validator.ts";
import { must } from "../../src/core/types/assert.ts";
import { signersOf } from "../support/committee.ts";
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

describe("[C4] an ack", () => {
  test("names the newest linked chunk, under the record", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 3);
    const last = must(line.at(-1), "a line has an end");
    expect(ackOf(bench.offer(line))).toEqual({
      ...{ chainId: 31_337, app: GENESIS.record.app, epoch: 0, recordHash: GENESIS.hash },
      ...{ height: 2, chunkHash: last.ref.hash },
    });
  });

  test("waits for its write, and never leaves when that fails", () => {
    const bench = new Bench();
    bench.isDiskSlow = true;
    expect(kinds(bench.offer(lineIn(GENESIS, 1)))).toEqual([]);
    bench.crash();
    bench.sync();
    expect(bench.said.filter((effect) => effect.do === "ack")).toEqual([]);
    expect(bench.stored.tip).toBeNull();
  });

  test("waits for writes before its own too: a repeat is not quicker than the first", () => {
    const bench = new Bench();
    bench.isDiskSlow = true;
    const line = lineIn(GENESIS, 1);
    bench.offer(line);
    expect(kinds(bench.offer([], line[0]?.ref))).toEqual([]);
    bench.sync();
    expect(kinds(bench.said)).toEqual(["ack", "ack"]);
  });

  test("of the same chunk is given again, after a crash too", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 2);
    const first = ackOf(bench.offer(line));
    bench.crash();
    expect(ackOf(bench.offer(line))).toEqual(first);
    expect(ackOf(bench.offer([], line[1]?.ref))).toEqual(first);
  });

  test("takes every header in between, linked, with its payload", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 3);
    const [first, second, third] = line;
    expect(bench.offer(line.slice(1))).toContainEqual({ do: "holds", to: "leader", through: -1 });
    const gap = [first, third].filter((chunk) => chunk !== undefined);
    expect(bench.offer(gap)).toContainEqual({ do: "holds", to: "leader", through: 0 });
    bench.badPayloads = [must(second, "a line of three").ref.hash];
    expect(kinds(bench.offer(line))).toContain("refuse");
    expect(storedHeights(bench.stored)).toEqual([0]);
    bench.badPayloads = [];
    // A verdict is about the bytes that came, not about the header: others may bring the good ones.
    expect(kinds(bench.offer(line))).not.toContain("refuse");
  });

  test("goes up: a lower chunk is not acked again, nor another one at the height", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 2);
    bench.offer(line);
    expect(ackOf(bench.offer([], line[0]?.ref))).toBeNull();
    const rival = chunkIn(GENESIS, line[0] ?? null, 1);
    expect(ackOf(bench.offer([rival]))).toBeNull();
  });

  test("is of this history, with offsets that go on", () => {
    const bench = new Bench();
    const [first] = lineIn(GENESIS, 1);
    const { header } = must(first, "a line of one").signed;
    const wrong: readonly Partial<typeof header>[] = [
      { era: new Uint8Array(16).fill(9) },
      { chainId: 1 },
      { epoch: 3 },
      { eventCount: 0 },
      { firstOffset: header.nextOffset, nextOffset: header.nextOffset },
    ];
    for (const change of wrong) {
      const signed = { ...must(first, "a line of one").signed, header: { ...header, ...change } };
      const chunk = { ref: must(first, "a line of one").ref, signed };
      expect(kinds(bench.offer([chunk]))).toContain("refuse");
    }
    expect(storedHeights(bench.stored)).toEqual([]);
  });

  test("is not given by whom the record does not list", () => {
    const bench = new Bench(signersOf("ed25519", [9])[0]?.publicKey);
    expect(bench.offer(lineIn(GENESIS, 1))).toEqual([{ do: "refuse", to: "leader", why: "mute" }]);
    expect(bench.prepare(1)).toEqual([{ do: "refuse", to: "candidate", why: "mute" }]);
  });

  test("is refused while too many writes wait", () => {
    const bench = new Bench();
    bench.isDiskSlow = true;
    const line = lineIn(GENESIS, WRITES_MAX + 1);
    for (const chunk of line.slice(0, WRITES_MAX)) bench.offer([chunk]);
    expect(bench.offer(line.slice(WRITES_MAX))).toEqual([
      { do: "refuse", to: "leader", why: "busy" },
    ]);
  });
});

describe("[C4] a payload's verdict", () => {
  test("is waited for, whatever comes without chunks in the meantime", () => {
    const bench = new Bench();
    bench.isCheckSlow = true;
    const line = lineIn(GENESIS, 2);
    expect(kinds(bench.offer(line))).toEqual([]);
    expect(kinds(bench.offer([], null))).toEqual(["holds"]);
    expect(kinds(bench.judge(true, 1))).toEqual([]);
    expect(ackOf(bench.judge(true, 1))?.height).toBe(1);
    expect(storedHeights(bench.stored)).toEqual([0, 1]);
  });

  test("is about the bytes of its own offer: an older one's says nothing of a newer one's", () => {
    const bench = new Bench();
    bench.isCheckSlow = true;
    const line = lineIn(GENESIS, 1);
    bench.offer(line);
    bench.offer(line);
    expect(kinds(bench.judge(false, 1))).toEqual([]);
    expect(ackOf(bench.judge(true, 1))?.height).toBe(0);
  });
});

describe("[C4] two chunks at one height", () => {
  test("are kept as evidence, refused, and end the trust in their leader", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 1);
    bench.offer(line);
    const effects = bench.offer([chunkIn(GENESIS, null, 1)]);
    expect(kinds(effects)).toEqual(["refuse", "holds", "accuse"]);
    expect(bench.stored.evidence).toHaveLength(1);
    expect(bench.offer(lineIn(GENESIS, 1, line[0] ?? null))).toEqual([
      { do: "refuse", to: "leader", why: "fork" },
    ]);
  });

  test("offered at once: one is acked, the other refused, the first is acked again", () => {
    const bench = new Bench();
    bench.isDiskSlow = true;
    const [one, other] = [chunkIn(GENESIS, null, 1), chunkIn(GENESIS, null, 2)];
    bench.offer([one]);
    bench.offer([other]);
    bench.sync();
    const acks = bench.said.filter((effect) => effect.do === "ack");
    expect(acks.map(({ statement }) => statement.chunkHash)).toEqual([one.ref.hash]);
    bench.crash();
    expect(bench.stored.evidence).toHaveLength(1);
  });

  test("are found page by page, however far beyond the base: nothing is claimed that was not compared", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 6);
    const forged = chunkIn(GENESIS, line[5] ?? null, 1);
    const theirs = [...line, ...lineIn(GENESIS, 3, line[5] ?? null)];
    bench.offer([...line, forged], null);
    const pages: number[] = [];
    let from = 7;
    for (let i = 0; i < 10 && bench.stored.evidence.length === 0; i++) {
      const effects = bench.offer(theirs.slice(from, from + 2), null);
      // Whatever comes in between changes nothing.
      bench.offer([], null);
      const holds = effects.find((effect) => effect.do === "holds");
      from = (holds?.through ?? -2) + 1;
      pages.push(from);
    }
    expect(pages).toEqual([0, 2, 4, 6, expect.any(Number)]);
    expect(bench.stored.evidence).toHaveLength(1);
  });

  test("of an older leader are evidence and no more: the record says which one counts", () => {
    const bench = new Bench();
    const [mine, other] = [chunkIn(GENESIS, null, 1), chunkIn(GENESIS, null, 2)];
    bench.offer([mine]);
    bench.prepare(1);
    const reports = [1, 2, 3].map((at) =>
      reportBy(at, GENESIS, 1, 1, { ackEpoch: 0, chunk: other }),
    );
    const takeover = takeoverBy(GENESIS, 1, 1, reports);
    const effects = bench.step({
      ...{ is: "offer", from: "candidate", feed: { ...EMPTY_FEED, chunks: [other] } },
      wish: { is: "sign", takeovers: [takeover], change: null, elders: [] },
    });
    expect(kinds(effects)).toEqual(["sign-records", "accuse"]);
    expect(bench.stored.evidence).toHaveLength(1);
  });
});

describe("[C4] what is certified", () => {
  test("moves the base, and lets go of what it makes impossible", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 3);
    bench.offer(line);
    const certificate = certificateOf(GENESIS, must(line[1], "a line of three"));
    bench.offer([], null, GENESIS, { certificate });
    expect(bench.stored.base).toMatchObject({ height: 1 });
    expect(bench.stored.lock?.chunk.height).toBe(1);
  });

  test("and not at hand, is waited for: nothing beside it is acked", () => {
    const bench = new Bench();
    const [line, rival] = [lineIn(GENESIS, 2), chunkIn(GENESIS, null, 1)];
    const certificate = certificateOf(GENESIS, must(line[0], "a line of two"));
    expect(ackOf(bench.offer([rival], rival.ref, GENESIS, { certificate }))).toBeNull();
    expect(bench.stored.lock?.chunk).toEqual(line[0]?.ref);
  });

  test("is where a validator that lacks too much starts from", () => {
    const bench = new Bench();
    const line = lineIn(GENESIS, 9);
    const chunk = must(line[6], "a line of nine");
    const checkpoint = { chunk, certificate: certificateOf(GENESIS, chunk) };
    const effects = bench.offer(line.slice(7), line[8]?.ref, GENESIS, { checkpoint });
    expect(ackOf(effects)?.height).toBe(8);
    expect(storedHeights(bench.stored)).toEqual([7, 8]);
  });
});
