/** What the Worker makes of the object's answers, sockets, streams and failures. */

import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/worker/index.ts";
import { signed as op } from "../support/signed-op.ts";
import { OPERATOR_TOKEN } from "../support/variables.ts";
import { APP, fetchWith, ORIGIN, refusalOf, STARTING } from "./requests.ts";

describe("what the object answers goes out unchanged", () => {
  /** The platform's namespace with one object, of which only `answers` are asked. */
  function answering(answers: Record<string, unknown>): object {
    const calls = Object.entries(answers).map(([name, value]) => [name, () => value]);
    const namespace = { getByName: () => Object.fromEntries(calls) };
    return { SEQUENCER: namespace, RELAY: namespace };
  }
  const ok = (value: unknown) => Promise.resolve({ ok: true, value });
  const ask = (path: string, answers: Record<string, unknown>, init?: RequestInit) =>
    fetchWith(answering(answers), new Request(ORIGIN + path, init));

  test("[I1] POST /tx: 200, the checksummed sender, the place", async () => {
    const headers = { "content-type": "application/json" };
    const place = { offset: 7, batchNonce: 2, frameFee: 1060 };
    const init = { method: "POST", headers, body: JSON.stringify(op) };
    const response = await ask("/tx", { submit: ok(place) }, init);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await response.json()).toEqual({
      ok: true,
      sender: op.sender,
      nonce: op.message.nonce,
      offset: 7,
      batch_nonce: 2,
      frame_fee: 1060,
    });
  });

  test("[I6] GET /nonce: the checksummed sender and the next nonce", async () => {
    const path = `/nonce?sender=${op.sender.toLowerCase()}`;
    const response = await ask(path, { nextNonce: ok(3) });
    expect(await response.json()).toEqual({ sender: op.sender, next_nonce: 3 });
  });

  test.each([
    ["/fee", "fee"],
    ["/deployment", "deployment"],
    [`/tx/${APP}/0`, "transaction"],
    ["/finalized_state/digest", "finalizedDigest"],
  ])("[I6] GET %s is the value of %s", async (path, method) => {
    const response = await ask(path, { [method]: ok({ a: 1 }) });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect([response.status, await response.json()]).toEqual([200, { a: 1 }]);
  });

  test.each([
    ["ok", 200],
    ["degraded", 503],
  ])("[I7] GET /healthz, status %s: %i", async (status, code) => {
    const response = await ask("/healthz", { health: Promise.resolve({ status }) });
    expect([response.status, await response.json()]).toEqual([code, { status }]);
  });

  const draining = '{"ok":false,"code":"UNAVAILABLE","message":"sequencer draining"}';

  test.each([
    ["ok", "serving", 200, ""],
    ["degraded", "draining", 503, draining],
  ])("[I7] GET /readyz, status %s, mode %s: %i", async (status, mode, code, body) => {
    const response = await ask("/readyz", { health: Promise.resolve({ status, mode }) });
    expect([response.status, await response.text()]).toEqual([code, body]);
  });

  test("[I7] GET /readyz of an object that serves but takes no op now", async () => {
    const health = Promise.resolve({ status: "degraded", mode: "serving" });
    expect((await ask("/readyz", { health })).status).toBe(503);
  });

  test("[F5] GET /feed: a refused cursor says why in a header too", async () => {
    const error = { status: 409, code: "AHEAD_OF_HEAD", message: "x", retryAfterS: null };
    const response = await ask("/feed", { feedPage: Promise.resolve({ ok: false, error }) });
    expect(response.headers.get("x-history-error")).toBe("AHEAD_OF_HEAD");
    expect(await refusalOf(response)).toEqual([409, "AHEAD_OF_HEAD", "x"]);
  });

  test("[F7] GET /feed: the page with its records", async () => {
    const page = { era: "e", generation: 0, available_from: 1, head: 2, next_offset: 2 };
    const records = ['{"kind":"user_op"}', '{"kind":"rollback"}'];
    const response = await ask("/feed", { feedPage: ok({ ...page, records }) });
    expect(await response.json()).toEqual({
      ...page,
      records: [{ kind: "user_op" }, { kind: "rollback" }],
    });
  });

  test("[F1] GET /ws/subscribe: the socket", async () => {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const upgrade = new Response(null, { status: 101, webSocket: client });
    const init = { headers: { upgrade: "WebSocket" } };
    const response = await ask("/ws/subscribe?from_offset=1", { fetch: upgrade }, init);
    expect(response.status).toBe(101);
    const socket = response.webSocket ?? expect.fail("the response carries a socket");
    socket.accept();
    const received = new Promise((resolve) => {
      socket.addEventListener("message", (event) => resolve(event.data));
    });
    server.send("record");
    expect(await received).toBe("record");
    socket.close(1000);
  });

  test.each([200, 304])("[V2] GET /finalized_state: %i with its headers", async (status) => {
    const headers = { etag: '"block-9"', "x-l2-tx-index": "4" };
    const streamed = new Response(status === 200 ? "state" : null, { status, headers });
    const init = { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } };
    const response = await ask("/finalized_state", { fetch: streamed }, init);
    expect([response.status, response.headers.get("etag")]).toEqual([status, '"block-9"']);
    expect(await response.text()).toBe(status === 200 ? "state" : "");
  });
});

describe("a call to the object that fails", () => {
  /** The namespace as the platform makes it fail: the stub exists, its calls throw. */
  function failing(marks: object): object {
    const fail = () => Promise.reject(Object.assign(new Error("sqlite: secret detail"), marks));
    const stub = { submit: fail, fee: fail, health: fail, fetch: fail };
    const namespace = { getByName: () => stub };
    return { SEQUENCER: namespace, RELAY: namespace };
  }

  const requests = [
    new Request(`${ORIGIN}/fee`),
    new Request(`${ORIGIN}/ws/subscribe`, { headers: { upgrade: "websocket" } }),
    new Request(`${ORIGIN}/tx`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(op),
    }),
  ];

  test.each([
    [{ retryable: true }, STARTING],
    [{ durableObjectReset: true, remote: true }, STARTING],
    [{ overloaded: true, retryable: true }, [429, "OVERLOADED", "queue full"]],
    [{ overloaded: true }, [429, "OVERLOADED", "queue full"]],
    [{ remote: true }, [500, "INTERNAL_ERROR", "internal error"]],
    [{ retryable: false }, [500, "INTERNAL_ERROR", "internal error"]],
  ])("[I6] marked %j", async (marks, expected) => {
    for (const request of requests) {
      const response = await fetchWith(failing(marks), request.clone());
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.has("retry-after")).toBe(expected[0] !== 500);
      expect(await refusalOf(response)).toEqual(expected);
    }
    for (const path of ["/healthz", "/readyz"]) {
      const response = await fetchWith(failing(marks), new Request(ORIGIN + path));
      expect(await refusalOf(response), "[I7] 200 or 503").toEqual([503, ...expected.slice(1)]);
    }
  });
});

test("[L4] [S8] cron asks the application's object, by its name, for one heartbeat", async () => {
  const scheduled = worker.scheduled ?? expect.fail("the Worker has a heartbeat");
  const asked: string[] = [];
  const namespace = {
    getByName: (name: string) => ({ heartbeat: () => Promise.resolve(asked.push(name)) }),
  };
  const controller = createScheduledController({ cron: "* * * * *" });
  const other = { ...env, ...{ SEQUENCER: namespace as never } };
  await scheduled(controller, other, createExecutionContext());
  expect(asked).toEqual([APP]);
});

test("[L4] the object answers a heartbeat also before its first sync", async () => {
  await expect(env.SEQUENCER.getByName(APP).heartbeat()).resolves.toBeUndefined();
});
