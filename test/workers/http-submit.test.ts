/** `GET /ws/submit`: one answer per message, in order, whatever the object makes of the ops. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { SignedUserOp } from "../../src/core/api/sequencer-api.ts";
import {
  CHUNK_OPS_MAX,
  SUBMIT_CALLS_MAX,
  SUBMIT_MESSAGES_MAX,
  SUBMIT_UNANSWERED_MAX,
} from "../../src/core/types/protocol.ts";
import { signed as op } from "../support/signed-op.ts";
import { call, fetchWith, get, ORIGIN, refusalOf } from "./requests.ts";

const UPGRADE = { upgrade: "websocket" };
const body = JSON.stringify(op);
const place = { ok: true, value: { offset: 7, batchNonce: 2, frameFee: 1060 } };
const confirmed = {
  ok: true,
  sender: op.sender,
  nonce: op.message.nonce,
  offset: 7,
  batch_nonce: 2,
  frame_fee: 1060,
};

type Channel = {
  readonly socket: WebSocket;
  readonly answers: Record<string, unknown>[];
  closed: { code: number; reason: string } | null;
  until(isDone: () => boolean): Promise<void>;
};

type SubmitGroup = (ops: readonly unknown[]) => Promise<readonly unknown[]>;

/** A channel to the real Worker; `submitGroup` stands at the object's end of the wire. */
function open(submitGroup: SubmitGroup): Promise<Channel> {
  return openWith({ SEQUENCER: { getByName: () => ({ submitGroup }) } });
}

async function openWith(environment: object): Promise<Channel> {
  const request = new Request(`${ORIGIN}/ws/submit`, { headers: UPGRADE });
  const response = await fetchWith(environment, request);
  expect(response.status).toBe(101);
  const socket = response.webSocket ?? expect.unreachable("the request was upgraded");
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const one of waiting) one();
  };
  const channel: Channel = {
    socket,
    answers: [],
    closed: null,
    until: (isDone) =>
      new Promise((resolve) => {
        const check = () => {
          if (!isDone()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
  socket.addEventListener("message", (event) => {
    channel.answers.push(JSON.parse(String(event.data)));
    wake();
  });
  socket.addEventListener("close", ({ code, reason }) => {
    channel.closed = { code, reason };
    wake();
  });
  socket.accept();
  return channel;
}

const including: SubmitGroup = (ops) => Promise.resolve(ops.map(() => place));

describe("[I9] the submit channel", () => {
  test("answers each message with the body of POST /tx", async () => {
    const channel = await open(including);
    channel.socket.send(body);
    await channel.until(() => channel.answers.length === 1);
    expect(channel.answers).toEqual([confirmed]);
  });

  test("keeps the order of the messages when a later one is refused at once", async () => {
    const held: (() => void)[] = [];
    const channel = await open(
      (ops) => new Promise((resolve) => held.push(() => resolve(ops.map(() => place)))),
    );
    channel.socket.send(body);
    channel.socket.send("{");
    channel.socket.send(JSON.stringify({ ...op, sender: `0x${"11".repeat(20)}` }));
    channel.socket.send(body);
    for (let calls = 0; calls < 2; calls++) {
      await expect.poll(() => held.length).toBe(calls + 1);
      held[calls]?.();
    }
    await channel.until(() => channel.answers.length === 4);
    expect(channel.answers.map((answer) => answer["message"] ?? answer["offset"])).toEqual([
      7,
      "invalid JSON",
      "sender mismatch",
      7,
    ]);
  });

  test("sends what arrives during a call together, at most a chunk at once, in order", async () => {
    const groups: number[] = [];
    const first = Promise.withResolvers<void>();
    const channel = await open(async (ops) => {
      groups.push(ops.length);
      if (groups.length === 1) await first.promise;
      return ops.map(() => place);
    });
    for (let i = 0; i < 2 + CHUNK_OPS_MAX; i++) channel.socket.send(body);
    await expect.poll(() => groups.length).toBe(1);
    first.resolve();
    await channel.until(() => channel.answers.length === 2 + CHUNK_OPS_MAX);
    expect(groups).toEqual([1, CHUNK_OPS_MAX, 1]);
  });

  test("an object that fails mid-call is answered per op, and the channel goes on", async () => {
    let calls = 0;
    const channel = await open((ops) => {
      calls++;
      const broken = Object.assign(new Error("gone"), { retryable: true });
      return calls === 1 ? Promise.reject(broken) : Promise.resolve(ops.map(() => place));
    });
    channel.socket.send(body);
    await channel.until(() => channel.answers.length === 1);
    channel.socket.send(body);
    await channel.until(() => channel.answers.length === 2);
    expect(channel.answers).toEqual([
      { ok: false, code: "UNAVAILABLE", message: "sequencer starting" },
      confirmed,
    ]);
  });

  test("an object that restarts is found again: its restart breaks every stub of before", async () => {
    const calls: string[] = [];
    const getByName = () => {
      const stub = env.SEQUENCER.getByName("an object that restarts");
      const noting = async (ops: readonly SignedUserOp[]) => {
        const outcomes = await stub.submitGroup(ops).catch(() => null);
        calls.push(outcomes === null ? "broken" : "answered");
        return outcomes ?? Promise.reject(new Error("broken"));
      };
      return { submitGroup: noting };
    };
    const channel = await openWith({ SEQUENCER: { getByName } });
    const ask = async () => {
      const before = channel.answers.length;
      channel.socket.send(body);
      await channel.until(() => channel.answers.length > before);
    };
    await ask();
    const object = env.SEQUENCER.getByName("an object that restarts");
    const aborted = runInDurableObject(object, (_object, state) => state.abort("restarted"));
    await expect(aborted).rejects.toThrow("restarted");
    await ask();
    await ask();
    expect([calls.length, calls.at(0), calls.at(-1)]).toEqual([3, "answered", "answered"]);
  });

  test.each([
    ["4096 bytes", body.padEnd(4096), undefined],
    ["4097 bytes", body.padEnd(4097), "request body too large"],
    ["4097 bytes of two-byte characters", `"${"é".repeat(2048)}`, "request body too large"],
    ["no JSON", "hello", "invalid JSON"],
    ["no text", "", "invalid JSON"],
  ])("row 1 and 3: %s", async (_name, message, refused) => {
    const channel = await open(including);
    channel.socket.send(message);
    await channel.until(() => channel.answers.length === 1);
    expect(channel.answers[0]?.["message"]).toBe(refused);
  });

  test("row 3: bytes instead of text", async () => {
    const channel = await open(including);
    channel.socket.send(new TextEncoder().encode(body));
    await channel.until(() => channel.answers.length === 1);
    expect(channel.answers[0]?.["message"]).toBe("invalid JSON");
  });

  test("closes on a client that sends more than it lets be answered", async () => {
    const channel = await open(() => Promise.withResolvers<[]>().promise);
    for (let i = 0; i < SUBMIT_UNANSWERED_MAX; i++) channel.socket.send(body);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(channel.closed).toBeNull();
    channel.socket.send(body);
    await channel.until(() => channel.closed !== null);
    expect(channel.closed).toEqual({ code: 1008, reason: "too many unanswered submissions" });
  });

  test("asks for a new connection after its last call, with everything of that call answered", async () => {
    const channel = await open(including);
    for (let sent = 1; sent <= SUBMIT_CALLS_MAX; sent++) {
      channel.socket.send(body);
      await channel.until(() => channel.answers.length === sent);
    }
    await channel.until(() => channel.closed !== null);
    expect(channel.closed).toEqual({ code: 1012, reason: "connect again" });
  });

  test("asks for a new connection after its last message, also when all were refused at once", async () => {
    // A client that never reads would leave one answer in the Worker's memory for each.
    const channel = await open(including);
    for (let sent = 1; sent <= SUBMIT_MESSAGES_MAX; sent++) {
      channel.socket.send("{");
      if (sent % 1_000 === 0) await channel.until(() => channel.answers.length === sent);
    }
    await channel.until(() => channel.answers.length === SUBMIT_MESSAGES_MAX);
    expect(channel.closed).toBeNull();
    channel.socket.send("{");
    await channel.until(
      () => channel.closed !== null || channel.answers.length > SUBMIT_MESSAGES_MAX,
    );
    expect(channel.closed).toEqual({ code: 1012, reason: "connect again" });
  });

  test("needs an upgrade, and GET", async () => {
    const refused = [400, "BAD_REQUEST", "expected a WebSocket upgrade"];
    expect(await refusalOf(await get("/ws/submit"))).toEqual(refused);
    const response = await call("POST", "/ws/submit");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
  });
});
