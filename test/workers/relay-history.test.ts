/** Rollbacks, eras and upstreams that are behind or wrong, as a relay and its readers see them. */

import { describe, expect, test } from "vitest";
import { until, withRelay } from "./support/relay.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a rollback", () => {
  test("[X3] is seen live, behind it and by replay, and all end alike", () =>
    withRelay(async (rig) => {
      rig.upstream.append(6);
      const live = await rig.subscribe();
      await live.until(() => live.offsets().length === 6);
      rig.upstream.rollback(2);
      rig.upstream.append(2);
      await live.until(() => live.offsets().at(-1) === 9);
      const readers = [2, 4, 7].map((fromOffset) => rig.subscribe({ fromOffset }));
      const [within, inside, beyond] = await Promise.all(readers);
      const replay = await rig.subscribe();
      for (const reader of [live, replay, within, inside, beyond]) {
        await reader?.until(() => reader.offsets().at(-1) === 9);
      }
      expect(live.offsets()).toEqual(range(1, 9));
      expect(replay.offsets()).toEqual([1, 2, 7, 8, 9]);
      expect(replay.records()).toEqual(rig.upstream.after(0));
      expect(within?.offsets()).toEqual([7, 8, 9]);
      expect(inside?.offsets()).toEqual([7, 8, 9]);
      expect(beyond?.offsets()).toEqual([8, 9]);
    }));

  test("[X3] that came while the relay was away leaves nothing void for a replay", () =>
    withRelay(async (rig) => {
      rig.upstream.append(6);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 6);
      rig.upstream.isDown = true;
      rig.upstream.kill();
      rig.upstream.append(2);
      rig.upstream.rollback(4);
      rig.upstream.append(1);
      rig.upstream.rollback(1);
      rig.upstream.append(1);
      rig.upstream.isDown = false;
      await reader.until(() => reader.offsets().at(-1) === 12);
      expect(reader.offsets()).toEqual([...range(1, 6), 9, 11, 12]);
      const replay = await rig.subscribe();
      await replay.until(() => replay.offsets().at(-1) === 12);
      expect(replay.records()).toEqual(rig.upstream.after(0));
      expect(replay.offsets()).toEqual([1, 9, 11, 12]);
    }));

  test("[X3] over part of the window and what lies below it is replayed like upstream's", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(20);
        const reader = await rig.subscribe({ fromOffset: 20 });
        rig.upstream.append(4);
        await reader.until(() => reader.offsets().length === 4);
        rig.upstream.rollback(8);
        rig.upstream.append(2);
        await reader.until(() => reader.offsets().at(-1) === 27);
        for (const fromOffset of [0, 7, 8, 9, 15, 16, 22, 24, 25, 26]) {
          const replay = await rig.subscribe({ fromOffset });
          await replay.until(() => replay.offsets().at(-1) === 27);
          expect([fromOffset, replay.records()]).toEqual([
            fromOffset,
            rig.upstream.after(fromOffset),
          ]);
        }
      },
      { beginRecords: 5 },
    ));

  test("[X3] of a new epoch, far beyond the old head, is followed", () =>
    withRelay(async (rig) => {
      rig.upstream.append(5);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 5);
      rig.upstream.rollback(4, 2 ** 20);
      rig.upstream.append(1);
      await reader.until(() => reader.offsets().length === 7);
      expect(reader.offsets()).toEqual([...range(1, 5), 2 ** 20 + 6, 2 ** 20 + 7]);
    }));
});

describe("upstream that is behind the relay", () => {
  test("[X3] is waited for: the new leader's rollback explains what it does not have", () =>
    withRelay(async (rig) => {
      rig.upstream.append(6);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 6);
      rig.upstream.forget(2);
      await until(() => rig.upstream.asked.pages > 5);
      expect(reader.closed).toBeNull();
      rig.upstream.rollback(4, 100);
      await reader.until(() => reader.offsets().length === 7);
      expect(reader.offsets()).toEqual([...range(1, 6), 105]);
      const replay = await rig.subscribe();
      await replay.until(() => replay.offsets().at(-1) === 105);
      expect(replay.records()).toEqual(rig.upstream.after(0));
    }));

  test("[X3] for long has another order: readers resume by offset and are told what upstream tells", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(6);
        const reader = await rig.subscribe();
        await reader.until(() => reader.offsets().length === 6);
        rig.upstream.forget(2);
        await until(() => rig.upstream.asked.pages > 3);
        rig.laterMs += 1_001;
        await reader.until(() => reader.closed !== null);
        expect(reader.closed).toEqual({ code: 1012, reason: "resume by offset" });
        expect(await rig.refusal({ fromOffset: 6 })).toEqual([409, "AHEAD_OF_HEAD"]);
        const replay = await rig.subscribe();
        await replay.until(() => replay.offsets().length === 4);
        rig.upstream.append(1);
        await replay.until(() => replay.offsets().at(-1) === 5);
        expect(replay.offsets()).toEqual(range(1, 5));
      },
      { aheadMs: 1_000 },
    ));
});

describe("another era", () => {
  test("[X3] closes readers like a sequencer that ends, and the window is dropped", () =>
    withRelay(async (rig) => {
      const { era } = rig.upstream;
      rig.upstream.append(6);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 6);
      rig.upstream.replace();
      rig.upstream.append(9, 2);
      await reader.until(() => reader.closed !== null);
      expect(reader.closed).toEqual({ code: 1012, reason: "resume by offset" });
      expect(await rig.refusal({ fromOffset: 6, era })).toEqual([409, "ERA_CHANGED"]);
      const anew = await rig.subscribe({ era: rig.upstream.era });
      await anew.until(() => anew.offsets().at(-1) === 9);
      expect(anew.records()).toEqual(rig.upstream.records);
    }));

  test("[X3] is noticed by a relay that slept before anybody is served", () =>
    withRelay(async (rig) => {
      rig.upstream.append(6);
      const slept = await rig.subscribe();
      await slept.until(() => slept.offsets().length === 6);
      rig.upstream.replace();
      rig.upstream.append(7, 2);
      await rig.wake();
      const anew = await rig.subscribe();
      await anew.until(() => anew.offsets().at(-1) === 7);
      await slept.until(() => slept.closed !== null);
      expect(slept.offsets()).toEqual(range(1, 6));
      expect(anew.records()).toEqual(rig.upstream.records);
    }));
});

describe("upstream that does not keep what the relay had", () => {
  test("[X3] is gone on with where it begins: readers resume by offset", () =>
    withRelay(async (rig) => {
      rig.upstream.append(6);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 6);
      rig.upstream.isDown = true;
      rig.upstream.kill();
      rig.upstream.append(20);
      rig.upstream.availableFrom = 10;
      rig.upstream.isDown = false;
      await reader.until(() => reader.closed !== null);
      expect(reader.closed?.code).toBe(1012);
      expect(await rig.refusal({ fromOffset: 6 })).toEqual([409, "HISTORY_UNAVAILABLE"]);
      const anew = await rig.subscribe({ fromOffset: 10 });
      await anew.until(() => anew.offsets().at(-1) === 26);
      expect(anew.offsets()).toEqual(range(11, 26));
    }));

  test("[X3] closes a reader below the window with 1008 when it comes to the hole", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(3_000, 1_000);
        const reader = await rig.subscribe();
        await reader.until(() => reader.offsets().length > 0);
        rig.upstream.availableFrom = 2_980;
        await until(() => {
          rig.ack(reader);
          return reader.closed !== null;
        });
        expect(reader.closed).toEqual({ code: 1008, reason: "history unavailable" });
        expect(reader.offsets()).toEqual(range(1, reader.offsets().length));
      },
      { beginRecords: 5 },
    ));
});

describe("upstream that is wrong", () => {
  test.each([
    ["a record again", '[{"kind":"user_op","offset":1}]'],
    ["no array", '{"kind":"user_op","offset":3}'],
    ["no JSON", "[{"],
    ["a record without an offset", '[{"kind":"user_op"}]'],
    [
      "a rollback that keeps itself",
      '[{"kind":"rollback","offset":3,"keep_through":3,"generation":1}]',
    ],
    ["a certificate of no height", '[{"kind":"certificate","next_offset":3}]'],
  ])("[X3] and sends %s is left, and nobody is sent it", (_what, text) =>
    withRelay(async (rig) => {
      rig.upstream.append(2);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 2);
      await until(() => rig.upstream.sockets === 1);
      const { sockets } = rig.upstream.asked;
      rig.upstream.sendRaw(text);
      await until(() => rig.upstream.asked.sockets > sockets);
      rig.upstream.append(1);
      await reader.until(() => reader.offsets().length === 3);
      expect(reader.offsets()).toEqual([1, 2, 3]);
    }),
  );

  test("[X3] and is silent without an end is asked, and left when it has more", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(2);
        const reader = await rig.subscribe();
        await reader.until(() => reader.offsets().length === 2);
        await until(() => rig.upstream.sockets === 1);
        rig.upstream.forgetSockets();
        rig.laterMs += 5_001;
        const { sockets } = rig.upstream.asked;
        await rig.feed.tick();
        // It has nothing: a quiet feed is no dead one.
        expect(rig.upstream.asked.sockets).toBe(sockets);
        rig.upstream.append(1);
        await rig.feed.tick();
        await reader.until(() => reader.offsets().length === 3);
        expect(reader.offsets()).toEqual([1, 2, 3]);
      },
      { silenceMs: 5_000 },
    ));
});
