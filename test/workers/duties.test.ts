/** The alarm of a whole object on a real L1: from an op to its settlement, and through faults (L4). */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import type { FaultRule } from "../support/chain-rules.ts";
import { startChain } from "./support/chain.ts";
import { transfer, user } from "./support/history.ts";
import { freshObject } from "./support/rig.ts";
import { configure, type Serving, serve, tickUntil } from "./support/serving.ts";

/** Batches close at once and the submitter asks often. */
const EAGER = {
  SEQ_BATCH_LINGER_SECONDS: "0",
  SEQ_SNAPSHOT_SECONDS: "1",
  SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "50",
  SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH: "0",
};

const METHODS = ["eth_chainId", "eth_call", "eth_getBlockByNumber", "eth_getLogs"];

const every = (fault: FaultRule["fault"]): readonly FaultRule[] =>
  METHODS.map((method) => ({ method, fault }));

const DOWN = every({ kind: "http", status: 503, body: "" });

async function stateOf({ object }: Serving, nonce: number): Promise<string> {
  const answer = await object.transaction(user(0), nonce);
  return answer.ok ? answer.value.state : answer.error.code;
}

const alarmOf = (object: Serving["object"]) =>
  runInDurableObject(object, (_object, state) => state.storage.getAlarm());

describe("an op", () => {
  test("[I6] is ordered, posted and settled, and its state is then final on L1", async () => {
    const serving = await serve(EAGER);
    const { object, chain } = serving;
    expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true });
    expect(await stateOf(serving, 0)).toBe("ordered");
    await serving.tickUntil(async () => (await stateOf(serving, 0)) === "posted");
    await serving.tickUntil(async () => {
      await chain.mine(1);
      return (await stateOf(serving, 0)) === "settled";
    });
    const health = await object.health();
    expect(health).toMatchObject({ status: "ok", mode: "serving", unposted_batches: 0 });
    const requests = await chain.requests();
    const sends = requests.filter(({ method }) => method === "eth_sendRawTransaction");
    const batches = await serving.sql((sql) =>
      sql.exec("SELECT COUNT(*) AS n FROM submissions").one(),
    );
    expect(sends.length).toBe(batches["n"]);
  });

  test("[V2] is in the finalized state once a snapshot of its batch or a later one settled", async () => {
    const serving = await serve(EAGER);
    const { object, chain } = serving;
    let nonce = 0;
    const place = async () => {
      const finalized = await object.finalized();
      return finalized.ok ? finalized.value.l2_tx_index : expect.unreachable("genesis is final");
    };
    await serving.tickUntil(async () => {
      await object.submit(transfer(0, nonce++));
      await chain.mine(1);
      return (await place()) > 4;
    });
    // Four deposits and one op are five inputs at offset 5, and so on: nothing was voided here.
    expect(await object.finalizedDigest()).toMatchObject({
      ok: true,
      value: { executed_input_count: await place() },
    });
  });
});

describe("[L1] endpoints", () => {
  test("of a list: the next tick asks the next one", async () => {
    const [down, up] = [await startChain(), await startChain()];
    await down.fail(DOWN);
    await up.mine(2);
    const object = freshObject();
    const vars = { ...up.vars, SEQ_ETH_RPC_URL: `${down.proxyUrl},${up.proxyUrl}` };
    await configure(vars, () => object.health());
    await tickUntil(object, async () => (await object.health()).mode === "serving");
    expect((await down.requests()).length).toBeGreaterThan(0);
  });

  test("of another chain: nothing is pinned, nothing is served, nothing is known", async () => {
    const chain = await startChain();
    await chain.mine(2);
    await chain.fail([{ method: "eth_chainId", fault: { kind: "result", result: "0x1" } }]);
    const object = freshObject();
    await configure(chain.vars, () => object.health());
    await tickUntil(object, async () => (await chain.requests()).length >= 2);
    expect(await object.health()).toMatchObject({
      mode: "starting",
      safe_block: null,
      feed_head: null,
      unposted_batches: null,
    });
    expect(await object.deployment()).toMatchObject({ ok: false, error: { status: 503 } });
    expect(await object.submit(transfer(0, 0))).toMatchObject({
      ok: false,
      error: { status: 503, message: "sequencer starting" },
    });
  });
});

describe("faults", () => {
  test("[L4] a tick over a broken L1 does not throw, and sets its alarm again", async () => {
    const { object, chain, sql } = await serve();
    const before = await sql((db) => db.exec("SELECT * FROM l1_safe_head").toArray());
    await chain.fail(DOWN);
    await chain.mine(3);
    for (let i = 0; i < 3; i++) {
      await runDurableObjectAlarm(object);
      // That alarm may be due already: the tick that it brought about sets the next one when it ends.
      await vi.waitFor(async () => expect(await alarmOf(object)).not.toBeNull(), 20_000);
    }
    const after = await sql((db) => db.exec("SELECT * FROM l1_safe_head").toArray());
    expect(after).toEqual(before);
    expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true });
  });

  test("[R3] an object that wakes while L1 is silent goes on from what it has stored", async () => {
    const serving = await serve();
    await serving.chain.fail(DOWN);
    await serving.wake();
    expect(await serving.object.submit(transfer(0, 0))).toMatchObject({
      ok: true,
      value: { offset: 5 },
    });
  });

  test("[L4] the heartbeat leaves an alarm that is soon due", async () => {
    const { object } = await serve();
    const later = Date.now() + 40_000;
    // A tick that is under way sets the alarm once more when it ends.
    await tickUntil(object, async () => {
      await runInDurableObject(object, (_object, state) => state.storage.setAlarm(later));
      await object.heartbeat();
      return (await alarmOf(object)) === later;
    });
  });

  test("[L4] the heartbeat sets a lost alarm again, and one that a clock left far ahead", async () => {
    const { object } = await serve();
    await runInDurableObject(object, (_object, state) => state.storage.deleteAlarm());
    await object.heartbeat();
    // While the tick that it brought about runs, no alarm is set; without it none ever will be.
    while ((await alarmOf(object)) === null) await object.health();
    await tickUntil(object, async () => {
      const far = Date.now() + 3_600_000;
      await runInDurableObject(object, (_object, state) => state.storage.setAlarm(far));
      await object.heartbeat();
      const alarm = await alarmOf(object);
      return alarm !== null && alarm < far;
    });
  });
});
