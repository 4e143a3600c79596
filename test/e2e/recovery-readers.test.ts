/** Recovery as readers of the feed see it, and what it does with direct inputs. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decodeDeposit } from "../../src/apps/wallet/method.ts";
import { formatRecord } from "../../src/core/feed/record.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { encodeAddInput } from "../../src/l1/contracts.ts";
import { deposit } from "../../src/local/devnet.ts";
import { restoreL1, sentSince, swallowBatches } from "../support/l1-levers.ts";
import { heldAfter } from "../support/live-reader.ts";
import {
  BLOCKS_INTO_DANGER,
  calm,
  expectGoesOn,
  expectRefused,
  expectVoid,
  health,
  type Op,
  type Outage,
  posted,
  refused,
  rollbacks,
  serving,
  settled,
  startAgain,
  startOutage,
  submit,
} from "../support/outage.ts";
import { account, FeedSocket, readFeed, until } from "../support/product.ts";

let outage: Outage;

beforeAll(async () => {
  outage = await startOutage();
});
afterAll(() => outage.stop());
beforeEach(() => calm(outage));

const mineIntoDanger = () => outage.stack.mine(BLOCKS_INTO_DANGER);

/** A deposit of `units`, mined; it is at safe depth a moment later. */
async function depositNow(units: bigint): Promise<void> {
  const { app, erc20Portal, token } = outage.stack;
  const from = account(outage, 5).address;
  await deposit(outage.rpc, { app, erc20Portal, token, from, units });
}

/** Offsets at which a deposit of `units` is in the feed. */
async function depositsOf(units: bigint): Promise<readonly number[]> {
  return (await readFeed(outage.stack.url)).flatMap((record) =>
    record.kind === "direct_input" && decodeDeposit(record.payload)?.value === units
      ? [record.offset]
      : [],
  );
}

describe("a rollback", () => {
  test("[R3] of an open batch that grew old while it served leaves nothing behind it", async () => {
    await settled(outage, await submit(outage));
    // Where this machine is slow the batch closes first, and would land in time.
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await mineIntoDanger();
    await until(
      () => rollbacks(outage),
      (said) => said.length === 1,
      15_000,
    );
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    const [rollback] = await rollbacks(outage);
    // No direct input waited, so the new batch begins empty.
    expect((await health(outage)).feed_head).toBe(rollback?.offset);
    await expectGoesOn(outage);
  });

  test("[F3] is told to a reader that comes back with any cursor, void ones too", async () => {
    const kept = await submit(outage);
    await settled(outage, kept);
    const ops: Op[] = [];
    for (let round = 0; round < 2; round++) {
      outage.proxy.fail(swallowBatches);
      for (let i = 0; i < 3; i++) ops.push(await submit(outage, i + 1));
      const before = (await rollbacks(outage)).length;
      await mineIntoDanger();
      await until(
        () => rollbacks(outage),
        (said) => said.length > before,
        15_000,
      );
      await serving(outage);
    }
    restoreL1(outage);
    await expectVoid(outage, ops);
    const sent = await readFeed(outage.stack.url);
    const fresh = heldAfter(sent).map(formatRecord);
    const head = sent.at(-1)?.offset ?? 0;
    for (const cursor of [kept.offset, ...ops.map(({ offset }) => offset)]) {
      const reader = await FeedSocket.open(outage.stack.url, cursor);
      await until(
        () => Promise.resolve(reader.lastOffset),
        (offset) => offset === head,
        10_000,
      );
      reader.close();
      const held = outage.reader.received.filter(({ offset }) => offset <= cursor);
      const resumed = heldAfter([...held, ...reader.records]);
      expect(resumed.map(formatRecord), `resumed after ${cursor}`).toEqual(fresh);
    }
    await expectGoesOn(outage);
  });

  test("[F5] makes no cursor of a client's a cursor ahead of the head", async () => {
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await mineIntoDanger();
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    const head = (await health(outage)).feed_head ?? 0;
    const ask = (from: number) => fetch(`${outage.stack.url}/feed?from_offset=${from}`);
    expect((await ask(op.offset)).status).toBe(200);
    expect((await ask(head)).status).toBe(200);
    const ahead = await ask(head + 1);
    expect(ahead.status).toBe(409);
    expect(ahead.headers.get("x-history-error")).toBe("AHEAD_OF_HEAD");
    await expect(FeedSocket.open(outage.stack.url, head + 1)).rejects.toThrow(/409/);
    await expectGoesOn(outage);
  });
});

describe("direct inputs", () => {
  test("[R2] that came while the sequencer was down are drained into the new batch", async () => {
    await settled(outage, await submit(outage));
    outage.proxy.fail(swallowBatches);
    const op = await submit(outage);
    await outage.stack.killWorkerd();
    await depositNow(777n);
    await outage.stack.mine(BLOCKS_INTO_DANGER);
    await outage.stack.startWorkerd();
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    const last = (await rollbacks(outage)).at(-1);
    expect(await depositsOf(777n)).toEqual([Number(last?.offset) + 1]);
    await expectGoesOn(outage);
  });

  test("[R2] that void batches had drained are drained again, each once", async () => {
    outage.proxy.fail(swallowBatches);
    await depositNow(778n);
    const [before] = await until(
      () => depositsOf(778n),
      (found) => found.length === 1,
      10_000,
    );
    const op = await submit(outage);
    await posted(outage, op);
    await mineIntoDanger();
    await until(
      () => depositsOf(778n),
      (found) => found[0] !== before,
      15_000,
    );
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, [op]);
    expect(await depositsOf(778n)).toHaveLength(1);
    await expectGoesOn(outage);
  });

  test("[S2, R2] mixed with ops of all senders replay as they were seen live", async () => {
    outage.proxy.fail(swallowBatches);
    const lost: Op[] = [];
    for (let i = 0; i < 20; i++) {
      lost.push(await submit(outage, i % 8));
      if (i % 5 === 0) await depositNow(1_000n + BigInt(i));
    }
    await mineIntoDanger();
    await until(
      () => rollbacks(outage),
      (said) => said.some(({ offset }) => offset > Number(lost.at(-1)?.offset)),
      15_000,
    );
    await serving(outage);
    restoreL1(outage);
    await expectVoid(outage, lost);
    for (let i = 0; i < 20; i++) {
      await submit(outage, i % 8);
      if (i % 5 === 0) await depositNow(2_000n + BigInt(i));
    }
    await expectGoesOn(outage);
    for (const i of [0, 5, 10, 15]) {
      expect(await depositsOf(1_000n + BigInt(i))).toHaveLength(1);
      expect(await depositsOf(2_000n + BigInt(i))).toHaveLength(1);
    }
  });
});

test("[R4] a batch on L1 that nobody here sealed ends service, whatever happens after it", async () => {
  const { submitter, inputBox, app } = outage.stack;
  const { batch_nonce: newest } = await settled(outage, await submit(outage));
  outage.proxy.fail(swallowBatches);
  const data = encodeAddInput(app, encodeBatch({ nonce: BigInt(newest) + 1n, frames: [] }));
  await outage.rpc("eth_sendTransaction", [{ from: submitter, to: inputBox, data }]);
  expect((await refused(outage)).refusal).toBe("canonical-divergence");
  await expectRefused(outage, "refused");
  const said = await rollbacks(outage);
  await mineIntoDanger();
  await startAgain(outage);
  expect((await refused(outage)).refusal).toBe("canonical-divergence");
  await expectRefused(outage, "refused");
  expect(sentSince(outage)).toEqual([]);
  expect(await rollbacks(outage)).toEqual(said);
  const reader = await FeedSocket.open(outage.stack.url, 0);
  await until(
    () => Promise.resolve(reader.lastOffset),
    (offset) => offset === outage.reader.cursor,
    10_000,
  );
  reader.close();
});
