/** Two candidates and four validators, each a process: leadership moves under load, and nothing certified is lost. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import {
  candidatesOf,
  conductor,
  expectOneHistory,
  leaderAmong,
  type Machine,
} from "../support/candidates.ts";
import { CertifiedLoad, type CertifiedOp, expectNothingLost } from "../support/certified-load.ts";
import { committeeOf, healthOf, startCommittee } from "../support/committee-product.ts";
import { type Product, until } from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

/** At default timeouts, on this machine, it should take a second, and ten; a busy one takes longer. */
const TRANSFER_LIMIT_MS = 5_000;
const FAILOVER_LIMIT_MS = 20_000;
/** One that held what nobody inherits reads the whole log again. */
const FOLLOW_LIMIT_MS = size(20_000, 120_000);
const SETTLE_LIMIT_MS = 60_000;
const SENDERS = 4;

let product: Product;
let machines: readonly Machine[];
let load: CertifiedLoad;
/** Of all tests. */
const certified: CertifiedOp[] = [];

beforeAll(async () => {
  product = await startCommittee({ candidates: 2, isSpread: true });
  machines = candidatesOf(product);
});
afterAll(() => product.stop());
beforeEach(async () => {
  const urls = machines.map(({ url }) => url);
  load = new CertifiedLoad(product, urls, product.accounts.slice(0, SENDERS));
  await load.more(5, FOLLOW_LIMIT_MS);
});
afterEach(async () => {
  await load.stop();
  certified.push(...load.ops);
  const leader = await leaderAmong(machines, FAILOVER_LIMIT_MS);
  await expectNothingLost(leader.url, load.ops);
});

const otherThan = ({ id }: Machine): Machine =>
  must(
    machines.find((one) => one.id !== id),
    "there are two candidates",
  );

/** Waits until it follows the log to where it was certified just now. */
async function follows(machine: Machine, leader: Machine): Promise<void> {
  const { certified_height: height } = await committeeOf(leader.url);
  await until(
    () => healthOf(machine.url).catch(() => null),
    (health) =>
      health?.mode === "following" &&
      health.committee?.leader === leader.id &&
      health.committee.certified_height >= height,
    FOLLOW_LIMIT_MS,
  );
}

async function newestSettles(url: string): Promise<void> {
  const op = must(load.ops.at(-1), "an op was certified");
  const path = `${url}/tx/${op.key.replace(":", "/")}`;
  await until(
    async () => (await (await fetch(path)).json()) as { state?: string },
    ({ state }) => state === "settled",
    SETTLE_LIMIT_MS,
  );
}

describe("leadership under load", () => {
  test("[C8] an operator's transfer moves it: both Workers serve before and after", async () => {
    const downMs: number[] = [];
    for (let i = 0; i < size(2, 20); i++) {
      const leader = await leaderAmong(machines, FAILOVER_LIMIT_MS);
      const next = otherThan(leader);
      await follows(next, leader);
      const beganMs = Date.now();
      expect(await conductor(product, leader, "transferLeader")).toBeNull();
      await until(
        () => conductor(product, next, "leader"),
        (leads) => leads === true,
        FAILOVER_LIMIT_MS,
      );
      await load.more(5, FAILOVER_LIMIT_MS);
      downMs.push(load.longestGapMs(beganMs));
      for (const machine of machines) {
        expect(await conductor(product, machine, "leaderWithID")).toMatchObject({ id: next.id });
      }
      expect(await conductor(product, leader, "leader")).toBe(false);
    }
    console.log(`transfer under load: without an answer for ${downMs.join(", ")} ms`);
    expect(Math.max(...downMs)).toBeLessThan(TRANSFER_LIMIT_MS);
    await newestSettles(product.stack.url);
  });

  test("[C8] kill -9 of the leader: another one is elected, settles, and the old one follows", async () => {
    const downMs: number[] = [];
    for (let i = 0; i < size(1, 10); i++) {
      const leader = await leaderAmong(machines, FAILOVER_LIMIT_MS);
      const next = otherThan(leader);
      await follows(next, leader);
      const beganMs = Date.now();
      await leader.kill();
      expect(await leaderAmong([next], FAILOVER_LIMIT_MS)).toBe(next);
      await load.more(5, FAILOVER_LIMIT_MS, [next.url]);
      downMs.push(load.longestGapMs(beganMs));
      await newestSettles(next.url);
      await leader.start();
      await load.more(5, FOLLOW_LIMIT_MS);
      await follows(leader, next);
    }
    console.log(`failover under load: without an answer for ${downMs.join(", ")} ms`);
    expect(Math.max(...downMs)).toBeLessThan(FAILOVER_LIMIT_MS);
  });
});

describe("afterwards", () => {
  test("[C6] the whole of it is one history, which L1 executes", async () => {
    await load.stop();
    const leader = await leaderAmong(machines, FAILOVER_LIMIT_MS);
    expect(await committeeOf(leader.url)).toMatchObject({ evidence: 0, reason: null });
    await expectNothingLost(leader.url, certified);
    await expectVerified({ ...product, stack: { ...product.stack, url: leader.url } });
    for (const machine of machines) await machine.kill();
    expectOneHistory(
      machines,
      certified.map(({ receipt }) => receipt.certificate.chunk),
    );
    for (const machine of machines) await machine.start();
  });
});
