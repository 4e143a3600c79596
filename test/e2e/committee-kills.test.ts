/** kill -9 of one candidate or the other at random moments of a transfer: one history, nothing certified lost. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { Random } from "../sim/random.ts";
import {
  candidatesOf,
  conductor,
  expectOneHistory,
  leaderAmong,
  type Machine,
} from "../support/candidates.ts";
import { CertifiedLoad, expectNothingLost } from "../support/certified-load.ts";
import { committeeOf, healthOf, startCommittee } from "../support/committee-product.ts";
import { type Product, until } from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

/** Each run has a stack of its own: what is kept of the feed must be all of it. */
const RUNS = Array.from({ length: size(1, 10) }, (_, run) => run);
const ROUNDS = 10;
const SENDERS = 4;
/** Some twice as long as a transfer takes when nobody is killed. */
const KILL_WITHIN_MS = 250;
const DOWN_MS_MAX = 500;
/** The election's timeout, a takeover that is given up and another one. */
const RETURN_LIMIT_MS = 45_000;

let product: Product;
let machines: readonly Machine[];

beforeEach(async () => {
  product = await startCommittee({ candidates: 2, isSpread: true });
  machines = candidatesOf(product);
});
afterEach(() => product.stop());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until each of the two leads, or follows whoever leads. */
async function bothAreUp(): Promise<void> {
  const healths = () => Promise.all(machines.map(({ url }) => healthOf(url).catch(() => null)));
  await until(
    healths,
    (both) =>
      both
        .map((one) => one?.mode)
        .toSorted()
        .join() === "following,serving",
    RETURN_LIMIT_MS,
  );
}

/** One transfer and one death; answers for how long nobody got an answer. */
async function round(random: Random, load: CertifiedLoad): Promise<number> {
  const leader = await leaderAmong(machines, RETURN_LIMIT_MS);
  const beganMs = Date.now();
  expect(await conductor(product, leader, "transferLeader")).toBeNull();
  await pause(random.between(0, KILL_WITHIN_MS));
  const victim = random.pick([...machines]);
  await victim.kill();
  await pause(random.between(0, DOWN_MS_MAX));
  await victim.start();
  await load.more(2, RETURN_LIMIT_MS);
  await bothAreUp();
  return load.longestGapMs(beganMs);
}

test.each(RUNS)(
  "[C6, C8] kill -9 in a transfer, run %i: never two histories, nothing certified is lost, service returns",
  async (run) => {
    const random = new Random(run + 1, "transfer-kills");
    const urls = machines.map(({ url }) => url);
    const load = new CertifiedLoad(product, urls, product.accounts.slice(0, SENDERS));
    await load.more(2, RETURN_LIMIT_MS);
    const downMs: number[] = [];
    for (let i = 0; i < ROUNDS; i++) downMs.push(await round(random, load));
    await load.stop();
    console.log(`kills in a transfer: without an answer for ${downMs.join(", ")} ms`);

    const leader = await leaderAmong(machines, RETURN_LIMIT_MS);
    const { epoch, evidence } = await committeeOf(leader.url);
    expect(must(epoch, "it is founded")).toBeGreaterThan(ROUNDS / 2);
    expect(evidence).toBe(0);
    await expectNothingLost(leader.url, load.ops);
    await expectVerified({ ...product, stack: { ...product.stack, url: leader.url } });
    for (const machine of machines) await machine.kill();
    const certificates = load.ops.map(({ receipt }) => receipt.certificate.chunk);
    expectOneHistory(machines, certificates);
  },
);
