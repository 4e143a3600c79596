/** Leadership goes from one sequencer object to another one by an operator's order (C6, C8). */

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { SignedUserOp, SoftConfirmation } from "../../src/core/api/sequencer-api.ts";
import worker from "../../src/worker/index.ts";
import { size } from "../support/size.ts";
import { OPERATOR_TOKEN } from "../support/variables.ts";
import { headerOf } from "./support/committee.ts";
import { transfer, user } from "./support/history.ts";
import { areLevel, type Pair, servePair, submit, type Which } from "./support/pair.ts";
import { read } from "./support/reader.ts";

/**
 * Sends to whoever leads, as the Worker does, until the op is certified. What was only ordered may be void
 * with its epoch; sent again it is the same op or a new one (I4).
 */
async function insist(pair: Pair, op: SignedUserOp): Promise<SoftConfirmation> {
  for (const startedAtMs = Date.now(); Date.now() - startedAtMs < 20_000; ) {
    const leadership = [await pair.of(0).leadership(), await pair.of(1).leadership()];
    const [newest] = leadership.toSorted((a, b) => (b?.epoch ?? -1) - (a?.epoch ?? -1));
    const which: Which = newest?.endpoint.endsWith(pair.ids[1]) === true ? 1 : 0;
    const answer = await pair.of(which).submit(op, true);
    if (!answer.ok) expect(answer.error.status).toBe(503);
    else if (answer.value.receipt?.tier === "certified") return answer.value;
  }
  return expect.fail("nobody took it");
}

type Taken = {
  readonly who: number;
  readonly nonce: number;
  readonly atMs: number;
  readonly said: SoftConfirmation;
};

/** One client: the next op when the last one is taken. */
async function load(pair: Pair, who: number, taken: Taken[], isOver: () => boolean): Promise<void> {
  for (let nonce = 0; !isOver(); nonce++) {
    const said = await insist(pair, transfer(who, nonce));
    taken.push({ who, nonce, atMs: Date.now(), said });
  }
}

function longestGap(atMs: readonly number[]): number {
  const sorted = atMs.toSorted((a, b) => a - b);
  return Math.max(...sorted.slice(1).map((at, i) => at - (sorted[i] ?? at)));
}

test("[C6, C8] a transfer under load loses no certified op", async () => {
  const pair = await servePair();
  await submit(pair, 0, transfer(3, 0), true);
  await pair.tickUntil(() => areLevel(pair));
  let isOver = false;
  const all: Taken[] = [];
  const clients = [0, 1, 2].map((who) => load(pair, who, all, () => isOver));
  const rounds = size(2, 8);
  for (let round = 0; round < rounds; round++) {
    const before = all.length;
    await pair.tickUntil(() => all.length >= before + 10);
    await pair.transfer(round % 2 === 0 ? 1 : 0);
  }
  const last: Which = rounds % 2 === 0 ? 0 : 1;
  isOver = true;
  await Promise.all(clients);
  await pair.tickUntil(() => areLevel(pair));
  for (const { who, nonce, said } of all) {
    for (const which of [0, 1] as const) {
      expect(await pair.of(which).transaction(user(who), nonce)).toMatchObject({
        value: {
          state: expect.stringMatching(/^(?:certified|posted|settled)$/),
          ...{ offset: said.offset, voided: null },
        },
      });
    }
    // Of whichever epoch: it still proves what it proved.
    expect(await pair.verify(said.receipt)).toMatchObject({ value: { tier: "certified" } });
  }
  const epochs = new Set(all.map(({ said }) => headerOf(said.receipt)?.epoch));
  expect(epochs.size).toBeGreaterThan(1);
  const downMs = longestGap(all.map(({ atMs }) => atMs));
  console.log(`downtime of ${rounds} transfers under load: at most ${downMs} ms`);
  expect(downMs).toBeLessThan(5_000);
  expect(await pair.serves(last)).toBe(true);
});

test("[C6] the new epoch opens with a rollback, far beyond, and readers go on there", async () => {
  const pair = await servePair();
  await submit(pair, 0, transfer(0, 0), true);
  const subscribe = { headers: { upgrade: "websocket" } };
  const reader = read(await pair.of(0).fetch("http://baton/ws/subscribe?from_offset=0", subscribe));
  await reader.until(() => reader.offsets().includes(5));
  await pair.transfer(1);
  await reader.until(() => reader.closed !== null);
  expect(reader.closed).toEqual({ code: 1012, reason: "resume by offset" });
  const resumed = read(
    await pair.of(1).fetch("http://baton/ws/subscribe?from_offset=5", subscribe),
  );
  await resumed.until(() => resumed.records().length > 0);
  const opening = 5 + 2 ** 20;
  expect(resumed.records()[0]).toMatchObject({ kind: "rollback", offset: opening, keepThrough: 5 });
  const next = await submit(pair, 1, transfer(0, 1), true);
  expect(next.offset).toBe(opening + 1);
  await pair.tickUntil(() => areLevel(pair));
  const pages = await Promise.all(
    ([0, 1] as const).map((which) =>
      pair.of(which).feedPage({ fromOffset: 0, limit: 100, era: null }),
    ),
  );
  expect(pages[0]).toEqual(pages[1]);
  expect(await pair.of(0).submit(transfer(0, 2))).toMatchObject({
    error: { status: 503, message: "sequencer following", retryAfterS: 1 },
  });
});

test("[C6, I8] POST /operator/rpc speaks for the candidate that is named, and moves the lead", async () => {
  const pair = await servePair({ SEQ_OPERATOR_TOKEN: OPERATOR_TOKEN });
  const rpc = async (id: string, method: string, params: readonly unknown[] = []) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: `conductor_${method}`, params });
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const url = `https://baton.test/operator/rpc?candidate=${id}`;
    const fetch = worker.fetch ?? expect.fail("the Worker answers requests");
    const request = new Request(url, { method: "POST", headers, body });
    const context = createExecutionContext();
    return await fetch(request as Parameters<typeof fetch>[0], { ...env, ...pair.vars }, context);
  };
  const [first, second] = pair.ids;
  const leader = async (id: string) => (await rpc(id, "leaderWithID")).json();
  const told = { id: first, addr: `object:sequencer/${first}`, suffrage: 0 };
  await expect.poll(() => leader(second)).toMatchObject({ result: told });
  const moved = await rpc(first, "transferLeaderToServer", [second, `object:sequencer/${second}`]);
  expect(await moved.json()).toMatchObject({ result: null });
  await pair.tickUntil(() => pair.serves(1));
  await expect.poll(() => leader(first)).toMatchObject({ result: { id: second } });
  expect((await rpc("nobody", "leader")).status).toBe(404);
});
