/** The client against the product: an op to its settlement, the feed through a killed sequencer, the state through a rollback. */

import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { must } from "../../src/core/types/assert.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { createClient } from "../../src/sdk/client.ts";
import type { Client, FeedEvent, LocalAccount, Replica } from "../../src/sdk/client-types.ts";
import { OpVoidedError } from "../../src/sdk/errors.ts";
import { verifyReceipt } from "../../src/sdk/verify-receipt.ts";
import { startCommittee } from "../support/committee-product.ts";
import { restoreL1, swallowBatches } from "../support/l1-levers.ts";
import { blocksToDanger, type Outage, serving, startOutage } from "../support/outage.ts";
import { account, type Product, readFeed, until } from "../support/product.ts";

const SETTLED_LIMIT_MS = 60_000;

const accountOf = ({ stack }: Product, index: number): LocalAccount =>
  privateKeyToAccount(must(stack.accounts[index], "there are ten accounts").privateKey);

let stops: AbortController;
beforeEach(() => {
  stops = new AbortController();
});
afterEach(() => stops.abort());

/** A replica, and the state's bytes at every record that it was shown. */
async function replicaOf(
  client: Client,
): Promise<{ replica: Replica; shown: Map<number, string> }> {
  const shown = new Map<number, string>();
  const replica = await client.replica(walletApplication, {
    signal: stops.signal,
    checkpointRecords: 5,
    onEvent: ({ offset }, state) => shown.set(offset, toHex(state.snapshot())),
  });
  return { replica, shown };
}

type Snapshot = { readonly offset: number; readonly bytes: string };

/** The sequencer's newest, once it has everything up to `offset`. */
async function snapshotFrom({ stack }: Product, offset: number): Promise<Snapshot> {
  const authorization = `Bearer ${stack.operatorToken}`;
  const ask = async (): Promise<Snapshot> => {
    const response = await fetch(`${stack.url}/latest_snapshot`, { headers: { authorization } });
    const bytes = toHex(new Uint8Array(await response.arrayBuffer()));
    return { offset: Number(response.headers.get("x-l2-tx-index")), bytes };
  };
  return await until(ask, (snapshot) => snapshot.offset >= offset, 30_000);
}

async function expectSameState(product: Product, offset: number, client: Client): Promise<void> {
  const { replica, shown } = await replicaOf(client);
  const snapshot = await snapshotFrom(product, offset);
  await replica.reached(snapshot.offset);
  expect(shown.get(snapshot.offset)).toBe(snapshot.bytes);
}

describe("with a committee", () => {
  let product: Product;
  let client: Client;

  beforeAll(async () => {
    product = await startCommittee();
    client = createClient({
      url: product.stack.url,
      operatorToken: product.stack.operatorToken,
    });
  });
  afterAll(() => product.stop());

  test(
    "[I6, C2] an op is ordered, certified, posted and settled, and its receipt proves it",
    async () => {
      const to = account(product, 1).address;
      const op = await client.send({ data: encodeTransfer(1_000n, to) }, accountOf(product, 0));
      expect(await op.ordered).toMatchObject({ offset: op.offset, frameFee: 1060 });
      const epochs = await client.epochs();
      expect(epochs.genesis).toBe(product.stack.genesis);
      const ordered = await verifyReceipt(must(op.receipt, "a committee gives receipts"), epochs);
      expect(ordered).toMatchObject({ ok: true, value: { tier: "ordered" } });
      const { receipt } = must(await op.certified, "there is a committee");
      const certified = await verifyReceipt(must(receipt, "it is kept"), epochs);
      expect(certified).toMatchObject({ ok: true, value: { tier: "certified" } });
      const { posted, settled, voided } = op;
      expect(["posted", "settled"]).toContain((await posted).state);
      expect((await settled).l1?.block_number).toBeGreaterThan(0);
      expect(await voided).toBeNull();
    },
    SETTLED_LIMIT_MS,
  );

  test("[I4] many ops at once, of one account, are taken in the order of their nonces", async () => {
    const [from, to] = [accountOf(product, 2), account(product, 3).address];
    const first = await client.nonce(from.address);
    const sends = Array.from({ length: 20 }, (_, i) =>
      client.send({ data: encodeTransfer(BigInt(i), to) }, from),
    );
    const sent = await Promise.all(sends);
    expect(sent.map(({ nonce }) => nonce)).toEqual(sends.map((_, i) => first + i));
    const offsets = sent.map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  });

  test("[F1, I4] the feed goes on behind a sequencer that was killed, and so do the sends", async () => {
    const events: FeedEvent[] = [];
    const follow = async () => {
      for await (const event of client.follow({ signal: stops.signal, certificates: true })) {
        events.push(event);
      }
    };
    const following = follow().catch((reason: unknown) => reason);
    const [from, to] = [accountOf(product, 4), account(product, 5).address];
    const data = encodeTransfer(1n, to);
    for (let round = 0; round < 3; round++) {
      await client.send({ data }, from);
      await product.stack.killWorkerd();
      // It waits for the sequencer to come back.
      const waiting = client.send({ data }, from);
      await product.stack.startWorkerd();
      await waiting;
    }
    const { offset } = await client.send({ data }, from);
    const offsets = () => events.flatMap((event) => ("offset" in event ? [event.offset] : []));
    await until(
      () => Promise.resolve(offsets().at(-1) ?? 0),
      (last) => last >= offset,
      30_000,
    );
    const followed = offsets();
    const all = (await readFeed(product.stack.url)).map((record) => Number(record.offset));
    expect(followed).toEqual(all.slice(0, followed.length));
    await until(
      () => Promise.resolve(events.some(({ kind }) => kind === "certificate")),
      Boolean,
      10_000,
    );
    stops.abort(new Error("enough"));
    expect(await following).toMatchObject({ message: "enough" });
  }, 120_000);

  test("[V2] a replica, from genesis or a snapshot, has the sequencer's state", async () => {
    const [from, to] = [accountOf(product, 6), account(product, 7).address];
    const { offset } = await client.send({ data: encodeTransfer(7n, to) }, from);
    await expectSameState(product, offset, createClient({ url: product.stack.url }));
    const { replica, shown } = await replicaOf(client);
    const after = await client.send({ data: encodeTransfer(8n, to) }, from);
    const snapshot = await snapshotFrom(product, after.offset);
    await replica.reached(snapshot.offset);
    expect(shown.get(snapshot.offset)).toBe(snapshot.bytes);
    // From the snapshot on, not from the beginning.
    expect(Math.min(...shown.keys())).toBeGreaterThan(1);
  });
});

describe("when L1 is late", () => {
  let outage: Outage;
  beforeAll(async () => {
    outage = await startOutage();
  });
  afterAll(() => outage.stop());

  test("[F3, R2] an op that is voided says by which rollback, and a replica goes back with it", async () => {
    const client = createClient({ url: outage.stack.url });
    const { replica, shown } = await replicaOf(client);
    // Or the batch would land in time where this machine is slow.
    outage.proxy.fail(swallowBatches);
    const from = accountOf(outage, 0);
    const data = encodeTransfer(9n, account(outage, 1).address);
    const op = await client.send({ data }, from);
    expect(await op.certified).toBeNull();
    const { settled } = op;
    await outage.stack.mine((await blocksToDanger(outage)) + 1);
    const reason: unknown = await settled.then(
      () => null,
      (error: unknown) => error,
    );
    if (!(reason instanceof OpVoidedError)) return expect.unreachable(String(reason));
    const rollback = must(reason.rollback, "the feed goes back that far");
    expect(rollback.keepThrough).toBeLessThan(op.offset);
    expect((await readFeed(outage.stack.url)).map(({ offset }) => offset)).toContain(
      rollback.offset,
    );
    await serving(outage);
    restoreL1(outage);
    await replica.reached(rollback.offset);
    // The same op is taken once more, in another place.
    const again = await client.submit(op.signed);
    expect([again.nonce, again.offset > rollback.offset]).toEqual([op.nonce, true]);
    expect((await again.settled).state).toBe("settled");
    const snapshot = await snapshotFrom(outage, again.offset);
    await replica.reached(snapshot.offset);
    expect(shown.get(snapshot.offset)).toBe(snapshot.bytes);
  }, 120_000);
});
