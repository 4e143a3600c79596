/** The client's `follow`: every record once and in order, whatever happens to its connections. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createClient } from "../../src/sdk/client.ts";
import type { Client, FeedEvent, FollowOptions, Transport } from "../../src/sdk/client-types.ts";
import { networkOf } from "../../src/sdk/transport.ts";
import { Random } from "../sim/random.ts";
import { until } from "../support/product.ts";
import { size } from "../support/size.ts";
import { ALICE } from "../support/wallet.ts";
import { WireServer } from "../support/wire-server.ts";

let server: WireServer;
let client: Client;
let stops: AbortController;

beforeEach(async () => {
  server = await WireServer.start();
  client = createClient({ url: server.url });
  stops = new AbortController();
});
afterEach(async () => {
  vi.useRealTimers();
  stops.abort();
  await server.stop();
});

/** Appends `count` records. */
function append(count: number): void {
  for (let i = 0; i < count; i++) server.sequencer.deposit(ALICE, 1n);
}

const offsetsOf = (events: readonly FeedEvent[]) =>
  events.map((event) => ("offset" in event ? event.offset : event.kind));
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** Reads in the background; `events` grows, and `ended` tells how it ended. */
function reading(options: FollowOptions = {}) {
  const events: FeedEvent[] = [];
  const run = async (): Promise<unknown> => {
    try {
      for await (const event of client.follow({ signal: stops.signal, ...options })) {
        events.push(event);
      }
      return "it ended";
    } catch (error) {
      return error;
    }
  };
  return { events, ended: run() };
}

const has = async (events: readonly FeedEvent[], count: number) =>
  await until(
    () => Promise.resolve(events.length),
    (length) => length >= count,
    20_000,
  );

const isLive = async () =>
  await until(
    () => Promise.resolve(server.readers),
    (readers) => readers > 0,
    20_000,
  );

describe("the order", () => {
  test.each([true, false])("[F1] is replayed and goes on live, batch %s", async (batch) => {
    append(2_500);
    const reader = reading({ batch, fromOffset: 100 });
    await has(reader.events, 2_400);
    await isLive();
    append(70);
    await has(reader.events, 2_470);
    expect(offsetsOf(reader.events)).toEqual(upTo(2_570).slice(100));
    const socket = server.requests.find(({ method }) => method === "UPGRADE");
    expect(socket?.path.includes("batch=1")).toBe(batch);
    expect(socket?.path).toContain(`era=${server.era}`);
  });

  test("[F1] has no gap and no repeat, however often its connection dies", async () => {
    const random = new Random(1, "sdk-follow");
    const reader = reading({ batch: random.chance(0.5) });
    for (let round = 0; round < size(12, 100); round++) {
      append(random.between(1, 50));
      await isLive();
      append(random.between(0, 50));
      server.cut(random.pick([0, 1011, 1012, 1013]));
      append(random.between(0, 20));
    }
    await has(reader.events, server.sequencer.head);
    expect(offsetsOf(reader.events)).toEqual(upTo(server.sequencer.head));
  });

  test("[F1] is not disturbed by frames that come twice, or once more later", async () => {
    const early: string[] = [];
    server.mangle = (frames) => {
      early.push(...frames);
      return [...early.slice(-3, -1), ...frames, ...frames, ...early.slice(0, 2)];
    };
    const reader = reading();
    for (let i = 0; i < 20; i++) {
      await isLive();
      append(3);
    }
    await has(reader.events, 60);
    append(1);
    await has(reader.events, 61);
    expect(offsetsOf(reader.events)).toEqual(upTo(61));
  });

  test("[F3] tells of rollbacks, also of those that it was not connected for", async () => {
    append(5);
    const reader = reading();
    await has(reader.events, 5);
    await isLive();
    const first = server.sequencer.rollBack(3);
    await has(reader.events, 6);
    expect(reader.events.at(-1)).toEqual(first);
    server.upgrade = () => 503;
    server.fault = () => ({ status: 503 });
    server.cut();
    append(4);
    const second = server.sequencer.rollBack(2, 2 ** 20);
    append(1);
    server.upgrade = () => null;
    server.fault = () => null;
    await has(reader.events, 8);
    expect(offsetsOf(reader.events.slice(5))).toEqual([6, second.offset, second.offset + 1]);
    expect(reader.events[6]).toEqual(second);
  });

  test("[F2] carries certificates when they are wanted, which move no cursor", async () => {
    const certificate = { kind: "certificate", epoch: 0, height: 3, chunk: "0xcc" };
    const text = JSON.stringify({ ...certificate, next_offset: 3, certificate: "0xce" });
    server.mangle = (frames) => [...frames, text];
    const reader = reading({ certificates: true });
    await isLive();
    append(1);
    await has(reader.events, 2);
    expect(reader.events[1]).toEqual({ ...certificate, nextOffset: 3, certificate: "0xce" });
    expect(server.requests.some(({ path }) => path.includes("certificates=1"))).toBe(true);
  });
});

describe("a connection that cannot be had", () => {
  test("[F4] as the reader is too far behind for a socket is made up for with pages", async () => {
    append(10);
    let isRefused = true;
    server.upgrade = () => (isRefused ? 1008 : null);
    const reader = reading();
    await has(reader.events, 10);
    append(3_000);
    await has(reader.events, 3_010);
    isRefused = false;
    await isLive();
    append(1);
    await has(reader.events, 3_011);
    expect(offsetsOf(reader.events)).toEqual(upTo(3_011));
  });

  test("[F4, F7] as no socket opens at all leaves the pages, which carry the feed alone", async () => {
    server.upgrade = () => 429;
    append(3);
    const reader = reading();
    await has(reader.events, 3);
    append(4);
    await has(reader.events, 7);
    expect([offsetsOf(reader.events), server.opened]).toEqual([upTo(7), 0]);
  });

  test.each([
    ["ERA_CHANGED", { era: "00000000-0000-4000-8000-000000000000" }],
    ["HISTORY_UNAVAILABLE", { fromOffset: 1 }],
    ["AHEAD_OF_HEAD", { fromOffset: 11 }],
    ["BAD_REQUEST", { fromOffset: -1 }],
  ])("[F5] for %s ends the sequence with that code", async (code, options) => {
    append(10);
    server.sequencer.availableFrom = 2;
    expect(await reading({ fromOffset: 2, ...options }).ended).toMatchObject({ code });
  });

  test("[F5, F8] as history changed or went away while it read ends the sequence too", async () => {
    append(3);
    const [first, second] = [reading(), reading()];
    await Promise.all([has(first.events, 3), has(second.events, 3), isLive()]);
    server.era = "6a1c2a39-8f0f-4d7e-9c7e-ffffffffffff";
    server.cut();
    expect(await first.ended).toMatchObject({ code: "ERA_CHANGED", status: 409 });
    expect(await second.ended).toMatchObject({ code: "ERA_CHANGED" });
  });

  test("[F5] as a relay does not have yet what another one sent is had a little later", async () => {
    append(5);
    const reader = reading({ fromOffset: 6 });
    const behind = () => server.asked("/feed") >= 2;
    await until(() => Promise.resolve(behind()), Boolean, 20_000);
    append(2);
    await has(reader.events, 1);
    expect(offsetsOf(reader.events)).toEqual([7]);
  });
});

test("[F1] a socket that died without a word is found out when it has been silent for long", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const dead = { send: () => undefined, close: () => undefined };
  let opened = 0;
  const connect = networkOf().connect;
  const transport: Transport = {
    connect: (url, on) => (opened++ === 0 ? dead : connect(url, on)),
  };
  client = createClient({ url: server.url, transport });
  const reader = reading();
  const turns = async (isDone: () => boolean, stepMs: number) => {
    for (let turn = 0; turn < 10_000 && !isDone(); turn++) {
      vi.advanceTimersByTime(stepMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await turns(() => opened === 1, 0);
  append(2);
  vi.advanceTimersByTime(59_999);
  await turns(() => reader.events.length > 0 || server.asked("/feed") > 1, 0);
  expect([reader.events.length, server.asked("/feed")]).toEqual([0, 1]);
  await turns(() => reader.events.length === 2 && server.readers === 1, 10);
  append(1);
  await turns(() => reader.events.length === 3, 0);
  expect(offsetsOf(reader.events)).toEqual([1, 2, 3]);
});

describe("what is no record", () => {
  test("[F2] is not taken for one: the reader goes on from the last that was", async () => {
    let spoilt = 2;
    server.mangle = (frames) => (spoilt-- > 0 ? ['{"kind":"user_op","offset":1}'] : frames);
    const reader = reading();
    await isLive();
    append(4);
    await has(reader.events, 4);
    expect(offsetsOf(reader.events)).toEqual(upTo(4));
  });

  test("[F7] ends the sequence when it does not pass by itself", async () => {
    const page = { era: server.era, generation: 0, available_from: 0, head: 9, next_offset: 9 };
    const rollback = { kind: "rollback", keep_through: 1, generation: 1 };
    const records = [5, 5].map((offset) => ({ ...rollback, offset }));
    const fetchIt = () => Promise.resolve(new Response(JSON.stringify({ ...page, records })));
    client = createClient({ url: server.url, transport: { fetch: fetchIt } });
    expect(await reading().ended).toMatchObject({ code: "BAD_ANSWER" });
  });
});

describe("an end", () => {
  test("by abort comes with the caller's reason, and closes the socket", async () => {
    const reader = reading();
    await isLive();
    const reason = new Error("enough");
    stops.abort(reason);
    expect(await reader.ended).toBe(reason);
    await until(
      () => Promise.resolve(server.readers),
      (readers) => readers === 0,
      10_000,
    );
    expect(await reading().ended).toBe(reason);
  });

  test("by leaving the loop closes the socket too", async () => {
    append(1);
    for await (const event of client.follow()) {
      if ("offset" in event && event.offset === 2) break;
      void isLive().then(() => append(1));
    }
    await until(
      () => Promise.resolve(server.readers),
      (readers) => readers === 0,
      10_000,
    );
    expect(server.opened).toBe(1);
  });
});
