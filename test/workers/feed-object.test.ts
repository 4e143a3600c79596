/** The feed through the whole object: the upgrade, acks, hibernation and the tick that pumps. */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { transfer } from "./support/history.ts";
import { read } from "./support/reader.ts";
import { type Serving, serve } from "./support/serving.ts";

const upgrade = ({ object }: Serving, query: string) =>
  object.fetch(`https://sequencer.test/ws/subscribe?${query}`, {
    headers: { upgrade: "websocket" },
  });

async function subscribe(serving: Serving, query = "") {
  const response = await upgrade(serving, query);
  expect(response.status).toBe(101);
  return read(response);
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a socket", () => {
  test("[F1] replays and follows", async () => {
    const serving = await serve();
    const reader = await subscribe(serving, "from_offset=2");
    for (let nonce = 0; nonce < 3; nonce++) await serving.object.submit(transfer(0, nonce));
    await reader.until(() => reader.offsets().length === 5);
    expect(reader.offsets()).toEqual(range(3, 7));
  });

  test("[F5] is refused with the reason in a header", async () => {
    const serving = await serve();
    const response = await upgrade(serving, "from_offset=99");
    expect([response.status, response.headers.get("x-history-error")]).toEqual([
      409,
      "AHEAD_OF_HEAD",
    ]);
    expect(await response.json()).toMatchObject({ ok: false, code: "AHEAD_OF_HEAD" });
  });

  test("[F6] survives hibernation: no record is missed, none comes twice", async () => {
    const serving = await serve();
    const level = await subscribe(serving, "");
    const batched = await subscribe(serving, "batch=1&from_offset=4");
    let nonce = 0;
    for (let sleep = 0; sleep < 3; sleep++) {
      for (let i = 0; i < 2; i++) {
        expect(await serving.object.submit(transfer(0, nonce++))).toMatchObject({ ok: true });
      }
      await serving.wake();
    }
    await serving.object.submit(transfer(0, nonce));
    for (const reader of [level, batched]) {
      await reader.until(() => reader.offsets().at(-1) === 11);
      expect(reader.closed).toBeNull();
    }
    expect(level.offsets()).toEqual(range(1, 11));
    expect(batched.offsets()).toEqual(range(5, 11));
    expect(batched.texts.every((text) => text.startsWith("["))).toBe(true);
  });

  test("[F4] that hibernates still counts", async () => {
    const serving = await serve();
    for (let i = 0; i < 64; i++) await subscribe(serving, "from_offset=4");
    await serving.wake();
    const refused = await upgrade(serving, "");
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({
      code: "OVERLOADED",
      message: "ws subscriber limit reached",
    });
  });

  test("[F4] that the client closed makes room, and is closed in turn with its code", async () => {
    const serving = await serve();
    const readers = await Promise.all(range(1, 64).map(() => subscribe(serving, "from_offset=4")));
    expect((await upgrade(serving, "")).status).toBe(429);
    const [first] = readers;
    first?.socket.close(1000, "done");
    await first?.until(() => first.closed !== null);
    expect(first?.closed).toEqual({ code: 1000, reason: "done" });
    expect((await upgrade(serving, "")).status).toBe(101);
  });

  test.each([
    [999, 1000],
    [1001, 1001],
    [1004, 1000],
    [1006, 1000],
    [4999, 4999],
    [5000, 1000],
  ])("that a client closed with %i is closed with %i: any number may come", async (sent, code) => {
    const serving = await serve();
    const reader = await subscribe(serving, "from_offset=4");
    await runInDurableObject(serving.object, (object, state) => {
      const [socket] = state.getWebSockets();
      const ours = socket ?? expect.unreachable("the reader's other end is there");
      object.webSocketClose(ours, sent, "bye");
    });
    await reader.until(() => reader.closed !== null);
    expect(reader.closed).toEqual({ code, reason: "bye" });
  });

  test("a path that only the Worker decodes is 404", async () => {
    const { object } = await serve();
    const response = await object.fetch("https://sequencer.test/ws/%73ubscribe");
    expect([response.status, await response.json()]).toMatchObject([404, { code: "NOT_FOUND" }]);
  });

  test("[F6] that was behind when the object slept is brought up by the tick", async () => {
    const serving = await serve();
    const big = new Uint8Array(60_000).fill(1);
    for (let i = 0; i < 12; i++) await serving.chain.addInput(transfer(0, 0).sender, big);
    await serving.chain.mine(8);
    await serving.tickUntil(async () => ((await serving.object.health()).feed_head ?? 0) >= 16);
    const reader = await subscribe(serving);
    await reader.until(() => reader.texts.length > 0);
    await serving.wake();
    await serving.tickUntil(() => reader.offsets().at(-1) === 16);
    expect(reader.offsets()).toEqual(range(1, 16));
  });
});
