/** Who may lead next: timeouts, votes and their bounds, one event at a time. */

import { describe, expect, test } from "vitest";
import { electionDueMs } from "../../src/core/consensus/election.ts";
import {
  drawTimeoutMs,
  ELECTION_RULES,
  mayLead,
  nominee,
} from "../../src/core/consensus/election-rules.ts";
import {
  candidateIndex,
  epoch,
  height,
  memberIndex,
  type Tip,
} from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { Elections } from "./elections.ts";
import { GENESIS } from "./lines.ts";

const tip = (ackEpoch: number, at: number): Tip => ({
  ackEpoch: epoch(ackEpoch),
  height: height(at),
  hash: hash32(`0x${"0".repeat(64)}`),
});

/** The first member has stood for term 1; nobody has answered. */
function standing(): Elections {
  const members = new Elections(4);
  members.nowMs = 6_000;
  members.tick(0);
  return members;
}

describe("[C8] a timeout", () => {
  test("is drawn uniformly from 3 to 6 seconds", () => {
    expect(drawTimeoutMs(ELECTION_RULES, 0)).toBe(3_000);
    expect(drawTimeoutMs(ELECTION_RULES, 0.5)).toBe(4_500);
    expect(drawTimeoutMs(ELECTION_RULES, 1 - Number.EPSILON)).toBe(5_999);
  });

  test.each([
    { nowMs: 4_499, role: "follower" },
    { nowMs: 4_500, role: "candidate" },
  ])("at $nowMs of 4 500 ms: $role", ({ nowMs, role }) => {
    const members = new Elections(4);
    members.nowMs = nowMs;
    members.tick(0);
    expect(members.state(0).role).toBe(role);
  });

  test("begins anew with every sign of the leader", () => {
    const members = new Elections(4);
    members.nowMs = 4_000;
    members.step(0, { is: "heard" });
    expect(electionDueMs(members.state(0))).toBe(8_500);
  });

  test("is not the leader's own: it waits for the candidate that it named", () => {
    const members = standing();
    members.settle();
    expect(members.state(0).role).toBe("leader");
    members.nowMs = 11_999;
    members.tick(0);
    expect(members.state(0).role).toBe("leader");
    // The candidate begins: it is waited for longer.
    members.step(0, { is: "courted", epoch: epoch(1) });
    members.nowMs = 26_998;
    members.tick(0);
    expect(members.state(0).durable.term).toBe(1);
    members.nowMs = 26_999;
    members.tick(0);
    expect(members.state(0).durable.term).toBe(2);
  });
});

describe("[C8] a vote", () => {
  test("is durable before it is sent, the asker's own too", () => {
    const members = standing();
    expect(members.said.map(({ effect }) => effect.do)).toEqual(["role", "write"]);
    const [, written] = members.said.splice(0);
    const effect = must(written, "the vote is written").effect;
    if (effect.do !== "write") throw new Error("the vote is written");
    const said = members.step(0, { is: "written", write: effect.write });
    expect(said.map((one) => one.do)).toEqual(["ask"]);
  });

  test("is given once in a term, again to the same asker", () => {
    const members = standing();
    members.settle((_, to) => to !== 1);
    const mine = must(members.state(1).durable.vote, "the second member voted");
    expect(mine).toMatchObject({ term: 1, asker: 0, candidate: 1 });
    const other = { ...mine, asker: memberIndex(2) };
    const denied = members.step(1, { is: "asked", ask: other, isTransfer: true, tip: null });
    expect(denied).toEqual([{ do: "deny", to: 2, term: 1 }]);
    const again = members.step(1, { is: "asked", ask: mine, isTransfer: true, tip: null });
    expect(again).toEqual([{ do: "vote", to: 0, statement: mine }]);
  });

  test.each([
    { own: tip(0, 4), theirs: tip(0, 5), granted: true },
    { own: tip(0, 5), theirs: tip(0, 5), granted: true },
    { own: tip(0, 6), theirs: tip(0, 5), granted: false },
    { own: tip(1, 0), theirs: tip(0, 5), granted: false },
    { own: tip(0, 0), theirs: null, granted: false },
    { own: null, theirs: null, granted: true },
  ])("with a tip $own.ackEpoch/$own.height for $theirs.height: $granted", (row) => {
    const members = new Elections(4);
    members.tips[0] = row.theirs;
    members.tips[1] = row.own;
    members.nowMs = 6_000;
    members.tick(0);
    members.settle((_, to) => to !== 1);
    const vote = members.state(1).durable.vote;
    expect(vote !== null).toBe(row.granted);
    expect(members.state(1).durable.term).toBe(1);
    if (row.granted) expect(vote?.tip).toEqual(row.theirs);
  });

  test("is not given while the leader is heard, unless somebody wants a transfer", () => {
    for (const { isTransfer, granted } of [
      { isTransfer: false, granted: false },
      { isTransfer: true, granted: true },
    ]) {
      const members = standing();
      members.nowMs = 6_001;
      members.step(1, { is: "heard" });
      members.nowMs = 9_000;
      const ask = must(members.state(0).durable.vote, "the first member stands");
      members.step(1, { is: "asked", ask, isTransfer, tip: null });
      expect(members.state(1).durable.vote !== null).toBe(granted);
    }
  });

  test("is not given to another record's members, nor for a term out of all bounds", () => {
    const members = standing();
    const ask = must(members.state(0).durable.vote, "the first member stands");
    const wrong = [
      { ...ask, recordHash: hash32(`0x${"1".repeat(64)}`) },
      { ...ask, asker: memberIndex(4) },
      { ...ask, candidate: candidateIndex(2) },
      { ...ask, term: epoch(ELECTION_RULES.termsAhead + 1) },
    ];
    for (const one of wrong) {
      members.step(1, { is: "asked", ask: one, isTransfer: true, tip: null });
      expect(members.state(1).durable.vote).toBeNull();
    }
  });

  test("survives a crash: the term and whom it went to", () => {
    const members = standing();
    members.settle((_, to) => to !== 1);
    expect(members.durable[1]).toEqual(members.state(1).durable);
  });

  test("a majority of an even committee is more than half", () => {
    const members = standing();
    members.settle((_, to) => to > 1);
    expect(members.state(0).votes).toEqual([0, 1]);
    expect(members.leaders).toEqual([]);
    const vote = must(members.state(0).durable.vote, "the first member stands");
    members.step(0, { is: "voted", statement: vote, by: memberIndex(1) });
    expect(members.leaders).toEqual([]);
    members.step(0, { is: "voted", statement: vote, by: memberIndex(2) });
    expect(members.leaders).toEqual([0]);
  });
});

describe("[C8] what an election ends in", () => {
  test("the votes name the candidate, and it is told at each heartbeat", () => {
    const members = standing();
    members.settle();
    members.nowMs = 7_000;
    const effects = members.tick(0);
    expect(effects.map((effect) => effect.do)).toEqual(["heartbeat", "elect"]);
    const told = effects.find((effect) => effect.do === "elect");
    expect(told?.statement).toMatchObject({ term: 1, candidate: 1 });
  });

  test("a new record ends it, and its leader is heard from then on", () => {
    const members = standing();
    members.settle();
    const record = { ...GENESIS.record, epoch: epoch(1) };
    const head = { record, hash: hash32(`0x${"2".repeat(64)}`) };
    members.step(0, { is: "record", head, self: memberIndex(0) });
    expect(members.state(0)).toMatchObject({ role: "follower", votes: [], heardMs: 6_000 });
  });

  test("a leader that forked its log is not waited for", () => {
    const members = new Elections(4);
    members.step(0, { is: "heard" });
    members.nowMs = 10;
    members.step(0, { is: "distrusted" });
    members.tick(0);
    expect(members.state(0).role).toBe("candidate");
  });

  test("whom a term names: each in turn, by schedule, or always the same", () => {
    const { record } = GENESIS;
    const turns = (succession: "any" | "schedule" | "single") =>
      [1, 2, 3, 4].map((term) => nominee(record, epoch(term), succession));
    expect(turns("any")).toEqual([1, 0, 1, 0]);
    expect(turns("schedule")).toEqual([1, 0, 1, 0]);
    expect(turns("single")).toEqual([0, 0, 0, 0]);
    expect(mayLead(record, epoch(1), candidateIndex(0), "any")).toBe(true);
    expect(mayLead(record, epoch(1), candidateIndex(0), "schedule")).toBe(false);
    expect(mayLead(record, epoch(1), candidateIndex(2), "any")).toBe(false);
  });
});
