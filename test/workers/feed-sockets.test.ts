/** The feed's sockets on a clock of the test's own: replay, following, and readers that are slow. */

import { describe, expect, test } from "vitest";
import { cascade } from "./support/cascade.ts";
import {
  fill,
  fillAfterGenesis,
  fillWithLong,
  refusal,
  serverEnd,
  subscribe,
} from "./support/feed.ts";
import { closeBatch, found, foundWithUsers, submitMany } from "./support/history.ts";
import { withRig } from "./support/rig.ts";

const MIB = 1024 * 1024;

describe("a subscriber", () => {
  test("[F1] gets what is after its cursor, then what comes, each once and in order", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      await submitMany(rig, 0, 0, 3);
      const readers = [0, 2, 5].map((fromOffset) => subscribe(rig, { fromOffset }));
      await submitMany(rig, 1, 0, 2);
      for (const reader of readers) await reader.until(() => reader.offsets().at(-1) === 7);
      expect(readers.map((reader) => reader.offsets())).toEqual([
        [1, 2, 3, 4, 5, 6, 7],
        [3, 4, 5, 6, 7],
        [6, 7],
      ]);
      expect(readers[0]?.texts).toHaveLength(7);
    }));

  test("[F1] with batch=1 gets arrays, of replayed and of live records", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 300);
      const reader = subscribe(rig, { isBatched: true });
      await submitMany(rig, 0, 300, 10);
      await reader.until(() => reader.offsets().at(-1) === 311);
      expect(reader.offsets()).toEqual(Array.from({ length: 311 }, (_, i) => i + 1));
      const sizes = reader.texts.map((text) => (JSON.parse(text) as unknown[]).length);
      expect(sizes).toEqual([256, 45, 10]);
    }));

  test("[F5] is refused before the upgrade", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      expect(refusal(rig, { fromOffset: 2 })).toEqual([409, "AHEAD_OF_HEAD"]);
      const era = "00000000-0000-4000-8000-000000000000";
      expect(refusal(rig, { era })).toEqual([409, "ERA_CHANGED"]);
      expect(rig.state.getWebSockets()).toHaveLength(0);
    }));

  test("[F3] sees a rollback live, behind it, and by replay, and all end alike", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 1);
      closeBatch(rig);
      await submitMany(rig, 0, 1, 2);
      const live = subscribe(rig, { fromOffset: 3 });
      cascade(rig, 1);
      await submitMany(rig, 0, 1, 1);
      const replayed = subscribe(rig);
      for (const reader of [live, replayed]) {
        await reader.until(() => reader.offsets().at(-1) === 6);
      }
      expect(live.records()).toMatchObject([
        { kind: "user_op", offset: 4 },
        { kind: "rollback", offset: 5, keepThrough: 2, generation: 1 },
        { kind: "user_op", offset: 6 },
      ]);
      expect(replayed.offsets()).toEqual([1, 2, 5, 6]);
    }));
});

describe("[F4] bounds", () => {
  test("64 subscribers, the 65th is refused, and one that left makes room", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      for (let i = 0; i < 64; i++) expect(refusal(rig)).toBeNull();
      expect(refusal(rig)).toEqual([429, "OVERLOADED"]);
      rig.feed.onClose(serverEnd(rig));
      expect(refusal(rig)).toBeNull();
      expect(refusal(rig)).not.toBeNull();
    }));

  test("50 000 records behind is let in, one more is closed with 1008", () =>
    withRig(async (rig) => {
      found(rig);
      fill(rig, 50_001);
      const far = subscribe(rig, { fromOffset: 0 });
      await far.until(() => far.closed !== null);
      expect([far.closed, far.texts]).toEqual([
        { code: 1008, reason: "catch-up window exceeded" },
        [],
      ]);
      const near = subscribe(rig, { fromOffset: 1 });
      await near.until(() => near.texts.length > 0);
      expect([near.closed, near.offsets()[0]]).toEqual([null, 2]);
      expect(rig.feed.subscribers).toBe(1);
    }));
});

describe("[F6] catching up", () => {
  test("one page of at most 1 MiB a second", () =>
    withRig(async (rig) => {
      fillWithLong(rig, 20);
      const reader = subscribe(rig);
      await reader.until(() => reader.texts.length === 8);
      rig.nowMs += 999;
      rig.feed.pump();
      rig.nowMs += 1;
      rig.feed.pump();
      await reader.until(() => reader.texts.length === 16);
      rig.feed.pump();
      rig.nowMs += 1_000;
      rig.feed.pump();
      await reader.until(() => reader.texts.length === 20);
      expect(reader.offsets()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    }));

  test("also on a clock that went back", () =>
    withRig(async (rig) => {
      fillWithLong(rig, 20);
      const reader = subscribe(rig);
      await reader.until(() => reader.texts.length === 8);
      rig.nowMs -= 3_600_000;
      rig.feed.pump();
      await reader.until(() => reader.texts.length === 16);
    }));

  test("or one page per message, at once", () =>
    withRig(async (rig) => {
      fillWithLong(rig, 20);
      const reader = subscribe(rig);
      for (const texts of [16, 20]) {
        rig.feed.onMessage(serverEnd(rig), `{"ack":${reader.offsets().at(-1) ?? 0}}`);
        await reader.until(() => reader.texts.length === texts);
      }
      rig.feed.onMessage(serverEnd(rig), "anything");
      await submitMany(rig, 0, 0, 1);
      expect(reader.closed).toBeNull();
      expect(reader.texts).toHaveLength(20);
    }));

  test("a reader that is behind gets live records in their turn, none twice", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      fillAfterGenesis(rig, 20);
      const reader = subscribe(rig);
      await submitMany(rig, 0, 0, 3);
      for (let i = 0; i < 3; i++) {
        rig.nowMs += 1_000;
        rig.feed.pump();
      }
      await reader.until(() => reader.offsets().at(-1) === 24);
      expect(reader.offsets()).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    }));
});

describe("[F6] a slow reader", () => {
  test("is closed with 1013 above 8 MiB unanswered, and resumes by offset", () =>
    withRig(async (rig) => {
      fillWithLong(rig, 80);
      const reader = subscribe(rig);
      for (let page = 1; page < 9; page++) {
        expect(rig.feed.subscribers).toBe(1);
        rig.nowMs += 1_000;
        rig.feed.pump();
      }
      await reader.until(() => reader.closed !== null);
      expect(reader.closed).toEqual({ code: 1013, reason: "slow reader" });
      expect(rig.feed.subscribers).toBe(0);
      const bytes = reader.texts.join("").length;
      expect(bytes).toBeGreaterThan(8 * MIB);
      expect(bytes).toBeLessThan(9 * MIB + 1);
      const again = subscribe(rig, { fromOffset: reader.offsets().at(-1) ?? 0 });
      await again.until(() => again.texts.length > 0);
      expect(again.offsets()[0]).toBe((reader.offsets().at(-1) ?? 0) + 1);
    }));

  test("is not one that answers, with any message", () =>
    withRig(async (rig) => {
      fillWithLong(rig, 80);
      const reader = subscribe(rig);
      while (reader.texts.length < 80) {
        rig.feed.onMessage(serverEnd(rig), "{}");
        const before = reader.texts.length;
        await reader.until(() => reader.texts.length > before);
      }
      expect([reader.closed, reader.offsets().length]).toEqual([null, 80]);
    }));

  test("above 32 MiB in the object: the one with most is closed, and no more than needed", () =>
    withRig(async (rig) => {
      fillWithLong(rig, 80);
      const pump = () => {
        rig.nowMs += 1_000;
        rig.feed.pump();
      };
      const most = subscribe(rig);
      pump();
      const others = [1, 2, 3, 4].map(() => subscribe(rig));
      // 7 pages and four times 6 are less than 32 MiB, 8 and four times 7 are more.
      for (let page = 0; page < 5; page++) pump();
      expect(rig.feed.subscribers).toBe(5);
      pump();
      expect(rig.feed.subscribers).toBe(4);
      await most.until(() => most.closed !== null);
      expect(most.closed).toEqual({ code: 1013, reason: "slow reader" });
      expect(others.map((reader) => reader.closed)).toEqual([null, null, null, null]);
    }));

  test("section 10: a message of 8 KiB is taken, a longer one closes with 1009", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const reader = subscribe(rig, { fromOffset: 1 });
      rig.feed.onMessage(serverEnd(rig), "x".repeat(8 * 1024));
      expect(rig.feed.subscribers).toBe(1);
      rig.feed.onMessage(serverEnd(rig), new ArrayBuffer(8 * 1024 + 1));
      await reader.until(() => reader.closed !== null);
      expect(reader.closed).toEqual({ code: 1009, reason: "message too big" });
    }));

  test("section 10: bytes are counted, not characters", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      subscribe(rig, { fromOffset: 1 });
      rig.feed.onMessage(serverEnd(rig), "€".repeat(3_000));
      expect(rig.feed.subscribers).toBe(0);
    }));
});
