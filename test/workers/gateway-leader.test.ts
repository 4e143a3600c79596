/** Gateways under a committee: receipts, certificates, and a leader that changes behind them. */

import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { parseReceipt } from "../../src/core/consensus/receipt-json.ts";
import { TEST_VARIABLES } from "../support/variables.ts";
import {
  type Answer,
  GATEWAYS,
  post,
  restart,
  senders,
  signedTransfer,
  verifiedTransfer,
} from "./support/gateways.ts";
import { type Pair, servePair } from "./support/pair.ts";

/** Both candidates are objects of this deployment, and its gateways know them. */
async function pairBehindGateways(): Promise<Pair> {
  const pair = await servePair({ SEQ_GATEWAYS: String(GATEWAYS) }, senders);
  for (let shard = 0; shard < GATEWAYS; shard++) {
    await restart(() => env.GATEWAY.getByName(`gateway:${shard}`), pair.vars);
  }
  return pair;
}

const send = ({ chain, vars }: Pair, from: number, nonce: number, query = ""): Promise<Answer> =>
  post(vars, `/tx${query}`, signedTransfer(chain, from, nonce));

function tierOf({ body }: Answer): unknown {
  const parsed = parseReceipt(JSON.stringify(body["receipt"]));
  return parsed.ok ? parsed.value.tier : parsed.error;
}

/** Sends until it is taken; every refusal on the way says that it is safe to try again. */
async function insist(pair: Pair, from: number, nonce: number): Promise<Answer> {
  for (const startedAtMs = Date.now(); Date.now() - startedAtMs < 20_000; ) {
    const answer = await send(pair, from, nonce);
    if (answer.status === 200) return answer;
    expect([answer.status, answer.retryAfter]).toEqual([503, expect.stringMatching(/^\d+$/)]);
  }
  return expect.fail("nobody took it");
}

/** One client: the next op when the last one is taken. */
async function load(pair: Pair, from: number, isOver: () => boolean): Promise<void> {
  for (let nonce = 0; !isOver(); nonce++) await insist(pair, from, nonce);
}

test("[X2, C2] an answer carries its receipt, and one that waits comes certified", async () => {
  const pair = await pairBehindGateways();
  const plain = await send(pair, 0, 0);
  expect([plain.status, tierOf(plain)]).toEqual([200, "ordered"]);
  // It goes past the gateway, and others go through it meanwhile.
  const [held, next] = await Promise.all([send(pair, 0, 1, "?wait=certified"), insist(pair, 1, 0)]);
  expect([held.status, tierOf(held)]).toEqual([200, "certified"]);
  expect(tierOf(next)).toBe("ordered");
  expect((await send(pair, 0, 0)).body["offset"]).toBe(plain.body["offset"]);
});

test("[X2, C6] the leader changes behind the gateways, and ops go on to the next one", async () => {
  const pair = await pairBehindGateways();
  const before = await insist(pair, 0, 0);
  expect((await pair.of(1).submit(verifiedTransfer(0, 1))).ok).toBe(false);
  let isOver = false;
  const clients = senders.slice(1).map((_, i) => load(pair, i + 1, () => isOver));
  await pair.transfer(1);
  const after = await insist(pair, 0, 1);
  isOver = true;
  await Promise.all(clients);
  expect(Number(after.body["offset"])).toBeGreaterThan(Number(before.body["offset"]) + 2 ** 20);
  const overview = await pair.of(1).overview();
  expect(overview.ok && overview.value.counters.ops_included).toBeGreaterThan(0);
});

test("[X2, C6] where another deployment leads, the Worker passes the request on before a gateway", async () => {
  const endpoint = "https://elsewhere.test/committee/sequencer/b";
  const leadership = { epoch: 3, endpoint };
  const environment = {
    ...TEST_VARIABLES,
    SEQ_GATEWAYS: "1",
    SEQ_CANDIDATES: `a=object:sequencer/a,b=${endpoint}`,
    SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}`,
    SEQUENCER: { getByName: () => ({ leadership: () => Promise.resolve(leadership) }) },
    GATEWAY: { getByName: () => expect.unreachable("no gateway is asked") },
  } as never;
  const { fetch } = globalThis;
  // Objects of other tests still ask their L1.
  vi.spyOn(globalThis, "fetch").mockImplementation(async (request, init) => {
    const url = request instanceof Request ? request.url : String(request);
    return url.startsWith("https://elsewhere.test")
      ? Response.json({ passedTo: url })
      : await fetch(request, init);
  });
  // Half a second long the Worker goes by the leader that it found for the test before.
  const body = async () => (await post(environment, "/tx", "{}")).body;
  await expect.poll(body, { timeout: 10_000 }).toEqual({ passedTo: "https://elsewhere.test/tx" });
  vi.restoreAllMocks();
});
