/** Whole relay objects behind the Worker, on a real sequencer: trees, eviction, and upstreams that die. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { startChain } from "./support/chain.ts";
import { transfer, user } from "./support/history.ts";
import { type Reader, read } from "./support/reader.ts";
import { until } from "./support/relay.ts";
import { tickUntil } from "./support/serving.ts";

const ORIGIN = "https://sequencer.test";
let app = "";
let nonce = 0;

const sequencer = () => env.SEQUENCER.getByName(app);
const relay = (name: string) => env.RELAY.getByName(`${app}:relay:${name}`);
const get = (path: string, headers = {}) =>
  exports.default.fetch(new Request(ORIGIN + path, { headers }));

const upgrade = (query: string, key?: string) =>
  get(`/ws/subscribe?${query}`, {
    upgrade: "websocket",
    ...(key === undefined ? {} : { "sec-websocket-key": key }),
  });

async function subscribe(query: string, key?: string): Promise<Reader> {
  const response = await upgrade(query, key);
  expect(response.status).toBe(101);
  return read(response);
}

/** The offset of an op that was included now. */
async function order(): Promise<number> {
  const answer = await sequencer().submit(transfer(0, nonce++));
  return answer.ok ? answer.value.offset : expect.unreachable(answer.error.message);
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Once; a chain can only be waited for within a test. */
async function ready(): Promise<void> {
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  if (app !== "") return;
  const chain = await startChain();
  for (let i = 0; i < 4; i++) await chain.deposit(user(i), 10n ** 15n);
  await chain.mine(2);
  // The pool hands this one object to the Worker and to all objects, which read it when they are first used.
  Object.assign(env, chain.vars, { SEQ_RELAY_SHARDS: "3" });
  app = chain.rollups.app.toLowerCase();
  await tickUntil(sequencer(), async () => (await sequencer().health()).mode === "serving");
}

describe("the Worker with relays", () => {
  test("[X3] GET /ws/subscribe and GET /feed come from them, as from the sequencer", async () => {
    await ready();
    const last = await order();
    const reader = await subscribe("from_offset=2");
    await reader.until(() => reader.offsets().at(-1) === last);
    expect(reader.offsets()).toEqual(range(3, last));
    const page = await get("/feed?from_offset=1&limit=3");
    const direct = await sequencer().feedPage({ fromOffset: 1, limit: 3, era: null });
    if (!direct.ok) return expect.unreachable(direct.error.message);
    const { records, ...rest } = direct.value;
    const body: unknown = await page.json();
    expect(body).toEqual({ ...rest, records: records.map((text): unknown => JSON.parse(text)) });
  });

  test("[X3] a page holds an op that was just acknowledged", async () => {
    await ready();
    const reader = await subscribe("from_offset=0");
    for (let i = 0; i < 10; i++) {
      const at = await order();
      const page = await (await get(`/feed?from_offset=${at - 1}`)).json<{ next_offset: number }>();
      expect(page.next_offset).toBe(at);
    }
    reader.socket.close(1000);
  });

  test("[X3] refuses cursors like the sequencer, before the upgrade", async () => {
    await ready();
    const response = await upgrade("from_offset=999999");
    expect([response.status, response.headers.get("x-history-error")]).toEqual([
      409,
      "AHEAD_OF_HEAD",
    ]);
    const { era } = await (await get("/feed")).json<{ era: string }>();
    expect((await upgrade(`era=${era}`)).status).toBe(101);
    const other = await upgrade("era=00000000-0000-4000-8000-000000000000");
    expect([other.status, await other.json()]).toMatchObject([409, { code: "ERA_CHANGED" }]);
    expect((await get("/feed?from_offset=999999")).status).toBe(409);
    expect((await relay("local").fetch(`${ORIGIN}/ws/%73ubscribe`)).status).toBe(404);
  });

  test("[X3] takes more readers than a sequencer, over shards, for one of its places", async () => {
    await ready();
    const direct = read(
      await sequencer().fetch(`${ORIGIN}/ws/subscribe`, { headers: { upgrade: "websocket" } }),
    );
    const readers = await Promise.all(
      range(1, 70).map((i) => subscribe("from_offset=3", `key ${i}`)),
    );
    const last = await order();
    for (const reader of readers) await reader.until(() => reader.offsets().at(-1) === last);
    const served = await Promise.all(
      ["local:0", "local:1", "local:2", "local"].map((name) =>
        runInDurableObject(relay(name), (_object, state) => state.getWebSockets().length),
      ),
    );
    expect(served[3]).toBe(3);
    expect(served.slice(0, 3).every((count) => count > 0)).toBe(true);
    const own = await runInDurableObject(
      sequencer(),
      (_object, state) => state.getWebSockets().length,
    );
    expect(own).toBe(2);
    for (const reader of [direct, ...readers]) reader.socket.close(1000);
  });
});

/** A client that resumes by offset whenever its socket ends, at the relay that `at` names then. */
function follow(at: () => string, from: number, query = "") {
  const before: number[] = [];
  let reader: Reader | null = null;
  const offsets = () => [...before, ...(reader?.offsets() ?? [])];
  const resume = async () => {
    if (reader !== null && reader.closed === null) return;
    if (reader !== null) before.push(...reader.offsets());
    reader = null;
    const cursor = before.at(-1) ?? from;
    const url = `${ORIGIN}/ws/subscribe?from_offset=${cursor}${query}`;
    try {
      const response = await relay(at()).fetch(url, { headers: { upgrade: "websocket" } });
      if (response.status === 101) reader = read(response);
    } catch {
      // The relay dies just now; the next attempt meets the next one.
    }
  };
  const reaches = (last: number) =>
    until(async () => {
      await resume();
      return offsets().at(-1) === last;
    });
  return { offsets, resume, reaches };
}

/** At once, with its memory and its sockets, as when its machine goes. */
async function kill(object: ReturnType<typeof relay | typeof sequencer>): Promise<void> {
  const abort = (_object: DurableObject, state: DurableObjectState) => state.abort("by a test");
  const killed = runInDurableObject<DurableObject, void>(object, abort);
  await expect(killed).rejects.toThrow();
}

describe("a tree of relays", () => {
  test("[X3] whose leaf, root and sequencer die in turn: readers miss nothing and get nothing twice", async () => {
    await ready();
    const start = await order();
    const clients = [follow(() => "local:0", start), follow(() => "local:1", start, "&batch=1")];
    let last = start;
    for (const die of [
      () => kill(relay("local:0")),
      () => kill(relay("local")),
      () => kill(sequencer()),
      () => kill(relay("local")),
      () => kill(relay("local:1")),
    ]) {
      last = await order();
      await die();
      await tickUntil(sequencer(), async () => (await sequencer().health()).mode === "serving");
      last = await order();
      for (const client of clients) await client.reaches(last);
    }
    for (const client of clients) expect(client.offsets()).toEqual(range(start + 1, last));
  });

  test("[X3] whose relay dies in the midst of a broadcast: readers go on at another one", async () => {
    await ready();
    const start = await order();
    let at = "local:0";
    const clients = range(1, 30).map(() => follow(() => at, start));
    await Promise.all(clients.map((client) => client.resume()));
    const orders = range(1, 40).map(() => order());
    await kill(relay(at));
    at = "local:2";
    const last = Math.max(...(await Promise.all(orders)));
    for (const client of clients) {
      await client.reaches(last);
      expect(client.offsets()).toEqual(range(start + 1, last));
    }
  });

  test("[X3] sleeps where nobody reads, and goes on with its window when somebody comes", async () => {
    await ready();
    const last = await order();
    const root = relay("weur");
    const subscribed = async (from: number) => {
      const url = `${ORIGIN}/ws/subscribe?from_offset=${from}`;
      return read(await root.fetch(url, { headers: { upgrade: "websocket" } }));
    };
    const reader = await subscribed(last - 1);
    await reader.until(() => reader.offsets().at(-1) === last);
    expect(await alarmOf(root)).toBeLessThan(Date.now() + 6_000);
    reader.socket.close(1000);
    await reader.until(() => reader.closed !== null);
    await runDurableObjectAlarm(root);
    vi.setSystemTime(Date.now() + 61_000);
    await runDurableObjectAlarm(root);
    vi.useRealTimers();
    expect(await alarmOf(root)).toBeGreaterThan(Date.now() + 3_600_000);
    await evictDurableObject(root);
    const next = await order();
    const anew = await subscribed(last - 1);
    await anew.until(() => anew.offsets().at(-1) === next);
    expect(anew.offsets()).toEqual(range(last, next));
    const { floor } = await runInDurableObject(root, (_object, state) =>
      state.storage.sql.exec<{ floor: number }>("SELECT floor FROM feed_window").one(),
    );
    expect(floor).toBe(0);
  });
});

const alarmOf = (object: ReturnType<typeof relay>) =>
  runInDurableObject(object, (_object, state) => state.storage.getAlarm());
