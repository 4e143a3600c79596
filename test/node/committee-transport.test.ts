/** An ack rides on the answer to the call that asks for it; whatever else is said is a call of its own (C2). */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../src/consensus/message-bytes.ts";
import type { Message } from "../../src/consensus/messages.ts";
import { ackStatement } from "../../src/core/consensus/ack.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { epoch, memberIndex } from "../../src/core/consensus/types.ts";
import { toHex } from "../../src/core/types/hex.ts";
import {
  ACK_HEADER,
  CommitteeTransport,
  type TransportParts,
} from "../../src/durable-objects/shared/committee-transport.ts";
import {
  APP,
  CHAIN_ID,
  chunkAfter,
  ERA,
  opAt,
  recordOf,
  sequencers,
  signersOf,
} from "../support/committee.ts";

const LEADER = "object:sequencer/one";
const MEMBER = "object:validator/v1";
const known = knownRecord(recordOf(signersOf("p256", [1, 2, 3, 4])));
const first = chunkAfter(null, [opAt(1)]);
const second = chunkAfter(first, [opAt(2)]);

function proposal(chunk: typeof first | null): Message {
  const feed = { certificate: null, checkpoint: null, chunks: [] };
  const target = chunk?.ref ?? null;
  return { is: "propose", epoch: epoch(0), recordHash: known.hash, target, feed };
}

function ackOf({ ref }: typeof first): Message & { readonly is: "ack" } {
  const by = { member: memberIndex(0), scheme: "p256" as const, signature: new Uint8Array(64) };
  return { is: "ack", ack: { statement: ackStatement(known, ref), by } };
}

const holds: Message = { is: "holds", through: 0 };

/** A member's transport, what it was told, what it said by calls of its own, and its timers. */
function member(parts: Partial<TransportParts> = {}) {
  const heard: [string, Message["is"]][] = [];
  const said: Message["is"][] = [];
  const timers: { run: () => void; delayMs: number; isOff: boolean }[] = [];
  const transport = new CommitteeTransport({
    now: () => 0,
    later: (run, delayMs) => {
      const timer = { run, delayMs, isOff: false };
      timers.push(timer);
      return () => {
        timer.isOff = true;
      };
    },
    self: () => MEMBER,
    isListed: () => true,
    history: () => ({ chainId: CHAIN_ID, app: APP, era: ERA }),
    sign: (message) => Promise.resolve(sequencers.one.sign(message)),
    peer: () => ({
      deliver: (_from, _to, bytes) => {
        const message = decodeMessage(bytes);
        said.push(message.ok ? message.value.is : expect.unreachable("a message"));
        return Promise.resolve(null);
      },
    }),
    ...parts,
  });
  transport.listen((from, message) => heard.push([from, message.is]));
  return { transport, heard, said, timers };
}

const bytesOf = (message: Message) => toHex(encodeMessage(message));
const hexOf = (bytes: Uint8Array | null) => (bytes === null ? null : toHex(bytes));

describe("[C2] an answer to a proposal", () => {
  test("brings the ack, which is said nowhere else", async () => {
    const { transport, heard, said, timers } = member();
    const answer = transport.deliver(LEADER, proposal(first));
    expect(heard).toEqual([[LEADER, "propose"]]);
    transport.send(LEADER, ackOf(first));
    expect(hexOf(await answer)).toBe(bytesOf(ackOf(first)));
    expect(said).toEqual([]);
    expect(timers.every(({ isOff }) => isOff)).toBe(true);
  });

  test("comes at once where something else is said, and a later ack is a call of its own", async () => {
    const { transport, said } = member();
    const answer = transport.deliver(LEADER, proposal(first));
    transport.send(LEADER, holds);
    expect(await answer).toBeNull();
    transport.send(LEADER, ackOf(first));
    expect(said).toEqual(["holds", "ack"]);
  });

  test("does not wait for what is said to others", async () => {
    const { transport, said } = member();
    const answer = transport.deliver(LEADER, proposal(first));
    transport.send("object:sequencer/two", holds);
    expect(said).toEqual(["holds"]);
    transport.send(LEADER, ackOf(first));
    expect(hexOf(await answer)).toBe(bytesOf(ackOf(first)));
  });

  test("is given up for the next proposal's", async () => {
    const { transport, said } = member();
    const before = transport.deliver(LEADER, proposal(first));
    const answer = transport.deliver(LEADER, proposal(second));
    expect(await before).toBeNull();
    transport.send(LEADER, ackOf(second));
    expect(hexOf(await answer)).toBe(bytesOf(ackOf(second)));
    expect(said).toEqual([]);
  });

  test("waits two seconds, and a later ack is a call of its own", async () => {
    const { transport, said, timers } = member();
    const answer = transport.deliver(LEADER, proposal(first));
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([2_000]);
    timers[0]?.run();
    expect(await answer).toBeNull();
    transport.send(LEADER, ackOf(first));
    expect(said).toEqual(["ack"]);
  });

  test.each([
    ["that asks for nothing", proposal(null)],
    ["of another kind", holds],
  ])("%s comes at once", async (_, message) => {
    const { transport, heard, timers } = member();
    expect(await transport.deliver(LEADER, message)).toBeNull();
    expect(heard).toEqual([[LEADER, message.is]]);
    expect(timers).toEqual([]);
  });

  test("comes at once where nobody listens", async () => {
    const { transport } = member();
    transport.listen(() => undefined)();
    expect(await transport.deliver(LEADER, proposal(first))).toBeNull();
  });
});

describe("[C9] of what an answer brings, which nobody signed", () => {
  let server: Server | null = null;
  afterEach(() => server?.close());

  /** A member's URL that answers with these headers, one after the other. */
  async function answering(...headers: string[]): Promise<string> {
    const listening = createServer((request, response) => {
      request.resume();
      response.writeHead(202, { [ACK_HEADER]: headers.shift() ?? "" }).end();
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    const { port } = listening.address() as AddressInfo;
    return `http://127.0.0.1:${port}/committee/validator/v1`;
  }

  test.each([
    ["an ack is taken", bytesOf(ackOf(first)), 1],
    ["no other message is", bytesOf(holds), 0],
    ["no bytes that are none", "0x00ff", 0],
    ["nothing that is no hex", "0xzz", 0],
    ["nothing that is too long", `0x${"00".repeat(513)}`, 0],
  ])("%s", async (_, header, count) => {
    const url = await answering(header, bytesOf(ackOf(second)));
    const asked = () => new Promise((resolve) => server?.once("request", resolve));
    const { transport, heard } = member({ now: Date.now });
    const before = asked();
    transport.send(url, proposal(first));
    await before;
    // The answer to the first is there long before that to the second, which brings what is taken.
    transport.send(url, proposal(second));
    await expect.poll(() => heard.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual(Array(count + 1).fill([url, "ack"]));
  });

  test("between objects too", async () => {
    for (const [answer, taken] of [
      [ackOf(first), [[MEMBER, "ack"]]],
      [holds, []],
    ] as const) {
      const deliver = () => Promise.resolve(encodeMessage(answer));
      const { transport, heard } = member({ self: () => LEADER, peer: () => ({ deliver }) });
      transport.send(MEMBER, proposal(first));
      await new Promise((resolve) => setTimeout(resolve));
      expect(heard).toEqual(taken);
    }
  });
});
