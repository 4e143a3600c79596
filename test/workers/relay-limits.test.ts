/** What a relay keeps, and what it lets readers leave unanswered. */

import { describe, expect, test } from "vitest";
import { until, withRelay } from "./support/relay.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const MIB = 1024 * 1024;
const rows = (sql: SqlStorage) =>
  sql.exec("SELECT MIN(offset) AS least, MAX(offset) AS most, COUNT(*) AS n FROM records").one();
const told = (sql: SqlStorage) =>
  sql.exec("SELECT floor, head, record_count AS n FROM feed_window").one();

describe("the window", () => {
  test("[X3] holds so many records: the oldest go, and are served from upstream", () =>
    withRelay(
      async (rig) => {
        const first = await rig.subscribe({ isBatched: true });
        for (let i = 1; i <= 3; i++) {
          rig.upstream.append(1_000);
          await first.until(() => first.offsets().at(-1) === i * 1_000);
        }
        expect(rig.state.storage.sql.exec("SELECT COUNT(*) AS n FROM records").one()).toEqual({
          n: 952,
        });
        expect(rows(rig.state.storage.sql)).toEqual({ least: 2_049, most: 3_000, n: 952 });
        expect(told(rig.state.storage.sql)).toEqual({ floor: 2_048, head: 3_000, n: 952 });
        const replay = await rig.subscribe({ fromOffset: 1_000, isBatched: true });
        await replay.until(() => replay.offsets().at(-1) === 3_000);
        expect(replay.offsets()).toEqual(range(1_001, 3_000));
      },
      { windowRecordsMax: 2_999, recentRecordsMax: 10 },
    ));

  test("[X3] holds so many bytes", () =>
    withRelay(
      async (rig) => {
        const reader = await rig.subscribe();
        for (let i = 1; i <= 4; i++) {
          rig.upstream.append(1, 60_000);
          await reader.until(() => reader.offsets().at(-1) === i);
          const kept = rows(rig.state.storage.sql);
          expect(kept).toEqual(
            i < 4 ? { least: 1, most: i, n: i } : { least: null, most: null, n: 0 },
          );
        }
      },
      { windowBytesMax: 400_000 },
    ));

  test("[X3] holds records for so long", () =>
    withRelay(
      async (rig) => {
        const reader = await rig.subscribe();
        rig.upstream.append(5);
        await reader.until(() => reader.offsets().length === 5);
        rig.laterMs += 60_000;
        rig.upstream.append(2);
        await reader.until(() => reader.offsets().length === 7);
        rig.laterMs += 39_000;
        await rig.feed.tick();
        expect(told(rig.state.storage.sql)).toEqual({ floor: 0, head: 7, n: 7 });
        rig.laterMs += 1_100;
        await rig.feed.tick();
        expect(told(rig.state.storage.sql)).toEqual({ floor: 5, head: 7, n: 2 });
        rig.laterMs += 60_000;
        await rig.feed.tick();
        expect(told(rig.state.storage.sql)).toEqual({ floor: 7, head: 7, n: 0 });
        rig.upstream.append(1);
        await reader.until(() => reader.offsets().length === 8);
        const replay = await rig.subscribe({ fromOffset: 3 });
        await replay.until(() => replay.offsets().at(-1) === 8);
        expect(replay.offsets()).toEqual(range(4, 8));
      },
      { windowMs: 100_000 },
    ));

  test("[X3] is given up for a new one when the relay was away for too long", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(5);
        const reader = await rig.subscribe();
        await reader.until(() => reader.offsets().length === 5);
        rig.upstream.isDown = true;
        rig.upstream.kill();
        rig.upstream.append(101);
        rig.upstream.isDown = false;
        await reader.until(() => reader.offsets().at(-1) === 106);
        expect(reader.offsets()).toEqual(range(1, 106));
        expect(told(rig.state.storage.sql)).toEqual({ floor: 96, head: 106, n: 10 });
      },
      { resumeRecords: 100, beginRecords: 10 },
    ));

  test("[X3] rests when nobody has read for a while, and goes on when somebody comes", () =>
    withRelay(
      async (rig) => {
        const reader = await rig.subscribe();
        rig.upstream.append(3);
        await reader.until(() => reader.offsets().length === 3);
        reader.socket.close(1000);
        rig.feed.onClose(rig.serverEnd(reader));
        expect(await rig.feed.tick()).toBe(5_000);
        rig.laterMs += 1_001;
        expect(await rig.feed.tick()).toBe(24 * 60 * 60 * 1000);
        await until(() => rig.upstream.sockets === 0);
        rig.upstream.append(3);
        const next = await rig.subscribe({ fromOffset: 2 });
        await next.until(() => next.offsets().at(-1) === 6);
        expect(next.offsets()).toEqual(range(3, 6));
      },
      { idleMs: 1_000 },
    ));
});

describe("a slow reader", () => {
  test("[F6] of a relay is closed above 8 MiB without an answer, and others are not", () =>
    withRelay(async (rig) => {
      const reader = await rig.subscribe();
      const answering = await rig.subscribe();
      for (let i = 1; reader.closed === null; i++) {
        rig.upstream.append(1, 60_000);
        await answering.until(() => answering.offsets().at(-1) === i);
        rig.ack(answering);
      }
      expect(reader.closed).toEqual({ code: 1013, reason: "slow reader" });
      const bytes = reader.texts.reduce((sum, text) => sum + text.length, 0);
      expect(bytes).toBeGreaterThan(8 * MIB);
      expect(bytes).toBeLessThan(9 * MIB);
      expect(answering.closed).toBeNull();
      const resumed = await rig.subscribe({ fromOffset: reader.offsets().at(-1) ?? 0 });
      rig.upstream.append(1);
      await resumed.until(() => resumed.offsets().length > 0);
      expect(resumed.offsets()[0]).toBe((reader.offsets().at(-1) ?? 0) + 1);
    }));

  test("[X3] is waited for when all together left too much, and then the largest is closed", () =>
    withRelay(
      async (rig) => {
        const reader = await rig.subscribe();
        const second = await rig.subscribe({ fromOffset: 0 });
        rig.upstream.append(1, 30_000);
        await second.until(() => second.offsets().length === 1);
        rig.ack(second);
        rig.upstream.append(1, 30_000);
        await reader.until(() => reader.offsets().length === 2);
        // 120 000 of the one and 60 000 of the other, and 150 000 are allowed.
        rig.upstream.append(1);
        await reader.until(() => reader.closed !== null);
        expect(reader.closed).toEqual({ code: 1013, reason: "slow reader" });
        await second.until(() => second.offsets().length === 3);
        expect(second.closed).toBeNull();
      },
      { readersBytesMax: 150_000, readersBytes: 140_000, bytesPerReader: 5_001 },
    ));

  test("[F6] gets one page of what it lacks for each answer", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(40, 60_000);
        const reader = await rig.subscribe();
        await reader.until(() => reader.offsets().length === 8);
        for (let pages = 2; pages <= 5; pages++) {
          rig.ack(reader);
          await reader.until(() => reader.offsets().length === pages * 8);
        }
        expect(reader.offsets()).toEqual(range(1, 40));
      },
      { recentRecordsMax: 1 },
    ));

  test("[F6] that says too much is closed", () =>
    withRelay(async (rig) => {
      const reader = await rig.subscribe();
      rig.feed.onMessage(rig.serverEnd(reader), "x".repeat(8 * 1024 + 1));
      await reader.until(() => reader.closed !== null);
      expect(reader.closed?.code).toBe(1009);
    }));
});

describe("a broadcast", () => {
  test("[X3] in slices reaches everybody, in order, also those who come meanwhile", () =>
    withRelay(
      async (rig) => {
        const readers = await Promise.all(range(1, 50).map(() => rig.subscribe()));
        for (let i = 0; i < 20; i++) {
          rig.upstream.append(1);
          readers.push(await rig.subscribe());
        }
        for (const reader of readers) {
          await reader.until(() => reader.offsets().at(-1) === 20);
          expect(reader.offsets()).toEqual(range(1, 20));
        }
      },
      { sliceSends: 3 },
    ));

  test("[X3] carries certificates to those who asked and have what they cover", () =>
    withRelay(async (rig) => {
      rig.upstream.append(3);
      const plain = await rig.subscribe();
      const asking = await rig.subscribe({ wantsCertificates: true });
      await asking.until(() => asking.texts.length === 3);
      await until(() => rig.upstream.sockets === 1);
      const first = rig.upstream.certify(4, 4);
      await asking.until(() => asking.texts.length === 4);
      expect(asking.texts[3]).toBe(first);
      const second = rig.upstream.certify(5, 5);
      rig.upstream.append(1);
      await asking.until(() => asking.texts.length === 6);
      expect(asking.texts[5]).toBe(second);
      const late = await rig.subscribe({ fromOffset: 4, wantsCertificates: true });
      await late.until(() => late.texts.length === 1);
      expect(late.texts).toEqual([second]);
      expect(plain.offsets()).toEqual([1, 2, 3, 4]);
    }));
});

describe("GET /feed of a relay", () => {
  test("[X3] holds what was promised before it was asked, though the relay was not sent it yet", () =>
    withRelay(async (rig) => {
      rig.upstream.append(3);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 3);
      rig.upstream.isMute = true;
      rig.upstream.append(2);
      const page = await rig.page();
      expect(page).toEqual(await rig.upstream.feedPage({ fromOffset: 0, limit: 256, era: null }));
      expect(page).toMatchObject({ ok: true, value: { head: 5, next_offset: 5 } });
    }));

  test("[X3] has upstream's limits and refusals, from the window and below it", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(30, 60_000);
        rig.upstream.availableFrom = 3;
        const reader = await rig.subscribe({ fromOffset: 30 });
        rig.upstream.rollback(25);
        await reader.until(() => reader.offsets().length === 1);
        for (const [fromOffset, limit] of [
          [3, 2],
          [3, 256],
          [21, 3],
          [20, 256],
          [31, 1],
        ] as const) {
          const query = { fromOffset, limit, era: null };
          const [page, truth] = [await rig.page(query), await rig.upstream.feedPage(query)];
          expect([query, page]).toEqual([query, truth]);
        }
        expect(await rig.page({ fromOffset: 2 })).toMatchObject({
          error: { code: "HISTORY_UNAVAILABLE" },
        });
        expect(await rig.page({ fromOffset: 32 })).toMatchObject({
          error: { code: "AHEAD_OF_HEAD" },
        });
      },
      { beginRecords: 10 },
    ));

  test("[X3] is what the window knows while upstream is down", () =>
    withRelay(async (rig) => {
      rig.upstream.append(3);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 3);
      rig.upstream.isDown = true;
      expect(await rig.page()).toMatchObject({ ok: true, value: { head: 3, next_offset: 3 } });
      expect(await rig.page({ fromOffset: 4 })).toMatchObject({ ok: false });
    }));
});
