/** Transactions that were held back, and crashes in the middle: the order that readers know stays. */

import { parseTransaction } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { quantity } from "../../src/local/rpc.ts";
import type { Fault, RpcRequest } from "../support/faulty-rpc.ts";
import {
  restoreL1,
  type Sent,
  sentSince,
  swallow,
  swallowAll,
  swallowBatches,
} from "../support/l1-levers.ts";
import {
  BLOCKS_INTO_DANGER,
  calm,
  expectGoesOn,
  expectVoid,
  health,
  type Op,
  type Outage,
  posted,
  rollbacks,
  STALE_BLOCKS,
  serving,
  settled,
  startAgain,
  startOutage,
  submit,
  transactionOf,
} from "../support/outage.ts";
import { readFeed, until } from "../support/product.ts";
import { runVerify } from "../support/verified.ts";

let outage: Outage;

beforeAll(async () => {
  outage = await startOutage({ fail: swallowBatches, vars: { SEQ_BATCH_LINGER_SECONDS: "0" } });
});
afterAll(() => outage.stop());

/** An op whose batch was sent and is known to nobody but us. */
async function heldBack(): Promise<{ readonly op: Op; readonly zombie: Sent }> {
  outage.proxy.fail(swallowBatches);
  const op = await submit(outage);
  await posted(outage, op);
  return { op, zombie: must(sentSince(outage)[0], "a posted batch was sent") };
}

const land = ({ raw }: Sent) => outage.rpc("eth_sendRawTransaction", [raw]);

const mineIntoDanger = () => outage.stack.mine(BLOCKS_INTO_DANGER);

const noOpsSent = () => sentSince(outage).filter(({ isBatch }) => !isBatch);

/** A flush that nobody holds may be over before anybody asks for its phase: its no-ops tell of it. */
const expectFlushed = () => expect(noOpsSent()).not.toEqual([]);

const inPhase = (phase: string) =>
  until(
    () => health(outage),
    ({ recovery }) => recovery?.phase === phase,
    15_000,
  );

async function countOutcomes(kind: string): Promise<number> {
  const { outcomes } = (await runVerify(outage)).json() as { outcomes: Record<string, number> };
  return outcomes[kind] ?? 0;
}

const orderNow = async () => (await readFeed(outage.stack.url)).map(({ offset }) => offset);

test("[R2] the first batches of all are voided, and others land from nonce 0 on", async () => {
  const deposits = (await readFeed(outage.stack.url)).length;
  const op = await submit(outage);
  await posted(outage, op);
  await mineIntoDanger();
  await serving(outage);
  expectFlushed();
  restoreL1(outage);
  await expectVoid(outage, [op]);
  const [first, ...again] = await readFeed(outage.stack.url);
  expect(first).toMatchObject({ kind: "rollback", keepThrough: 0, generation: 1 });
  expect(again.map(({ kind }) => kind)).toEqual(Array(deposits).fill("direct_input"));
  await expectGoesOn(outage);
  const { l1, outcomes } = (await runVerify(outage)).json();
  expect(l1).toMatchObject({ next_batch_nonce: expect.toSatisfy((nonce) => nonce > 0) });
  expect(outcomes).toMatchObject({ "batch-rejected": 0, "batch-skipped-stale": 0 });
});

describe("a transaction that no node remembers", () => {
  beforeEach(() => calm(outage));

  test("[R2] is refused for its wallet nonce when it comes back after the cascade", async () => {
    const { op, zombie } = await heldBack();
    await mineIntoDanger();
    await serving(outage);
    await expectVoid(outage, [op]);
    const sent = sentSince(outage);
    // F1: to the node nothing was pending; the watermark knew of the slot.
    const slots = noOpsSent().map(({ walletNonce }) => walletNonce);
    expect(slots).toContain(zombie.walletNonce);
    const order = await orderNow();
    const zombies = sent.filter(({ walletNonce }) => walletNonce <= Math.max(...slots));
    for (const one of zombies.filter(({ isBatch }) => isBatch)) {
      await expect(land(one)).rejects.toThrow(/nonce too low/);
    }
    restoreL1(outage);
    expect(await orderNow()).toEqual(order);
    await expectGoesOn(outage);
  });

  test("[R2, S2] is skipped when its bytes come back in a slot of their own", async () => {
    const { op, zombie } = await heldBack();
    await mineIntoDanger();
    await serving(outage);
    restoreL1(outage);
    const instead = await submit(outage, 1);
    await settled(outage, instead);
    const before = await countOutcomes("batch-rejected");
    const { to, data } = parseTransaction(zombie.raw);
    // Signed by anvil, for the submitter's own account, in its next slot.
    await outage.rpc("eth_sendTransaction", [{ from: outage.stack.submitter, to, data }]);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
    expect(await countOutcomes("batch-rejected")).toBe(before + 1);
    expect((await transactionOf(outage, instead)).offset).toBe(instead.offset);
  });

  test("[R2] wins its slot from the flush and is taken: nothing that is in it is voided", async () => {
    const { op, zombie } = await heldBack();
    outage.proxy.fail(swallowAll);
    await mineIntoDanger();
    await inPhase("flush");
    await land(zombie);
    await serving(outage);
    restoreL1(outage);
    expect(await transactionOf(outage, op)).toMatchObject({ state: "settled", offset: op.offset });
    await expectGoesOn(outage);
  });

  test("[R2, S4] wins its slot from the flush too late: it is skipped, and voided", async () => {
    const before = await countOutcomes("batch-skipped-stale");
    const { op, zombie } = await heldBack();
    outage.proxy.fail(swallowAll);
    await outage.stack.mine(STALE_BLOCKS);
    await inPhase("flush");
    await land(zombie);
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
    expect(await countOutcomes("batch-skipped-stale")).toBe(before + 1);
  });
});

test("[R2] a batch that lands behind a lost one is skipped, and both are voided", async () => {
  await calm(outage);
  const before = await countOutcomes("batch-rejected");
  let lost = Number.POSITIVE_INFINITY;
  const isGone = ({ walletNonce, isBatch }: Sent) => {
    lost = Math.min(lost, walletNonce);
    return isBatch ? walletNonce === lost : walletNonce > lost;
  };
  outage.proxy.fail(swallow(isGone));
  const ops: Op[] = [];
  for (const index of [1, 2]) {
    const op = await submit(outage, index);
    await posted(outage, op);
    ops.push(op);
  }
  await mineIntoDanger();
  await serving(outage);
  expectFlushed();
  restoreL1(outage);
  await expectVoid(outage, ops);
  await expectGoesOn(outage);
  expect(await countOutcomes("batch-rejected")).toBe(before + 1);
});

describe("kill -9", () => {
  beforeEach(() => calm(outage));

  test("[R1] in the middle of a flush: the next life flushes on", async () => {
    const { op } = await heldBack();
    outage.proxy.fail(swallowAll);
    await mineIntoDanger();
    await sentNoOps();
    await startAgain(outage);
    await inPhase("flush");
    outage.proxy.fail(swallowBatches);
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
  });

  test("[R1, R2] between flush and cascade: the next life looks again, and sends no-ops no more", async () => {
    const { op } = await heldBack();
    const before = await rollbacks(outage);
    outage.proxy.fail(swallowAll);
    await mineIntoDanger();
    await inPhase("flush");
    const noOps = await sentNoOps();
    const heldReader = await holdReader();
    outage.proxy.fail((request) => swallowAll(request) ?? heldReader(request));
    for (const noOp of noOps) await land(noOp);
    await inPhase("post-flush-sync");
    expect(await rollbacks(outage)).toEqual(before);
    await outage.stack.killWorkerd();
    outage.proxy.fail(swallowBatches);
    await outage.stack.startWorkerd();
    await serving(outage);
    expect(noOpsSent()).toEqual([]);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    expect((await rollbacks(outage)).length).toBe(before.length + 1);
    await expectGoesOn(outage);
  });

  /** The no-ops of a flush, once there are some. */
  function sentNoOps(): Promise<readonly Sent[]> {
    return until(
      () => Promise.resolve(noOpsSent()),
      (sent) => sent.length > 0,
      15_000,
    );
  }

  /** The reader's safe head stands still; the flush, which asks for it after its nonces, sees it move. */
  async function holdReader(): Promise<(request: RpcRequest) => Fault | null> {
    const { safe_block: stored } = await health(outage);
    const block = await outage.rpc("eth_getBlockByNumber", [quantity(stored ?? 0), false]);
    let before = "";
    return ({ method, params }) => {
      const isSafeHead = method === "eth_getBlockByNumber" && params[0] === "safe";
      const isReaders = isSafeHead && before !== "eth_getTransactionCount";
      before = method;
      return isReaders ? { kind: "result", result: block } : null;
    };
  }
});
