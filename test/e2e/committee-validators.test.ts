/** A committee of four processes over loopback: what it bears, where it stops, and how it comes back. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { TransactionBody } from "../../src/core/api/sequencer-api.ts";
import { must } from "../../src/core/types/assert.ts";
import { encodeGetNumberOfInputs } from "../../src/l1/contracts.ts";
import type { Member } from "../../src/local/members.ts";
import { rpcOf } from "../../src/local/rpc.ts";
import {
  ask,
  certificatesOf,
  committeeOf,
  epochsOf,
  healthOf,
  postCertified,
  proofIn,
  startCommittee,
  statusOf,
} from "../support/committee-product.ts";
import { type Answer, account, type Product, until } from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

const HEAL_LIMIT_MS = 20_000;
const SETTLE_LIMIT_MS = 40_000;

let product: Product;

beforeAll(async () => {
  product = await startCommittee({ isSpread: true });
});
afterAll(() => product.stop());
/** Every scenario ends with a committee that certifies, and so begins with one. */
afterEach(() => certifies(3));

function validator(at: number): Member {
  return must(product.stack.members[at], "the first candidate is no member with a process");
}

/** Waits until nothing waits for a certificate, and so many members answer. */
async function certifies(reachable: number): Promise<void> {
  await until(
    () => committeeOf(product.stack.url),
    (now) => now.uncertified_events === 0 && (now.reachable ?? 0) >= reachable,
    HEAL_LIMIT_MS,
  );
}

async function order(index: number): Promise<Answer> {
  const from = account(product, index);
  const answer = await product.post(product.transfer(from, account(product, 9).address, 1n));
  expect(answer.status).toBe(200);
  expect(answer.body["receipt"]).toMatchObject({ tier: "ordered" });
  return answer;
}

async function certified(index: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const to = account(product, 9).address;
    const { status, body } = await postCertified(product, account(product, index), to);
    expect([status, body["receipt"]]).toMatchObject([200, { tier: "certified" }]);
  }
}

/** Of the account's newest op. */
function newestOf(index: number): Promise<TransactionBody> {
  const { address, nonce } = account(product, index);
  return product.transaction(address, nonce - 1);
}

function settled(index: number): Promise<TransactionBody> {
  return until(
    () => newestOf(index),
    ({ state }) => state === "settled",
    SETTLE_LIMIT_MS,
  );
}

/** Inputs that L1 has, and transactions that the submitter ever sent, those that wait among them. */
async function onL1() {
  const { rpcUrl, inputBox, app, submitter } = product.stack;
  const rpc = rpcOf(rpcUrl);
  const call = { to: inputBox, data: encodeGetNumberOfInputs(app) };
  return {
    inputs: Number(await rpc<string>("eth_call", [call, "latest"])),
    sent: Number(await rpc<string>("eth_getTransactionCount", [submitter, "pending"])),
  };
}

describe("a committee of four", () => {
  test("[C5] loses one validator, and all goes on: certified, posted and settled", async () => {
    await validator(0).kill();
    await certified(0, size(5, 50));
    await settled(0);
    const { certified_height: height } = await committeeOf(product.stack.url);
    await validator(0).start();
    // What it missed is brought to it, with nobody's help.
    await until(
      () => statusOf(validator(0)),
      (status) => (status.acked_height ?? -1) >= height,
      HEAL_LIMIT_MS,
    );
  });

  test("[C5, C7] loses two: it orders on, certifies and posts nothing, says why, and heals when one is back", async () => {
    const { url } = product.stack;
    await settled(0);
    await until(
      () => healthOf(url),
      (health) => health.unposted_batches === 0,
      SETTLE_LIMIT_MS,
    );
    await Promise.all([validator(0).kill(), validator(1).kill()]);
    const before = { ...(await onL1()), certificates: (await certificatesOf(url)).length };
    for (let i = 0; i < size(10, 100); i++) await order(i % 5);
    // The answer is held for ten seconds: long enough for a batch to seal and be posted.
    const late = await postCertified(product, account(product, 5), account(product, 9).address);
    expect([late.status, late.body["receipt"]]).toMatchObject([202, { tier: "ordered" }]);
    const health = await until(
      () => healthOf(url),
      ({ unposted_batches: batches, committee }) =>
        (batches ?? 0) > 0 && committee?.reachable === 2,
      HEAL_LIMIT_MS,
    );
    expect(health).toMatchObject({
      mode: "serving",
      committee: { reason: "no-quorum", quorum: 3 },
    });
    expect(health.committee?.uncertified_events).toBeGreaterThan(size(10, 100));
    await order(6);
    expect((await newestOf(5)).state).toBe("ordered");
    const after = { ...(await onL1()), certificates: (await certificatesOf(url)).length };
    expect(after).toEqual(before);

    await validator(1).start();
    await certifies(3);
    expect(await committeeOf(url)).toMatchObject({ reason: null });
    for (const index of [0, 5, 6]) await settled(index);
    expect((await onL1()).inputs).toBeGreaterThan(before.inputs);
    await validator(0).start();
    await certifies(4);
  });

  test("[C9] a validator that lost its disk comes back as a stranger: mute, and counted by nobody", async () => {
    const [wiped, other] = [validator(2), validator(3)];
    const keyOf = ({ url, name }: Member) =>
      ask<{ key: string }>(`${url}/committee/validator/${name}/key`);
    const { key } = await keyOf(wiped);
    await wiped.kill();
    wiped.wipe();
    await wiped.start();
    expect((await keyOf(wiped)).key).not.toBe(key);
    expect(await statusOf(wiped)).toMatchObject({ is_member: false, acked_height: null });
    await certified(1, size(3, 30));
    await until(
      () => committeeOf(product.stack.url),
      ({ reachable }) => reachable === 3,
      HEAL_LIMIT_MS,
    );
    // Three of four are left with their keys: without one more, nothing is certified.
    await other.kill();
    await order(1);
    await until(
      () => committeeOf(product.stack.url),
      ({ reason }) => reason === "no-quorum",
      HEAL_LIMIT_MS,
    );
    expect((await newestOf(1)).state).toBe("ordered");
    expect(await statusOf(wiped)).toMatchObject({ is_member: false, acked_height: null });
    await other.start();
    await certifies(3);
    await settled(1);
  });

  test("[C2] all the time it made one history, and L1 executes it", async () => {
    const { url } = product.stack;
    const epochs = await epochsOf(url);
    expect(epochs.records).toHaveLength(1);
    const heights = (await certificatesOf(url)).map(({ chunk }) => chunk.height);
    expect(heights).toEqual([...new Set(heights)].sort((a, b) => a - b));
    const proof = await proofIn({ ...(await newestOf(1)) }, epochs);
    expect(proof).toMatchObject({ tier: "certified", abandonedBy: null });
    expect(await committeeOf(url)).toMatchObject({ evidence: 0 });
    await expectVerified(product);
  });
});
