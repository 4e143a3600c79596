/** Retention on a small database: what is deleted, in which pages, and what still works after it (F8). */

import { describe, expect, test } from "vitest";
import { decodeEvents } from "../../src/core/chunk/event.ts";
import { offset } from "../../src/core/types/units.ts";
import { retain } from "../../src/durable-objects/sequencer/retain.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { requireHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { cascade } from "./support/cascade.ts";
import {
  addInput,
  closeBatch,
  count,
  found,
  foundWithUsers,
  GENESIS_BLOCK,
  land,
  observe,
  submitMany,
  transfer,
  user,
} from "./support/history.ts";
import { type Rig, type RigOptions, withRig } from "./support/rig.ts";

const DAY_MS = 86_400_000;
/** Always too large: what may be deleted, is. */
const FULL: RigOptions = { vars: { SEQ_RETENTION_BYTES: "1" } };

const availableFrom = (rig: Rig): number => requireHistory(rig.sql).availableFrom;
const offsets = (rig: Rig, from: number): readonly number[] =>
  recordsAfter(rig.sql, offset(from), 10_000).map((record) => record.offset);

const maximum = (rig: Rig, query: string): number =>
  rig.sql.exec<{ n: number | null }>(`SELECT (${query}) AS n`).one().n ?? 0;

/** Seals `batches` of `ops` ops, one chunk each, all snapshotted. */
async function sealBatches(rig: Rig, batches: number, ops: number): Promise<void> {
  for (let i = 0; i < batches; i++) {
    const nonce = rig.live().state.nextNonce(user(0));
    for (let k = 0; k < ops; k++) await submitMany(rig, 0, nonce + k, 1);
    closeBatch(rig);
  }
}

function drain(rig: Rig): number {
  let pages = 0;
  while (retain(rig.runtime)) pages += 1;
  return pages;
}

describe("[F8] what may be deleted", () => {
  test("nothing while no batch is accepted, however large and old", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 3, 5);
      rig.nowMs += 100 * DAY_MS;
      expect([drain(rig), availableFrom(rig)]).toEqual([0, 0]);
    }, FULL));

  test("all up to the chunk of the newest accepted snapshot, and nothing beyond it", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 4, 5);
      land(rig, 0, 104);
      land(rig, 1, 105);
      const accepted = maximum(rig, "SELECT l2_tx_index FROM snapshots WHERE batch_index = 1");
      expect(drain(rig)).toBeGreaterThan(0);
      expect(availableFrom(rig)).toBe(accepted - 1);
      expect(offsets(rig, 0)[0]).toBe(accepted);
      expect(maximum(rig, "SELECT COUNT(*) FROM user_ops WHERE batch_index < 2")).toBe(1);
      expect(maximum(rig, "SELECT COUNT(*) FROM user_ops WHERE batch_index = 2")).toBe(5);
      expect(maximum(rig, "SELECT MIN(next_offset) FROM chunks")).toBeGreaterThan(accepted - 1);
    }, FULL));

  test("a page is at most 16 chunks", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 1, 40);
      land(rig, 0, 104);
      const before = count(rig, "chunks");
      const left: number[] = [];
      while (retain(rig.runtime)) left.push(before - count(rig, "chunks"));
      expect(left).toEqual([16, 32, before - count(rig, "chunks")]);
      expect(availableFrom(rig)).toBe(40);
    }, FULL));

  test("by age: what is older than the days kept, not a millisecond younger", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        await sealBatches(rig, 1, 2);
        const sealedAt = rig.nowMs;
        rig.nowMs += 1_000;
        await sealBatches(rig, 1, 2);
        land(rig, 0, 104);
        land(rig, 1, 105);
        rig.nowMs = sealedAt + 1_000 + 2 * DAY_MS;
        drain(rig);
        expect(availableFrom(rig)).toBe(3);
        rig.nowMs += 1;
        drain(rig);
        expect(availableFrom(rig)).toBe(4);
      },
      { vars: { SEQ_RETENTION_DAYS: "2" } },
    ));

  test("by size: only until the database fits", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const payload = new Uint8Array(60_000).fill(1);
      for (let i = 0; i < 30; i++) {
        for (let k = 0; k < 4; k++) addInput(rig, user(1), payload, 101 + 5 * i);
        observe(rig, 105 + 5 * i);
        rig.lane.advance();
      }
      closeBatch(rig);
      land(rig, 0, 300);
      const before = rig.sql.databaseSize;
      const bound = Math.floor(before * 0.6);
      const small = rig.wake({ vars: { SEQ_RETENTION_BYTES: String(bound) } });
      expect(drain(small)).toBeGreaterThan(0);
      expect(rig.sql.databaseSize).toBeLessThanOrEqual(bound);
      expect(availableFrom(rig)).toBeLessThan(121);
      expect(count(rig, "chunks")).toBeGreaterThan(2);
    }));
});

/** Kinds and places of the events that the stored chunks still hold. */
const logged = (rig: Rig): readonly string[] =>
  rig.sql
    .exec<{ events: ArrayBuffer }>("SELECT events FROM chunks ORDER BY height")
    .toArray()
    .flatMap(({ events }) => {
      const decoded = decodeEvents(new Uint8Array(events));
      return decoded.ok ? decoded.value : expect.unreachable("a stored chunk decodes");
    })
    .map((event) => ("batchNonce" in event ? `${event.kind} ${event.batchNonce}` : event.kind));

describe("[C1] the log", () => {
  test("of what is not accepted stays whole, from the seal that carries the snapshot on", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 4, 2);
      land(rig, 0, 104);
      land(rig, 1, 105);
      const before = logged(rig);
      expect(drain(rig)).toBeGreaterThan(0);
      const after = logged(rig);
      expect(after).toEqual(before.slice(-after.length));
      expect(after.slice(after.indexOf("seal 1"))).toEqual(before.slice(before.indexOf("seal 1")));
      expect(after).toContain("seal 1");
      expect(after).not.toContain("seal 0");
    }, FULL));

  test("of a history without a record stays, however old, while nothing is accepted", () =>
    withRig((rig) => {
      found(rig);
      for (const block of [105, 110, 115]) {
        observe(rig, block);
        rig.lane.advance();
      }
      rig.nowMs += 100 * DAY_MS;
      expect([drain(rig), logged(rig)]).toEqual([0, Array(4).fill("frame 0")]);
    }, FULL));

  test("does not lose what is younger, behind what is old and has the last record", () =>
    withRig(
      async (rig) => {
        foundWithUsers(rig, 1);
        await sealBatches(rig, 1, 2);
        const sealedAt = rig.nowMs;
        rig.nowMs += DAY_MS;
        observe(rig, 105);
        rig.lane.advance();
        await sealBatches(rig, 1, 1);
        for (const nonce of [0, 1, 2]) land(rig, nonce, 104 + nonce);
        rig.nowMs = sealedAt + 2 * DAY_MS + 1;
        expect([drain(rig), availableFrom(rig)]).toEqual([1, 3]);
        expect(logged(rig).slice(0, 3)).toEqual(["frame 1", "seal 1", "frame 2"]);
      },
      { vars: { SEQ_RETENTION_DAYS: "2" } },
    ));
});

describe("[F8] after it", () => {
  test("the object wakes up as it was, and goes on", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 3, 4);
      await submitMany(rig, 0, 12, 3);
      land(rig, 0, 104);
      land(rig, 1, 104);
      const before = rig.live();
      drain(rig);
      const woken = rig.wake();
      const { state, ...rest } = woken.live();
      const { state: was, ...expected } = before;
      expect(rest).toEqual(expected);
      expect(state.snapshot()).toEqual(was.snapshot());
      const [outcome] = await submitMany(woken, 0, 15, 1);
      expect(outcome).toMatchObject({ ok: true, value: { offset: 17, batchNonce: 3 } });
    }, FULL));

  test("a feed from below available_from is refused, from it there is no gap", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 2, 4);
      land(rig, 0, 104);
      drain(rig);
      const from = availableFrom(rig);
      const page = (fromOffset: number) => rig.feed.page({ fromOffset, limit: 100, era: null });
      for (const below of [0, from - 1]) {
        expect(page(below)).toMatchObject({
          ok: false,
          error: { status: 409, code: "HISTORY_UNAVAILABLE" },
        });
      }
      expect(page(from)).toMatchObject({ ok: true, value: { available_from: from, head: 9 } });
      expect(offsets(rig, from)).toEqual([5, 6, 7, 8, 9]);
      const query = { fromOffset: from - 1, era: null, isBatched: false };
      expect(rig.feed.subscribe(query)).toMatchObject({ error: { code: "HISTORY_UNAVAILABLE" } });
    }, FULL));

  test("an op that was deleted is not found, and its nonce stays used", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 1, 4);
      land(rig, 0, 104);
      drain(rig);
      expect(await rig.lane.submit(transfer(0, 0))).toMatchObject({
        ok: false,
        error: { message: "bad nonce: expected 4, got 0" },
      });
    }, FULL));

  test("a direct input that is drained again beyond the page keeps its payload", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await sealBatches(rig, 1, 1);
      // Offset 3 drains the input, a rollback voids it, offset 5 drains it again.
      addInput(rig, user(1), Uint8Array.of(9, 9), GENESIS_BLOCK + 2);
      observe(rig, GENESIS_BLOCK + 5);
      rig.lane.advance();
      cascade(rig, 1);
      expect(offsets(rig, 0)).toEqual([1, 2, 4, 5]);
      land(rig, 0, 106);
      closeBatch(rig);
      await sealBatches(rig, 1, 2);
      land(rig, 1, 107);
      retainThrough(rig, 3);
      expect(recordsAfter(rig.sql, offset(3), 10)).toMatchObject([
        { kind: "rollback", offset: 4 },
        { kind: "direct_input", offset: 5, payload: Uint8Array.of(9, 9) },
        { kind: "user_op" },
        { kind: "user_op" },
      ]);
      expect(() => rig.wake().live()).not.toThrow();
    }));
});

/** Retention by size that is content as soon as `through` is deleted. */
function retainThrough(rig: Rig, through: number): void {
  const sizes = {
    get databaseSize() {
      return availableFrom(rig) >= through ? 0 : Number.MAX_SAFE_INTEGER;
    },
    exec: (query: string, ...bindings: unknown[]) =>
      // One chunk a page.
      rig.sql.exec(
        query.replace("ORDER BY height LIMIT ?", "ORDER BY height LIMIT ? * 0 + 1"),
        ...bindings,
      ),
  } as SqlStorage;
  while (retain({ ...rig.runtime, sql: sizes }));
  expect(availableFrom(rig)).toBe(through);
}

describe("[F8] intake", () => {
  test("closes with 503 beyond its bound, and opens again below it", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const at = (bytes: number) => {
        const vars = { SEQ_RETENTION_BYTES: "1", SEQ_INTAKE_BYTES_MAX: String(bytes) };
        const woken = rig.wake({ vars });
        woken.recovery.synced();
        return [woken.service.derive(), woken.service.refusal];
      };
      const { databaseSize } = rig.sql;
      expect(at(databaseSize)).toEqual(["serving", null]);
      expect(at(databaseSize - 1)).toEqual(["refused", "storage-full"]);
      expect(at(databaseSize + 1)).toEqual(["serving", null]);
    }));
});
