/** Gateways between the real Worker and a sequencer that serves. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { shardOf } from "../../src/core/api/gateway-api.ts";
import { signed } from "../support/signed-op.ts";
import { size } from "../support/size.ts";
import { TEST_VARIABLES } from "../support/variables.ts";
import {
  type Answer,
  type Front,
  GATEWAYS,
  post,
  senderAt,
  senders,
  serveWithGateways,
  verifiedTransfer,
} from "./support/gateways.ts";

let serving: Promise<Front> | null = null;
/** One for all tests, since the sequencer is known by the application; made in the first one that runs. */
function served(): Promise<Front> {
  serving ??= serveWithGateways();
  return serving;
}

const shardOfSender = (from: number): number => shardOf(senderAt(from), GATEWAYS);

const offsetOf = ({ status, body }: Answer): number => {
  expect([status, body["ok"]]).toEqual([200, true]);
  return Number(body["offset"]);
};

test("[X2] accepted, submitted again or refused: each is answered as if it had come alone", async () => {
  const front = await served();
  const nonce = await front.nextNonce(0);
  const first = await front.transfer(0, nonce);
  const answers = await Promise.all([
    front.transfer(0, nonce),
    front.transfer(0, nonce, 6n),
    front.transfer(0, nonce + 1),
    front.transfer(1, 1_000),
    front.transfer(2, await front.nextNonce(2)),
  ]);
  const [again, other, next, gap, neighbour] = answers;
  // I4: the original answer, whatever call it comes through.
  expect(first.status).toBe(200);
  expect(again).toEqual(first);
  expect([other?.status, other?.body["message"]]).toEqual([
    422,
    `bad nonce: expected ${nonce + 1}, got ${nonce}`,
  ]);
  expect([next?.status, next?.body["nonce"]]).toEqual([200, nonce + 1]);
  expect([gap?.status, gap?.body["code"]]).toEqual([422, "EXECUTION_REJECTED"]);
  expect(neighbour?.status).toBe(200);
});

test("[X2] the ops of a sender are decided in the order in which its gateway got them", async () => {
  const front = await served();
  const count = size(256, 2_048);
  const from = 3;
  const first = await front.nextNonce(from);
  const gateway = front.gateway(shardOfSender(from));
  const { calls } = await front.counters();
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, i) => gateway.submit(verifiedTransfer(from, first + i))),
  );
  const offsets = outcomes.map((outcome) => (outcome.ok ? outcome.value.offset : -1));
  expect(offsets).toEqual(offsets.map((_, i) => (offsets[0] ?? 0) + i));
  expect(((await front.counters()).calls - calls) * 10).toBeLessThanOrEqual(count);
});

test("[X2] a gateway that dies mid-call loses answers only: the retry gets the op's one place", async () => {
  const front = await served();
  const rounds = size(20, 200);
  const all: { readonly answer: Answer; readonly again: Answer }[] = [];
  const before = await front.counters();
  for (let round = 0; round < rounds; round++) {
    const shard = round % GATEWAYS;
    const sending = senders.map(async (_, from) => {
      const nonce = await front.nextNonce(from);
      const send = () => front.transfer(from, nonce);
      return { send, answer: await send() };
    });
    // Before the gateway has the ops, while it calls, or after the answers: another moment in each round.
    for (let turn = 0; turn < round % 10; turn++) await new Promise((done) => setTimeout(done, 0));
    await front.kill(shard);
    for (const { send, answer } of await Promise.all(sending)) {
      if (answer.status !== 200) expect([answer.status, answer.retryAfter]).toEqual([503, "2"]);
      all.push({ answer, again: await send() });
    }
  }
  const offsets = all.map(({ again }) => offsetOf(again));
  expect(new Set(offsets).size).toBe(all.length);
  for (const { answer, again } of all) if (answer.status === 200) expect(again).toEqual(answer);
  const lost = all.filter(({ answer }) => answer.status === 503).length;
  const duplicates = (await front.counters()).ops_duplicate - before.ops_duplicate;
  const lostButIncluded = duplicates - (all.length - lost);
  // Both happened: an op that was in the order already, and one that never came to be.
  expect(lostButIncluded).toBeGreaterThan(0);
  expect(lost - lostButIncluded).toBeGreaterThan(0);
});

test("[X2] a sequencer that restarts refuses what it had not decided, and the gateway finds it again", async () => {
  const front = await served();
  const nonce = await front.nextNonce(1);
  const sending = front.transfer(1, nonce);
  await runInDurableObject(front.sequencer(), (_object, state) => state.abort("restarted")).catch(
    () => undefined,
  );
  const answer = await sending;
  if (answer.status !== 200) expect(answer.status).toBe(503);
  // Its next life has no variables: it answers, and refuses.
  const refused = await front.transfer(1, nonce);
  expect([refused.status, refused.body["message"]]).toEqual([503, "sequencer refused"]);
});

describe("which gateway is asked", () => {
  /** A Worker with these variables; the names of the objects that it asked for an op of one sender. */
  async function asked(vars: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
    const names: unknown[] = [];
    const place = { ok: true, value: { offset: 7, batchNonce: 2, frameFee: 1060 } };
    const namespace = (kind: string) => ({
      getByName: (name: string, options: unknown) => {
        names.push([kind, name, options]);
        return { submit: () => Promise.resolve(place), leadership: () => Promise.resolve(null) };
      },
    });
    const objects = { SEQUENCER: namespace("sequencer"), GATEWAY: namespace("gateway") };
    const environment = { ...TEST_VARIABLES, ...vars, ...objects } as never;
    const { status } = await post(environment, "/tx", JSON.stringify(signed));
    expect(status).toBe(200);
    return names;
  }

  test("[X2] none where there are none, the sender's where there are some", async () => {
    const app = TEST_VARIABLES["SEQ_APP_ADDRESS"];
    expect(await asked({})).toEqual([["sequencer", app, undefined]]);
    expect(await asked({ SEQ_GATEWAYS: "0" })).toEqual([["sequencer", app, undefined]]);
    for (const shards of [1, 2, 64]) {
      const shard = Number.parseInt(signed.sender.slice(-8), 16) % shards;
      const gateway = ["gateway", `gateway:${shard}`, {}];
      expect(await asked({ SEQ_GATEWAYS: String(shards) })).toEqual([gateway]);
    }
  });

  test("[X2] it is created where the configuration wants the first candidate of this deployment", async () => {
    const names = await asked({
      SEQ_GATEWAYS: "1",
      SEQ_CANDIDATES: "a=object:sequencer/a@weur,b=object:sequencer/b@enam",
      SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}`,
    });
    expect(names.at(-1)).toEqual(["gateway", "gateway:0", { locationHint: "weur" }]);
  });

  test("[X2] where no object of this deployment leads it refuses as the Worker does", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const gateway = env.GATEWAY.getByName("a gateway without variables");
    expect(await gateway.submit(verifiedTransfer(0, 0))).toMatchObject({
      error: { status: 503, message: "sequencer following", retryAfterS: 1 },
    });
  });
});
