/** Pages of the feed: cursors, rollbacks, refusals and bounds. */

import { describe, expect, test } from "vitest";
import type { FeedPage, FeedQuery } from "../../src/core/api/sequencer-api.ts";
import { formatEra } from "../../src/core/chunk/era.ts";
import { foldRecord } from "../../src/core/feed/cursor.ts";
import { type FeedRecord, formatRecord, parseRecord } from "../../src/core/feed/record.ts";
import { offset } from "../../src/core/types/units.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { cascade } from "./support/cascade.ts";
import {
  addInput,
  closeBatch,
  deposit,
  found,
  foundWithUsers,
  GENESIS_BLOCK,
  observe,
  submitMany,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";

function page(rig: Rig, query: Partial<FeedQuery> = {}): FeedPage {
  const answer = rig.feed.page({ fromOffset: 0, limit: 256, era: null, ...query });
  return answer.ok ? answer.value : expect.unreachable(answer.error.message);
}

function refusal(rig: Rig, query: Partial<FeedQuery>): unknown {
  const answer = rig.feed.page({ fromOffset: 0, limit: 256, era: null, ...query });
  return answer.ok ? null : [answer.error.status, answer.error.code];
}

function parsed(text: string): FeedRecord {
  const record = parseRecord(text);
  return record.ok ? record.value : expect.unreachable(record.error);
}

const offsetsOf = (one: FeedPage): readonly number[] =>
  one.records.map((text) => parsed(text).offset);

/** Three batches with one op each over one deposit: offsets 1 to 4, batch 2 open. */
async function threeBatches(rig: Rig): Promise<void> {
  foundWithUsers(rig, 1);
  for (let i = 0; i < 3; i++) {
    if (i > 0) closeBatch(rig);
    await submitMany(rig, 0, i, 1);
  }
}

describe("a page", () => {
  test("[F1] starts after the cursor, and the cursor of the next is its last offset", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      await submitMany(rig, 0, 0, 5);
      expect(offsetsOf(page(rig))).toEqual([1, 2, 3, 4, 5, 6, 7]);
      const first = page(rig, { fromOffset: 2, limit: 3 });
      expect([offsetsOf(first), first.next_offset, first.head]).toEqual([[3, 4, 5], 5, 7]);
      const last = page(rig, { fromOffset: first.next_offset, limit: 3 });
      expect([offsetsOf(last), last.next_offset]).toEqual([[6, 7], 7]);
      const level = page(rig, { fromOffset: 7 });
      expect([level.records, level.next_offset]).toEqual([[], 7]);
    }));

  test("[F2] shows what was published, byte for byte", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      await submitMany(rig, 0, 0, 3);
      deposit(rig, user(1), 4n, GENESIS_BLOCK + 1);
      observe(rig, GENESIS_BLOCK + 6);
      rig.lane.advance();
      await submitMany(rig, 1, 0, 2);
      expect(page(rig).records).toEqual(rig.published.map(formatRecord));
      expect(page(rig.wake()).records).toEqual(rig.published.map(formatRecord));
    }));

  test("[F7] names the era, the generation and where history starts", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const { era, records, ...rest } = page(rig);
      expect(era).toBe(formatEra(rig.live().era));
      expect(records).toHaveLength(1);
      expect(rest).toEqual({ generation: 0, available_from: 0, head: 1, next_offset: 1 });
    }));

  test("[F7] is at most 1 MiB of text, but always one record", () =>
    withRig((rig) => {
      const payload = new Uint8Array(65_216).fill(1);
      for (let i = 0; i < 20; i++) addInput(rig, user(i), payload, 5);
      found(rig);
      const first = page(rig, { limit: 1_000 });
      const bytes = first.records.join(",").length;
      expect(first.records).toHaveLength(8);
      expect(bytes).toBeLessThanOrEqual(1024 * 1024);
      expect(bytes + (first.records[0]?.length ?? 0)).toBeGreaterThan(1024 * 1024);
      expect(page(rig, { fromOffset: 19, limit: 1 }).records).toHaveLength(1);
      expect(page(rig, { limit: 1_000, fromOffset: first.next_offset }).records).toHaveLength(8);
    }));

  test("[F7] holds as many as asked for, across the reads that it is made of", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 300);
      for (const limit of [1, 127, 128, 129, 255, 256, 257, 301, 1_000]) {
        const offsets = offsetsOf(page(rig, { limit }));
        expect(offsets).toEqual(Array.from({ length: Math.min(limit, 301) }, (_, i) => i + 1));
      }
    }));
});

describe("[F5] a cursor that cannot be resumed", () => {
  test("beyond the head, and the head itself can", () =>
    withRig((rig) => {
      foundWithUsers(rig, 2);
      expect(refusal(rig, { fromOffset: 2 })).toBeNull();
      expect(refusal(rig, { fromOffset: 3 })).toEqual([409, "AHEAD_OF_HEAD"]);
    }));

  test("of another era, whatever its offset", () =>
    withRig((rig) => {
      foundWithUsers(rig, 2);
      const era = formatEra(rig.live().era);
      expect(refusal(rig, { era })).toBeNull();
      expect(refusal(rig, { era: era.toUpperCase() })).toBeNull();
      const other = `${era.slice(0, -1)}${era.endsWith("0") ? "1" : "0"}`;
      for (const fromOffset of [0, 2, 3]) {
        expect(refusal(rig, { era: other, fromOffset })).toEqual([409, "ERA_CHANGED"]);
      }
    }));
});

describe("[F3] after a rollback", () => {
  test("a replay leaves out what is void and shows the rollback and the direct inputs again", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      deposit(rig, user(1), 3n, GENESIS_BLOCK + 1);
      observe(rig, GENESIS_BLOCK + 5);
      rig.lane.advance();
      await submitMany(rig, 0, 3, 1);
      expect(offsetsOf(page(rig))).toEqual([1, 2, 3, 4, 5, 6]);
      cascade(rig, 1);
      const records = page(rig).records.map(parsed);
      expect(records.map((record) => [record.kind, record.offset])).toEqual([
        ["direct_input", 1],
        ["user_op", 2],
        ["rollback", 7],
        ["direct_input", 8],
      ]);
      expect(records[2]).toEqual({ kind: "rollback", offset: 7, keepThrough: 2, generation: 1 });
      expect(page(rig)).toMatchObject({ generation: 1, head: 8 });
    }));

  test("a cursor inside the void range resumes with the rollback", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      cascade(rig, 1);
      for (const fromOffset of [2, 3, 4]) {
        expect(offsetsOf(page(rig, { fromOffset }))).toEqual([5]);
      }
      expect(offsetsOf(page(rig, { fromOffset: 5 }))).toEqual([]);
    }));

  test("from any cursor, and after several deeper ones, a client ends with the valid records", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      // What a client had read when it stopped at each offset, rollback by rollback.
      const stopped: { readonly at: number; readonly held: readonly FeedRecord[] }[] = [];
      const stopEverywhere = () => {
        const all = recordsAfter(rig.sql, offset(0), 1_000);
        for (let n = 0; n <= all.length; n++) {
          const held = all.slice(0, n).reduce(foldRecord, [] as readonly FeedRecord[]);
          stopped.push({ at: all[n - 1]?.offset ?? 0, held });
        }
      };
      stopEverywhere();
      cascade(rig, 2);
      await submitMany(rig, 0, 2, 1);
      stopEverywhere();
      cascade(rig, 1);
      await submitMany(rig, 0, 1, 2);
      stopEverywhere();
      cascade(rig, 0);
      await submitMany(rig, 0, 0, 2);
      const valid = recordsAfter(rig.sql, offset(0), 1_000).filter(
        (record) => record.kind !== "rollback",
      );
      expect(stopped.length).toBeGreaterThan(12);
      for (const { at, held } of stopped) {
        const rest = recordsAfter(rig.sql, offset(at), 1_000);
        expect(rest.reduce(foldRecord, held)).toEqual(valid);
      }
    }));

  test("[F1] offsets are never given again", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      cascade(rig, 0);
      const woken = rig.wake();
      const [outcome] = await submitMany(woken, 0, 0, 1);
      expect(outcome).toMatchObject({ ok: true, value: { offset: 7 } });
    }));

  test("[N5] the state is that of the valid records, also when it wakes from a snapshot", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      const balances = rig.live().state.nextNonce(user(0));
      cascade(rig, 1);
      expect([balances, rig.live().state.nextNonce(user(0))]).toEqual([3, 1]);
      expect(rig.live().state.progress().executedInputCount).toBe(2);
    }));
});
