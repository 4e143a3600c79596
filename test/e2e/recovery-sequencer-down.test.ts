/** The sequencer was down while L1 went on: what may still land is kept, what may not is voided. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { restoreL1, sentSince, swallowBatches } from "../support/l1-levers.ts";
import {
  BLOCKS_INTO_DANGER,
  blocksToDanger,
  calm,
  expectGoesOn,
  expectVoid,
  health,
  type Outage,
  posted,
  rollbacks,
  STALE_BLOCKS,
  serving,
  settled,
  startOutage,
  submit,
  transactionOf,
} from "../support/outage.ts";

let outage: Outage;

beforeAll(async () => {
  outage = await startOutage();
});
beforeEach(() => calm(outage));
afterAll(() => outage.stop());

/** Blocks come while no sequencer runs. */
async function downFor(blocks: number): Promise<void> {
  await outage.stack.killWorkerd();
  await outage.stack.mine(blocks);
}

async function generationNow(): Promise<number> {
  return (await health(outage)).generation ?? -1;
}

describe("a sequencer that was down", () => {
  test("[R3] before the danger zone recovers nothing: its open batch lands as promised", async () => {
    const left = await blocksToDanger(outage);
    const op = await submit(outage);
    // Some fifteen seconds of blocks are left for what this machine takes to start and to post.
    await downFor(Math.max(1, left - 150));
    await outage.stack.startWorkerd();
    await serving(outage);
    expect((await settled(outage, op)).offset).toBe(op.offset);
    expect(await generationNow()).toBe(0);
    await expectGoesOn(outage);
  });

  test("[R1] in the danger zone with nothing but an open batch voids that without a flush", async () => {
    await settled(outage, await submit(outage));
    restoreL1(outage);
    const op = await submit(outage);
    await downFor(BLOCKS_INTO_DANGER);
    await outage.stack.startWorkerd();
    await serving(outage);
    await expectVoid(outage, [op]);
    expect(await generationNow()).toBe(1);
    expect(sentSince(outage).filter(({ isBatch }) => !isBatch)).toEqual([]);
    await expectGoesOn(outage);
  });

  test("[R2] past the scheduler's patience flushes and voids what a pool had lost", async () => {
    await outage.stack.pauseBlocks();
    const lost = await submit(outage);
    await posted(outage, lost);
    const open = await submit(outage);
    await outage.stack.killWorkerd();
    await outage.rpc("anvil_dropAllTransactions");
    await outage.stack.mine(STALE_BLOCKS);
    outage.stack.resumeBlocks();
    await outage.stack.startWorkerd();
    await serving(outage);
    await expectVoid(outage, [lost, open]);
    expect((await rollbacks(outage)).length).toBe(2);
    expect(sentSince(outage).some(({ isBatch }) => !isBatch)).toBe(true);
    await expectGoesOn(outage);
  });

  test("[R2, S4] whose batch lands too late to be taken voids it", async () => {
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await posted(outage, op);
    const [late] = sentSince(outage);
    await downFor(STALE_BLOCKS);
    await outage.rpc("eth_sendRawTransaction", [late?.raw]);
    await outage.stack.mine(3);
    restoreL1(outage);
    await outage.stack.startWorkerd();
    await serving(outage);
    await expectVoid(outage, [op]);
    await expectGoesOn(outage);
  });

  test("[R3] whose batch lands late but in time keeps every promise", async () => {
    const before = await rollbacks(outage);
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await posted(outage, op);
    const [late] = sentSince(outage);
    await downFor(BLOCKS_INTO_DANGER);
    await outage.rpc("eth_sendRawTransaction", [late?.raw]);
    await outage.stack.mine(3);
    restoreL1(outage);
    await outage.stack.startWorkerd();
    await serving(outage);
    expect(await transactionOf(outage, op)).toMatchObject({ state: "settled", offset: op.offset });
    // The open batch is in danger too, and nothing was promised in it.
    const said = await rollbacks(outage);
    expect(said.filter(({ keepThrough }) => keepThrough < op.offset)).toEqual(before);
    await expectGoesOn(outage);
  });
});
