/** Messages between deployments: signed, fresh, for one receiver, taken once; and questions for snapshots. */

import { exports } from "cloudflare:workers";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { decodeMessage, encodeMessage } from "../../src/consensus/message-bytes.ts";
import type { Message } from "../../src/consensus/messages.ts";
import { MESSAGE_AGE_MS_MAX, MESSAGE_BYTES_MAX } from "../../src/core/api/committee-api.ts";
import { ackPreimage, ackStatement } from "../../src/core/consensus/ack.ts";
import { messagePreimage } from "../../src/core/consensus/message-preimage.ts";
import { epoch, type Signer } from "../../src/core/consensus/types.ts";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import { asyncVerify } from "../../src/crypto/schemes/registry.ts";
import { APP, CHAIN_ID, chunkAfter, ERA, opAt, sequencers } from "../support/committee.ts";
import { call, fetchWith, ORIGIN, refusalOf } from "./requests.ts";
import {
  type Committee,
  catchMessages,
  configure,
  found,
  KEK,
  LEADER,
  type Said,
  sent,
  validator,
  value,
} from "./support/committee-rig.ts";

const urlOf = (name: string): string => `${ORIGIN}/committee/validator/${name}`;
const chunk = chunkAfter(null, [opAt(1)]);
let said: Said[] = [];
let next = 0;

beforeEach(() => {
  configure();
  said = catchMessages();
});
afterEach(() => void vi.restoreAllMocks());

async function fresh(): Promise<{ name: string; committee: Committee }> {
  const name = `v${next++}`;
  return { name, committee: await found([name], urlOf) };
}

type Envelope = {
  readonly from?: string;
  readonly to?: string;
  readonly sentAtMs?: number;
  readonly signer?: Signer;
  readonly era?: Uint8Array;
  /** What is sent where another body was signed. */
  readonly body?: Uint8Array;
};

function headersOf(to: string, signed: Uint8Array, envelope: Envelope): Record<string, string> {
  const { from = LEADER, sentAtMs = Date.now(), signer = sequencers.one, era = ERA } = envelope;
  const bodyHash = sha256(signed);
  const message = messagePreimage({
    chainId: CHAIN_ID,
    app: APP,
    era,
    from,
    to,
    sentAtMs,
    bodyHash,
  });
  return {
    "x-baton-sender": from,
    "x-baton-receiver": to,
    "x-baton-sent-at": `${sentAtMs}`,
    "x-baton-signature": toHex(signer.sign(message)),
  };
}

function post(name: string, body: Uint8Array, headers: Record<string, string>): Promise<Response> {
  return exports.default.fetch(
    new Request(urlOf(name), { method: "POST", headers, body: body.slice() }),
  );
}

async function send(name: string, message: Message, envelope: Envelope = {}): Promise<Response> {
  const bytes = encodeMessage(message);
  const headers = headersOf(envelope.to ?? urlOf(name), bytes, envelope);
  return await post(name, envelope.body ?? bytes, headers);
}

function proposal({ known }: Committee): Message {
  const feed = { certificate: null, checkpoint: null, chunks: [sent(chunk)] };
  return { is: "propose", epoch: epoch(0), recordHash: known.hash, target: chunk.ref, feed };
}

async function answered(kind: Message["is"]): Promise<Said> {
  return await vi.waitFor(() => {
    const found = said.find(({ message }) => message.is === kind);
    return found ?? expect.fail("no answer yet");
  }, 5_000);
}

describe("[C9] a message from another deployment", () => {
  test("is taken and answered by a message that the member signed", async () => {
    const { name, committee } = await fresh();
    const response = await send(name, { is: "want-records", after: epoch(0) });
    expect([response.status, await response.text()]).toEqual([202, ""]);
    const { from, to, bytes, header } = await answered("records");
    expect([from, to]).toEqual([urlOf(name), LEADER]);
    const bodyHash = sha256(bytes);
    const sentAtMs = Number(header("sent-at"));
    const of = { chainId: CHAIN_ID, app: APP, era: ERA, from, to, sentAtMs, bodyHash };
    const [member] = committee.known.record.members;
    const signature = fromHex(header("signature"));
    const key = member?.key ?? expect.fail("a member");
    expect(await asyncVerify.p256(key, messagePreimage(of), signature)).toBe(true);
  });

  test("[C2] that asks for an ack is answered with it, and with nothing else", async () => {
    const { name, committee } = await fresh();
    const response = await send(name, proposal(committee));
    expect([response.status, await response.text()]).toEqual([202, ""]);
    const message = decodeMessage(fromHex(response.headers.get("x-baton-ack") ?? "0x"));
    if (!message.ok || message.value.is !== "ack") return expect.unreachable("an ack");
    const { statement, by } = message.value.ack;
    expect(statement).toEqual(ackStatement(committee.known, chunk.ref));
    const key = committee.known.record.members[by.member]?.key ?? expect.fail("a member");
    expect(await asyncVerify.p256(key, ackPreimage(statement), by.signature)).toBe(true);
    expect(said.filter(({ message: { is } }) => is === "ack")).toEqual([]);
  });

  const forged = [401, "UNAUTHORIZED", "message not signed by its sender"];
  const late = [401, "UNAUTHORIZED", "message too old or from the future"];
  const misaddressed = [400, "BAD_REQUEST", "message for another endpoint"];

  test.each<[string, () => Envelope, unknown[]]>([
    ["signed by somebody else", () => ({ signer: sequencers.two }), forged],
    ["in the name of another", () => ({ from: LEADER.replaceAll("one", "two") }), forged],
    ["of another history", () => ({ era: new Uint8Array(16) }), forged],
    [
      "with another body",
      () => ({ body: encodeMessage({ is: "transfer", candidate: null }) }),
      forged,
    ],
    ["too old", () => ({ sentAtMs: Date.now() - MESSAGE_AGE_MS_MAX - 1_000 }), late],
    ["from the future", () => ({ sentAtMs: Date.now() + MESSAGE_AGE_MS_MAX + 1_000 }), late],
    ["for another member", () => ({ to: urlOf("v15") }), misaddressed],
  ])("%s is refused", async (_, envelope, refusal) => {
    const { name, committee } = await fresh();
    const response = await send(name, proposal(committee), envelope());
    expect(await refusalOf(response)).toEqual(refusal);
    expect(value(await validator(name).status()).stored_chunks).toBe(0);
  });

  test("within half a minute of either clock is taken, and taken once", async () => {
    const { name, committee } = await fresh();
    const message = proposal(committee);
    const bytes = encodeMessage(message);
    const near = MESSAGE_AGE_MS_MAX - 5_000;
    for (const sentAtMs of [Date.now() - near, Date.now() + near]) {
      const headers = headersOf(urlOf(name), bytes, { sentAtMs });
      expect((await post(name, bytes, headers)).status).toBe(202);
      expect(await refusalOf(await post(name, bytes, headers))).toEqual([
        ...[401, "UNAUTHORIZED", "message taken before"],
      ]);
    }
    const headers = headersOf(urlOf(name), bytes, {});
    const both = await Promise.all([post(name, bytes, headers), post(name, bytes, headers)]);
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([202, 401]);
  });

  test("of a stranger is read only when it is about records", async () => {
    const { name, committee } = await fresh();
    const from = "https://three.example/committee/sequencer/three";
    const refused = await send(name, proposal(committee), { from });
    expect(await refusalOf(refused)).toEqual(forged);
    await vi.waitFor(async () => {
      const head: Message = { is: "want-records", after: epoch(0) };
      expect((await send(name, head, { from })).status).toBe(202);
    }, 5_000);
  });

  test("is refused when it is none, or too long", async () => {
    const { name } = await fresh();
    const junk = Uint8Array.of(1, 2, 3);
    const malformed = await post(name, junk, headersOf(urlOf(name), junk, {}));
    expect(await refusalOf(malformed)).toEqual([400, "BAD_REQUEST", "malformed message"]);
    const bare = await post(name, junk, {});
    expect(await refusalOf(bare)).toEqual([400, "BAD_REQUEST", "malformed message headers"]);
    const large = new Uint8Array(MESSAGE_BYTES_MAX + 1);
    expect((await post(name, large, headersOf(urlOf(name), large, {}))).status).toBe(413);
    expect((await call("DELETE", `/committee/validator/${name}`)).status).toBe(405);
  });

  test("finds nobody before the founding", async () => {
    const response = await send("v15", { is: "transfer", candidate: null });
    expect(await refusalOf(response)).toEqual([404, "NOT_FOUND", "no committee yet"]);
  });
});

describe("[C5] a deployment with validators alone", () => {
  const alone = {
    ...{ SEQ_CANDIDATES: undefined, SEQ_VALIDATORS: "object:validator/v14" },
    ...{ SEQ_VALIDATOR_KEK: KEK },
  };

  test("answers for its validators, and orders nothing", async () => {
    const key = await fetchWith(alone, new Request(`${urlOf("v14")}/key`));
    expect(key.status).toBe(200);
    const foreign = await fetchWith(alone, new Request(`${urlOf("v0")}/key`));
    expect(foreign.status).toBe(404);
    for (const [method, path] of [
      ...[
        ["POST", "/tx"],
        ["GET", "/fee"],
        ["GET", "/deployment"],
        ["GET", "/epochs"],
      ],
    ] as const) {
      const response = await fetchWith(alone, new Request(ORIGIN + path, { method }));
      expect(await refusalOf(response)).toEqual([503, "UNAVAILABLE", "sequencer refused"]);
    }
  });
});
