/** kill -9 of workerd at random moments under load, in recovery too: no promise is broken in silence. */

import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sender } from "../../bench/ops.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { Random } from "../sim/random.ts";
import { restoreL1, swallowBatches } from "../support/l1-levers.ts";
import { heldAfter } from "../support/live-reader.ts";
import {
  blocksToDanger,
  calm,
  expectGoesOn,
  health,
  type Outage,
  startOutage,
} from "../support/outage.ts";
import { account, readFeed } from "../support/product.ts";
import { size } from "../support/size.ts";

/** Each run has a stack of its own, whatever the one before it left. */
const RUNS = Array.from({ length: size(1, 10) }, (_, run) => run);
const ROUNDS = 10;
/** Enough to keep every chunk busy, few enough for signing not to take all of a small machine. */
const SENDERS = 4;
const RETRY_MS = 20;

let outage: Outage;

beforeEach(async () => {
  outage = await startOutage();
});
afterEach(() => outage.stop());

type Confirmed = { readonly key: string; readonly offset: number };

const keyOf = (sender: string, nonce: number): string => `${sender}:${nonce}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends until the server is gone. What is in flight then may have been included or not. */
async function load(from: Sender, to: Address, confirmed: Confirmed[]): Promise<void> {
  try {
    for (;;) {
      from.nonce = await nextNonce(from);
      for (let isTaken = true; isTaken; ) isTaken = await sendOne(from, to, confirmed);
      // Not serving, or another nonce after a rollback.
      await pause(RETRY_MS);
    }
  } catch (error) {
    // `fetch` says so when the process died; everything else is a failure of the test.
    if (!(error instanceof TypeError)) throw error;
  }
}

async function sendOne(from: Sender, to: Address, confirmed: Confirmed[]): Promise<boolean> {
  const key = keyOf(from.address, from.nonce);
  const { status, body } = await outage.post(outage.transfer(from, to, 1n));
  if (status !== 200) {
    expect([422, 503]).toContain(status);
    return false;
  }
  confirmed.push({ key, offset: Number(body["offset"]) });
  return true;
}

async function nextNonce({ address }: Sender): Promise<number> {
  const answer = await fetch(`${outage.stack.url}/nonce?sender=${address}`);
  const { next_nonce: next } = (await answer.json()) as { next_nonce?: number };
  return next ?? 0;
}

/** One life under load, to its violent end. */
async function live(confirmed: Confirmed[], untilDeath: () => Promise<void>): Promise<void> {
  const { stack } = outage;
  const senders = outage.accounts.slice(0, SENDERS);
  const loads = senders.map((from) => load(from, account(outage, 9).address, confirmed));
  await untilDeath();
  await stack.killWorkerd();
  await Promise.all(loads);
  await stack.startWorkerd();
}

test.each(RUNS)(
  "[I3, F3] kill -9 under load and in recovery, run %i: each 200 is kept in its place, or voided aloud",
  async (run) => {
    const { stack } = outage;
    const random = new Random(run + 1, "crash");
    const confirmed: Confirmed[] = [];
    const rollbacksIn = { crash: 0, danger: 0 };
    let shortCrashRounds = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const {
        generation: before,
        safe_block: startBlock,
        blocks_to_danger: margin,
      } = await calmHealth();
      const isDangerous = random.chance(0.5);
      await live(confirmed, async () => {
        await pause(random.between(100, 700));
        if (!isDangerous) return;
        outage.proxy.fail(swallowBatches);
        await pause(random.between(0, 700));
        // Just in danger, deep in it, or past what the scheduler takes (S4).
        await stack.mine((await blocksToDanger(outage)) + random.pick([1, 300, 1_100]));
        await pause(random.between(0, 1_000));
      });
      if (random.chance(0.5)) restoreL1(outage);
      else await pause(random.between(0, 1_000));
      await calm(outage);
      await outage.reader.resume();
      const { generation: after } = await health(outage);
      const begun = (after ?? 0) - before;
      if (isDangerous) rollbacksIn.danger += begun;
      // On a busy machine a restart may take so long that blocks alone bring danger.
      if (!isDangerous && (await newestBlock()) - startBlock < margin) {
        shortCrashRounds++;
        rollbacksIn.crash += begun;
      }
    }
    await expectGoesOn(outage);
    const sent = await readFeed(stack.url);
    expectKept(confirmed, sent);
    expectOnce(sent);
    expect(rollbacksIn.crash).toBe(0);
    expect(shortCrashRounds).toBeGreaterThan(0);
    expect(rollbacksIn.danger).toBeGreaterThan(0);
    expect(confirmed.length).toBeGreaterThan(50);
  },
);

/** Numbers of a sequencer that serves. */
async function calmHealth() {
  const { generation, safe_block, blocks_to_danger } = await health(outage);
  return {
    generation: generation ?? 0,
    safe_block: must(safe_block, "it has read L1"),
    blocks_to_danger: must(blocks_to_danger, "health knows the danger after genesis"),
  };
}

async function newestBlock(): Promise<number> {
  return Number(await outage.rpc<string>("eth_blockNumber"));
}

/** Every op that was answered 200 is at its offset, or a rollback that readers get is over it. */
function expectKept(confirmed: readonly Confirmed[], sent: readonly FeedRecord[]): void {
  const places = new Map<number, string>();
  for (const record of sent) {
    if (record.kind === "user_op") places.set(record.offset, keyOf(record.sender, record.nonce));
  }
  const rollbacks = sent.filter((record) => record.kind === "rollback");
  const broken = confirmed.filter(
    ({ key, offset }) =>
      places.get(offset) !== key &&
      !rollbacks.some((one) => one.keepThrough < offset && offset < one.offset),
  );
  expect(broken).toEqual([]);
}

/** Each sender's ops have the nonces 0, 1, 2 and so on. */
function expectOnce(sent: readonly FeedRecord[]): void {
  const nonces = new Map<string, number[]>();
  for (const record of heldAfter(sent)) {
    if (record.kind !== "user_op") continue;
    const ofSender = nonces.get(record.sender) ?? [];
    ofSender.push(record.nonce);
    nonces.set(record.sender, ofSender);
  }
  for (const ofSender of nonces.values()) expect(ofSender).toEqual(ofSender.map((_, i) => i));
}
