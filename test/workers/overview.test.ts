/** What an overview says of scenes whose every number is known: batches, pipeline, counters, modes (I6, I7). */

import { describe, expect, test } from "vitest";
import type { OverviewBody } from "../../src/core/api/overview.ts";
import { LATENCY_BOUNDS_MS, OVERVIEW_BATCHES_MAX } from "../../src/core/api/overview.ts";
import { Histogram } from "../../src/durable-objects/sequencer/counters.ts";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { overviewOf } from "../../src/durable-objects/sequencer/overview.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { cascade } from "./support/cascade.ts";
import { SUBMITTER_KEY } from "./support/chain.ts";
import {
  closeBatch,
  foundWithUsers,
  GENESIS_BLOCK,
  land,
  submitMany,
  transfer,
} from "./support/history.ts";
import { settle, withChain } from "./support/l1-rig.ts";
import { type Rig, START_MS, withRig } from "./support/rig.ts";
import { threeBatches } from "./support/rollback.ts";

const look = (rig: Rig): OverviewBody => overviewOf({ ...rig, member: null });

const batches = (rig: Rig) =>
  look(rig).batches.map(({ nonce, state, frames, ops }) => [nonce, state, frames, ops]);

/** A node took a transaction with the batch. */
function post(rig: Rig, batchIndex: number): string {
  rig.sql.exec(
    `INSERT INTO wallet_nonce_watermark VALUES (0, ?1)
     ON CONFLICT (singleton) DO UPDATE SET watermark = ?1`,
    100 + batchIndex,
  );
  rig.sql.exec(
    `INSERT INTO submissions (wallet_nonce, batch_index, payload_hash, tx_hash, max_fee_wei,
       priority_fee_wei, gas, created_at_ms, deadline_ms, broadcast_at_ms)
     SELECT ?1, ?2, payload_hash, ?3, 1, 1, 21000, 1, 1, 1 FROM batches WHERE batch_index = ?2`,
    100 + batchIndex,
    batchIndex,
    new Uint8Array(32).fill(0xb0 + batchIndex),
  );
  return `0x${(0xb0 + batchIndex).toString(16).repeat(32)}`;
}

describe("[I6] GET /overview of an object", () => {
  test("before the genesis knows little, and says so", () =>
    withRig((rig) => {
      expect(look(rig)).toMatchObject({
        ...{ now_ms: START_MS, since_ms: START_MS, heartbeat_age_s: null, feed_readers: 0 },
        health: { mode: "starting", feed_head: null },
        ...{ deployment: null, pipeline: null, batches: [], fee: null, members: [], epochs: [] },
        submitter: { balance_wei: null, balance_age_s: null },
      });
    }));

  test("shows deployment, fee, sizes and limits", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      rig.recovery.synced();
      const body = look(rig);
      expect(body).toMatchObject({
        health: { mode: "serving", status: "ok" },
        deployment: { era: "07070707-0707-4707-8707-070707070707" },
        ...{ seconds_per_block: 12, danger_blocks: 900 },
        fee: { fee: 1_060, recommended_fee: 1_060 },
      });
      expect(body.database_bytes).toBeGreaterThan(10_000);
      expect(body.submitter.address).toMatch(/^0x[0-9a-fA-F]{40}$/);
    }));

  test("each batch is where it is: open, closed, posted, accepted", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      await submitMany(rig, 0, 4, 3);
      closeBatch(rig);
      expect(batches(rig)).toEqual([
        [3, "open", 1, 0],
        [2, "closed", 1, 4],
        [1, "closed", 2, 2],
        [0, "accepted", 1, 2],
      ]);
      const hash = post(rig, 1);
      expect(look(rig).batches.slice(2)).toMatchObject([
        { nonce: 1, state: "posted", tx_hash: hash, block_number: null },
        { nonce: 0, state: "accepted", block_number: GENESIS_BLOCK + 2 },
      ]);
      const [open, closed] = look(rig).batches;
      expect(open).toMatchObject({ closed_at_ms: null, payload_bytes: null, tx_hash: null });
      expect(closed).toMatchObject({ opened_at_ms: expect.any(Number), closed_at_ms: rig.nowMs });
      expect(closed?.payload_bytes).toBeGreaterThan(4 * 65);
    }));

  test("[F3] a void batch stays in view, void whatever L1 was sent of it", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      const hash = post(rig, 1);
      cascade(rig, 1);
      expect(batches(rig)).toEqual([
        [1, "open", 1, 0],
        [2, "voided", 1, 1],
        [1, "voided", 2, 2],
        [0, "accepted", 1, 2],
      ]);
      expect(look(rig).batches[2]).toMatchObject({ tx_hash: hash });
    }));

  test("only the newest batches are shown, newest first", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      for (let i = 0; i < OVERVIEW_BATCHES_MAX + 3; i++) closeBatch(rig);
      const shown = look(rig).batches.map(({ nonce }) => nonce);
      expect(shown).toHaveLength(OVERVIEW_BATCHES_MAX);
      expect([shown[0], shown.at(-1)]).toEqual([23, 4]);
    }));
});

describe("the pipeline", () => {
  test("says how far the order has come, stage by stage", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      expect(look(rig).pipeline).toEqual(at(2, 0, 0, 0));
      await submitMany(rig, 0, 0, 2);
      closeBatch(rig);
      expect(look(rig).pipeline).toEqual(at(4, 4, 0, 0));
      await submitMany(rig, 0, 2, 3);
      closeBatch(rig);
      await submitMany(rig, 0, 5, 1);
      expect(look(rig).pipeline).toEqual(at(8, 7, 0, 0));
      post(rig, 0);
      expect(look(rig).pipeline).toEqual(at(8, 7, 4, 0));
      post(rig, 1);
      land(rig, 0, GENESIS_BLOCK + 2);
      expect(look(rig).pipeline).toEqual(at(8, 7, 7, 4));
    }));

  test("empty batches hold nothing back", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 1);
      closeBatch(rig);
      land(rig, 0, GENESIS_BLOCK + 2);
      expect(look(rig).pipeline).toEqual(at(2, 2, 2, 2));
      closeBatch(rig);
      closeBatch(rig);
      expect(look(rig).pipeline).toEqual(at(2, 2, 2, 2));
    }));

  test("nothing waits for what is void, also behind several rollbacks", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 1);
      closeBatch(rig);
      land(rig, 0, GENESIS_BLOCK + 2);
      await submitMany(rig, 0, 1, 5);
      cascade(rig, 1);
      expect(look(rig).pipeline).toEqual(at(8, 8, 8, 8));
      await submitMany(rig, 0, 1, 2);
      expect(look(rig).pipeline).toEqual(at(10, 8, 8, 8));
      closeBatch(rig);
      expect(look(rig).pipeline).toEqual(at(10, 10, 8, 8));
      post(rig, 2);
      cascade(rig, 2);
      await submitMany(rig, 0, 1, 1);
      // Batch 2 was posted and is void; all that is valid before it is accepted.
      expect(look(rig).pipeline).toEqual(at(12, 11, 11, 11));
    }));

  test("a kept batch between two rollbacks is waited for", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 1);
      closeBatch(rig);
      land(rig, 0, GENESIS_BLOCK + 2);
      cascade(rig, 1);
      await submitMany(rig, 0, 1, 1);
      closeBatch(rig);
      await submitMany(rig, 0, 2, 1);
      cascade(rig, 3);
      // Offset 3 is the first rollback, 4 the kept op, 5 a void one, 6 the second rollback.
      expect(look(rig).pipeline).toEqual(at(6, 6, 3, 3));
    }));
});

const at = (ordered: number, closed: number, posted: number, settled: number) => ({
  ...{ ordered, certified: null, closed, posted, settled },
});

describe("counters of a life", () => {
  test("ops are counted once each, by what became of them", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      const counters = () => look(rig).counters;
      expect(counters()).toMatchObject({ directs: 2, ops_included: 0, ops_duplicate: 0 });
      const same = transfer(0, 0);
      // A group with an op, the same op again, another one at its nonce, and one that is early.
      await Promise.all(
        [same, same, transfer(0, 0, 9n), transfer(1, 5)].map((op) => rig.lane.submit(op)),
      );
      await rig.lane.submit(same);
      rig.mode = "recovering";
      await rig.lane.submit(transfer(0, 1));
      expect(counters()).toMatchObject({
        ...{ ops_included: 1, ops_duplicate: 2 },
        ops_rejected: { EXECUTION_REJECTED: 2, UNAVAILABLE: 1 },
      });
    }));

  test("[F3] a rollback counts, with the ops it voids and the directs that it drains again", () =>
    withRig(async (rig) => {
      await threeBatches(rig);
      expect(look(rig).counters).toMatchObject({ rollbacks: 0, ops_voided: 0, directs: 3 });
      cascade(rig, 1);
      expect(look(rig).counters).toMatchObject({ rollbacks: 1, ops_voided: 3, directs: 4 });
      await submitMany(rig, 0, 2, 4);
      cascade(rig, 3);
      // What was void before is not voided again.
      expect(look(rig).counters).toMatchObject({ rollbacks: 2, ops_voided: 7, directs: 5 });
    }));

  test("commits are timed from each op's arrival", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const first = rig.lane.submit(transfer(0, 0));
      rig.nowMs += 3;
      const second = rig.lane.submit(transfer(0, 1));
      rig.nowMs += 2;
      await Promise.all([first, second]);
      const { counts, sum_ms } = look(rig).counters.commit;
      expect(sum_ms).toBe(7);
      expect(counts.flatMap((n, i) => (n > 0 ? [[LATENCY_BOUNDS_MS[i], n]] : []))).toEqual([
        [2, 1],
        [5, 1],
      ]);
    }));

  test("a duration on a bound belongs to it, one beyond the last to the infinite bucket", () => {
    const histogram = new Histogram();
    for (const ms of [0, 1, 2, 5_000, 5_001]) histogram.observe(ms);
    histogram.observe(-4, 2);
    const { counts, sum_ms } = histogram.body();
    expect(counts).toEqual([4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(sum_ms).toBe(10_004);
  });
});

describe("duties", () => {
  const duties = (rig: Rig) => new Duties({ ...rig, submitter: createSubmitter(SUBMITTER_KEY) });

  test("a tick reads the balance once a minute, and keeps it when it cannot", () =>
    withChain(async (rig, chain) => {
      const asked = async () =>
        (await chain.requests()).filter(({ method }) => method === "eth_getBalance").length;
      const before = await asked();
      const known = () => look(rig).submitter;
      const ticking = duties(rig);
      await ticking.tick();
      await expect.poll(() => known().balance_wei).not.toBeNull();
      const { balance_wei } = known();
      expect(BigInt(balance_wei ?? "0")).toBeGreaterThan(10n ** 18n);
      rig.nowMs += 59_999;
      await ticking.tick();
      expect(await asked()).toBe(before + 1);
      await chain.fail([
        { method: "eth_getBalance", fault: { kind: "http", status: 503, body: "" } },
      ]);
      rig.nowMs += 1;
      await ticking.tick();
      await expect.poll(asked).toBe(1);
      expect(known()).toMatchObject({ balance_wei, balance_age_s: 60 });
    }));

  test("a batch counts as posted once, however often it is sent, and a fault of L1 counts", () =>
    withChain(async (rig, chain) => {
      await submitMany(rig, 0, 0, 2);
      closeBatch(rig);
      const ticking = duties(rig);
      await ticking.tick();
      expect(look(rig).counters).toMatchObject({ batches_posted: 1, l1_errors: 0 });
      expect(look(rig).batches[1]).toMatchObject({ state: "posted", tx_hash: expect.any(String) });
      await settle(rig, chain);
      rig.nowMs += 60_000;
      await ticking.tick();
      expect(look(rig).counters).toMatchObject({ batches_posted: 1 });
      expect(look(rig).batches[1]).toMatchObject({ state: "accepted" });
      await chain.fail([{ method: "eth_chainId", fault: { kind: "http", status: 503, body: "" } }]);
      rig.nowMs += 60_000;
      await ticking.tick();
      expect(look(rig).counters.l1_errors).toBeGreaterThan(0);
      expect(look(rig).pipeline?.settled).toBe(5);
    }));
});
