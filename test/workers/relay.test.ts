/** A relay's feed: what readers get of its upstream's, whatever happens to either. */

import { describe, expect, test } from "vitest";
import { until, withRelay } from "./support/relay.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a reader of a relay", () => {
  test("[X3] gets what is after its cursor, then what comes, each once and in order", () =>
    withRelay(async (rig) => {
      rig.upstream.append(5);
      const readers = [await rig.subscribe(), await rig.subscribe({ fromOffset: 5 })];
      rig.upstream.append(2);
      for (const reader of readers) await reader.until(() => reader.offsets().at(-1) === 7);
      expect(readers.map((reader) => reader.offsets())).toEqual([range(1, 7), [6, 7]]);
      expect(readers[0]?.records()).toEqual(rig.upstream.records);
    }));

  test("[X3] with batch=1 gets arrays of the same records", () =>
    withRelay(async (rig) => {
      rig.upstream.append(300);
      const reader = await rig.subscribe({ isBatched: true });
      await reader.until(() => reader.offsets().at(-1) === 300);
      rig.upstream.append(10);
      await reader.until(() => reader.offsets().at(-1) === 310);
      expect(reader.records()).toEqual(rig.upstream.records);
      expect(reader.texts.every((text) => text.startsWith("["))).toBe(true);
    }));

  test("[X3] gets what lies below the window from upstream, page by page", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(2_500);
        const reader = await rig.subscribe();
        const nearer = await rig.subscribe({ fromOffset: 2_480 });
        await reader.until(() => reader.offsets().at(-1) === 2_500);
        await nearer.until(() => nearer.offsets().at(-1) === 2_500);
        expect(reader.offsets()).toEqual(range(1, 2_500));
        expect(nearer.offsets()).toEqual(range(2_481, 2_500));
        expect(rig.state.storage.sql.exec("SELECT MIN(offset) AS n FROM records").one()).toEqual({
          n: 2_491,
        });
      },
      { beginRecords: 10 },
    ));

  test("[X3] follows upstream that dies, and is missed nothing and sent nothing twice", () =>
    withRelay(async (rig) => {
      const reader = await rig.subscribe();
      for (let round = 0; round < 5; round++) {
        rig.upstream.append(2);
        rig.upstream.kill();
        rig.upstream.append(1);
      }
      await reader.until(() => reader.offsets().at(-1) === 15);
      expect(reader.offsets()).toEqual(range(1, 15));
      await until(() => rig.upstream.sockets === 1);
    }));

  test("[X3] goes on where it was when the relay wakes up", () =>
    withRelay(async (rig) => {
      rig.upstream.append(3);
      const reader = await rig.subscribe();
      await reader.until(() => reader.offsets().length === 3);
      for (let round = 0; round < 3; round++) {
        await rig.wake();
        rig.upstream.append(2);
      }
      await reader.until(() => reader.offsets().at(-1) === 9);
      expect(reader.offsets()).toEqual(range(1, 9));
    }));
});

describe("what a relay refuses before the upgrade", () => {
  const other = "00000000-0000-4000-8000-000000000000";

  test("[X3] is what upstream refuses: beyond its head, below its beginning, another era", () =>
    withRelay(async (rig) => {
      rig.upstream.append(9);
      rig.upstream.availableFrom = 4;
      expect(await rig.refusal({ fromOffset: 10 })).toEqual([409, "AHEAD_OF_HEAD"]);
      expect(await rig.refusal({ fromOffset: 3 })).toEqual([409, "HISTORY_UNAVAILABLE"]);
      expect(await rig.refusal({ fromOffset: 4, era: other })).toEqual([409, "ERA_CHANGED"]);
      expect(rig.state.getWebSockets()).toHaveLength(0);
      for (const fromOffset of [4, 9]) {
        expect(await rig.refusal({ fromOffset, era: rig.upstream.era })).toBeNull();
      }
      // Also when it has a window of its own to go by.
      expect(await rig.refusal({ fromOffset: 10 })).toEqual([409, "AHEAD_OF_HEAD"]);
      expect(await rig.refusal({ fromOffset: 3 })).toEqual([409, "HISTORY_UNAVAILABLE"]);
      expect(await rig.refusal({ fromOffset: 4, era: other })).toEqual([409, "ERA_CHANGED"]);
    }));

  test("[X3] is no cursor that another, faster relay gave: the reader waits for this one", () =>
    withRelay(async (rig) => {
      rig.upstream.append(2);
      const slow = await rig.subscribe();
      await slow.until(() => slow.offsets().length === 2);
      rig.upstream.isMute = true;
      rig.upstream.append(3);
      const ahead = await rig.subscribe({ fromOffset: 5 });
      const between = await rig.subscribe({ fromOffset: 3 });
      rig.upstream.isMute = false;
      rig.upstream.append(1);
      for (const reader of [slow, ahead, between]) {
        await reader.until(() => reader.offsets().at(-1) === 6);
      }
      expect(slow.offsets()).toEqual(range(1, 6));
      expect(between.offsets()).toEqual([4, 5, 6]);
      expect(ahead.offsets()).toEqual([6]);
    }));

  test("[X3] is nothing that the window knows, while upstream is down; the rest is told to come back", () =>
    withRelay(
      async (rig) => {
        rig.upstream.append(9);
        const reader = await rig.subscribe({ fromOffset: 9 });
        rig.upstream.append(1);
        await reader.until(() => reader.offsets().length === 1);
        rig.upstream.isDown = true;
        rig.upstream.kill();
        const resumed = await rig.subscribe({ fromOffset: 5 });
        await resumed.until(() => resumed.offsets().at(-1) === 10);
        expect(await rig.refusal({ fromOffset: 3 })).toEqual([503, "UNAVAILABLE"]);
        expect(await rig.refusal({ fromOffset: 11 })).toEqual([503, "UNAVAILABLE"]);
        rig.upstream.isDown = false;
        rig.upstream.append(1);
        await reader.until(() => reader.offsets().at(-1) === 11);
        expect(reader.offsets()).toEqual([10, 11]);
      },
      { beginRecords: 5 },
    ));

  test("[X3] is nobody for being one too many for a sequencer, or too far behind for it", () =>
    withRelay(async (rig) => {
      rig.upstream.append(10);
      const readers = await Promise.all(range(1, 100).map(() => rig.subscribe()));
      rig.upstream.append(1);
      for (const reader of readers) await reader.until(() => reader.offsets().at(-1) === 11);
      expect(readers.every((reader) => reader.offsets().length === 11)).toBe(true);
    }));

  test("[X3] is one more than the platform's sockets", () =>
    withRelay(
      async (rig) => {
        expect(await rig.refusal()).toBeNull();
        expect(await rig.refusal()).toBeNull();
        expect(await rig.refusal()).toEqual([429, "OVERLOADED"]);
      },
      { readersMax: 2 },
    ));
});
