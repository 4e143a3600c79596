/** The leader's rounds, its pages to those who lag, and when it stops, one event at a time. */

import { describe, expect, test } from "vitest";
import { broadcastDueMs, mayOrder, uncertifiedEvents } from "../../src/core/consensus/broadcast.ts";
import type { BroadcastEffect } from "../../src/core/consensus/broadcast-state.ts";
import { epoch, memberIndex, UNCERTIFIED_EVENTS_MAX } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { Leader, refAt } from "./leader.ts";

const to = (effects: readonly BroadcastEffect[]) =>
  effects.flatMap((effect) => (effect.do === "propose" ? [effect] : []));

const certified = (effects: readonly BroadcastEffect[]): readonly number[] =>
  effects.flatMap((effect) => (effect.do === "certify" ? [effect.chunk.height] : []));

describe("[C2] rounds", () => {
  test("one is in flight; its certificate covers what came before it, and no more", () => {
    const leader = new Leader();
    expect(to(leader.append(0)).map(({ target }) => target?.height)).toEqual([0, 0, 0, 0]);
    expect(to(leader.append(1))).toEqual([]);
    expect(to(leader.append(2))).toEqual([]);
    leader.nowMs += 500;
    expect(certified(leader.ack(0, 0))).toEqual([]);
    expect(certified(leader.ack(1, 0))).toEqual([]);
    const effects = leader.ack(2, 0);
    expect(certified(effects)).toEqual([0]);
    // The next round asks for the newest, and its certificate covers both.
    expect(to(effects).map(({ target, page }) => [target?.height, page.from])).toEqual([
      [2, 1],
      [2, 1],
      [2, 1],
    ]);
    expect([0, 1, 3].flatMap((member) => certified(leader.ack(member, 2)))).toEqual([2]);
    expect(leader.state.tail).toEqual([]);
  });

  test.each([
    { waitedMs: 499, isWanted: false, begins: false },
    { waitedMs: 500, isWanted: false, begins: true },
    { waitedMs: 19, isWanted: true, begins: false },
    { waitedMs: 20, isWanted: true, begins: true },
  ])(
    "$waitedMs ms after the last one began, wanted $isWanted: $begins",
    ({ waitedMs, isWanted, begins }) => {
      const leader = new Leader();
      leader.append(0);
      for (const member of [0, 1, 2]) leader.ack(member, 0);
      if (isWanted) leader.step({ is: "wanted", through: 1 });
      leader.nowMs += waitedMs;
      expect(to(leader.append(1)).length > 0).toBe(begins);
      expect(leader.state.round !== null).toBe(begins);
    },
  );

  test.each([
    { events: 255, afterMs: 500 },
    { events: 256, afterMs: 20 },
  ])(
    "with $events events that wait, $afterMs ms after the last one began",
    ({ events, afterMs }) => {
      const leader = new Leader();
      leader.append(0);
      for (const member of [0, 1, 2, 3]) leader.ack(member, 0);
      leader.append(1, events - 1);
      leader.append(2);
      expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(leader.nowMs + afterMs);
    },
  );

  test("who waits hurries the rounds up to its chunk, and none beyond it", () => {
    const leader = new Leader();
    leader.append(0);
    leader.append(1);
    leader.step({ is: "wanted", through: 1 });
    leader.nowMs += 20;
    // The next one begins with the last one's end: it asks for the chunk that is wanted.
    for (const member of [0, 1, 2]) leader.ack(member, 0);
    expect(leader.state.round?.target.height).toBe(1);
    leader.append(2);
    const endMs = leader.nowMs;
    for (const member of [0, 1, 2, 3]) leader.ack(member, 1);
    expect(leader.state.round).toBeNull();
    expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(endMs + 500);
    leader.step({ is: "wanted", through: 2 });
    expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(endMs + 20);
    // What is certified is not waited for any more, whoever asks late.
    leader.step({ is: "wanted", through: 0 });
    expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(endMs + 20);
  });

  test("a height is certified once: late, doubled and foreign acks count for nothing", () => {
    const leader = new Leader();
    leader.append(0);
    const foreign = { ...refAt(0), hash: refAt(9).hash };
    const by = { member: memberIndex(3), signature: new Uint8Array(64) };
    expect(leader.step({ is: "acked", chunk: foreign, by })).toEqual([]);
    expect(certified(leader.ack(0, 0))).toEqual([]);
    expect(certified(leader.ack(0, 0))).toEqual([]);
    expect(certified(leader.ack(1, 0))).toEqual([]);
    expect(certified(leader.ack(2, 0))).toEqual([0]);
    expect(certified(leader.ack(3, 0))).toEqual([]);
  });

  test("an unanswered request is sent again, after 250, 500, 1 000 ms and so on up to 8 s", () => {
    const leader = new Leader({ quorumLostMs: 120_000, heartbeatMs: 120_000 });
    leader.append(0);
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      const dueMs = broadcastDueMs(leader.state, leader.nowMs);
      waits.push(dueMs - leader.nowMs);
      leader.nowMs = dueMs;
      expect(to(leader.step({ is: "tick" }))).toHaveLength(4);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  test("who is quiet hears a heartbeat every second, and a chunk counts as one", () => {
    const leader = new Leader();
    const toAll = [0, 1, 2, 3].map((member) => ({ do: "heartbeat", to: member }));
    // At once when it begins: whoever knows of a later epoch says so.
    expect(leader.step({ is: "tick" })).toEqual(toAll);
    leader.nowMs += 999;
    expect(leader.step({ is: "tick" })).toEqual([]);
    leader.nowMs += 1;
    expect(leader.step({ is: "tick" })).toEqual(toAll);
    leader.nowMs += 500;
    leader.append(0);
    expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(leader.nowMs + 250);
    for (const member of [0, 1, 2, 3]) leader.ack(member, 0);
    expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(leader.nowMs + 1_000);
  });
});

describe("[C2] who lags", () => {
  test("gets pages at its own pace, each when it has answered the one before", () => {
    const leader = new Leader({ pageChunks: 4 });
    leader.certify(9);
    leader.holds(3, 9);
    const [page] = to(leader.holds(3, -1));
    expect(page).toMatchObject({ to: 3, page: { from: 0, through: 3 }, target: null });
    expect(to(leader.holds(3, 3))[0]?.page).toEqual({ from: 4, through: 7 });
    expect(to(leader.holds(3, 7))[0]?.page).toEqual({ from: 8, through: 9 });
    expect(to(leader.holds(3, 9))).toEqual([]);
  });

  test("an answer that brings nothing new does not speed anything up", () => {
    const leader = new Leader({ pageChunks: 4 });
    leader.certify(9);
    leader.holds(3, 9);
    expect(to(leader.holds(3, -1))).toHaveLength(1);
    expect(to(leader.holds(3, -1))).toEqual([]);
    leader.nowMs += 250;
    expect(to(leader.step({ is: "tick" }))).toHaveLength(1);
  });

  test("who says now more and now less gets a page for it four times a second, and no more", () => {
    const leader = new Leader({ pageChunks: 2 });
    leader.certify(9);
    let pages = 0;
    const endMs = leader.nowMs + 10_000;
    for (; leader.nowMs < endMs; leader.nowMs += 5) {
      pages += to(leader.holds(3, leader.nowMs % 10 === 0 ? 3 : 5)).length;
      pages += to(leader.step({ is: "tick" })).filter((effect) => effect.to === 3).length;
    }
    expect(pages).toBeGreaterThan(20);
    expect(pages).toBeLessThan(100);
  });

  test("beyond what is kept it starts from a certified checkpoint", () => {
    const leader = new Leader({ retainChunks: 3 });
    const pruned: number[] = [];
    for (let at = 0; at < 12; at++) {
      for (const effect of leader.certify(at)) {
        if (effect.do !== "prune") continue;
        pruned.push(effect.through.height);
        leader.step({ is: "pruned", through: effect.through });
      }
    }
    expect(pruned).toEqual([0, 3, 6]);
    const quiet = leader.holds(3, -1);
    leader.nowMs += 8_000;
    const [page] = [...to(quiet), ...to(leader.step({ is: "tick" }))];
    expect(page).toMatchObject({ to: 3, checkpoint: { height: 6 }, page: { from: 7 } });
    const [next] = to(leader.holds(3, 8));
    expect(next).toMatchObject({ checkpoint: null, page: { from: 9 } });
  });
});

describe("[C6, C8] a leader that no quorum answers", () => {
  const speech = (effects: readonly BroadcastEffect[]): number => to(effects).length;

  test("grows quiet after ten seconds: it may be heard and not hear", () => {
    const leader = new Leader();
    leader.certify(0);
    const silentMs = leader.nowMs;
    leader.nowMs = silentMs + 9_000;
    leader.holds(0, 0);
    leader.holds(1, 0);
    leader.append(1);
    for (let atMs = 9_250; atMs < 10_000; atMs += 250) {
      leader.nowMs = silentMs + atMs;
      leader.step({ is: "tick" });
    }
    leader.nowMs = silentMs + 9_999;
    expect(speech(leader.step({ is: "tick" }))).toBe(0);
    leader.nowMs = silentMs + 10_000;
    // Longer than any election timeout after its last word.
    const spokeMs = Math.min(...leader.state.flows.map((flow) => flow.spokeMs));
    const dueMs = broadcastDueMs(leader.state, leader.nowMs);
    expect(dueMs).toBe(spokeMs + 12_000);
    leader.nowMs = dueMs - 1;
    expect(speech(leader.step({ is: "tick" }))).toBe(0);
    leader.nowMs = dueMs;
    expect(speech(leader.step({ is: "tick" }))).toBeGreaterThan(0);
  });

  test("orders on, and certifies as soon as a member is back and says so", () => {
    const leader = new Leader();
    leader.certify(0);
    leader.append(1);
    leader.ack(0, 1);
    leader.ack(1, 1);
    leader.nowMs += 60_000;
    leader.step({ is: "tick" });
    leader.append(2);
    expect(mayOrder(leader.state)).toBe(true);
    const effects = leader.step({ is: "seen", member: memberIndex(2) });
    expect(to(effects).map((effect) => effect.to)).toEqual([2, 3]);
    expect(leader.ack(2, 1)).toContainEqual(
      expect.objectContaining({ do: "certify", chunk: refAt(1) }),
    );
  });
});

describe("[C6] a leader stops", () => {
  test.each([
    { events: UNCERTIFIED_EVENTS_MAX - 1, may: true },
    { events: UNCERTIFIED_EVENTS_MAX, may: false },
  ])("ordering with $events uncertified events: may it? $may", ({ events, may }) => {
    const leader = new Leader();
    leader.append(0, events);
    expect(uncertifiedEvents(leader.state)).toBe(events);
    expect(mayOrder(leader.state)).toBe(may);
    for (const member of [0, 1, 2]) leader.ack(member, 0);
    expect(mayOrder(leader.state)).toBe(true);
  });

  test("for good when a member has promised a later epoch, not an older one", () => {
    const leader = new Leader();
    leader.append(0);
    expect(leader.step({ is: "fenced", epoch: epoch(2) })).toEqual([]);
    expect(leader.step({ is: "fenced", epoch: epoch(3) })).toEqual([{ do: "step-down", epoch: 3 }]);
    expect([0, 1, 2].flatMap((member) => leader.ack(member, 0))).toEqual([]);
    expect(mayOrder(leader.state)).toBe(false);
    expect(broadcastDueMs(leader.state, leader.nowMs)).toBe(Number.POSITIVE_INFINITY);
  });

  test("a quorum of which two share no member is a bug", () => {
    expect(() => new Leader({ members: 4, quorum: 2 })).toThrow("two quorums share a member");
    expect(must(new Leader({ members: 4, quorum: 3 }).state.flows[3], "four").holds).toBe(-1);
  });
});
