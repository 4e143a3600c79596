/** kill -9 of workerd under load: nothing that was confirmed is lost, moved or repeated. */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Sender } from "../../bench/ops.ts";
import { FeedSocket, type Product, readFeed, startProduct } from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

type Confirmed = { readonly sender: string; readonly nonce: number; readonly offset: number };

/** Sends until the server is gone. The op in flight then is unknown, so it is sent again first. */
async function load(from: Sender, to: Sender, confirmed: Confirmed[], isStopped: () => boolean) {
  while (!isStopped()) {
    const nonce = from.nonce;
    const body = product.transfer(from, to.address, 1n);
    try {
      const answer = await product.post(body);
      if (answer.status === 200) {
        confirmed.push({ sender: from.address, nonce, offset: Number(answer.body["offset"]) });
      } else from.nonce = nonce;
    } catch {
      // The process died: whether the op was included is found out by sending it again (I4).
      from.nonce = nonce;
      return;
    }
  }
}

test("[I3] every confirmed op survives kill -9 in its place, and the feed has no gap and no repeat", async () => {
  const { stack } = product;
  const confirmed: Confirmed[] = [];
  const seen: number[] = [];
  for (let round = 0; round < size(3, 20); round++) {
    let stopped = false;
    const feed = await FeedSocket.open(stack.url, seen.at(-1) ?? 0);
    const senders = product.accounts;
    const loads = senders.map((from, i) =>
      load(from, senders[(i + 1) % senders.length] ?? from, confirmed, () => stopped),
    );
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1_500));
    await stack.killWorkerd();
    stopped = true;
    await Promise.all(loads);
    seen.push(...feed.records.map((record) => record.offset));
    feed.close();
    await stack.restartWorkerd();
  }
  const records = await readFeed(stack.url);
  expect(records.map((record) => record.offset)).toEqual(records.map((_, i) => i + 1));
  expect(seen).toEqual(seen.map((_, i) => i + 1));
  const places = new Map(
    records.flatMap((record) =>
      record.kind === "user_op" ? [[`${record.sender}:${record.nonce}`, record.offset]] : [],
    ),
  );
  expect(confirmed.length).toBeGreaterThan(50);
  for (const { sender, nonce, offset } of confirmed) {
    expect(places.get(`${sender}:${nonce}`)).toBe(offset);
  }
});

test("[V4] in the end L1 gives what the sequencer calls finalized", () => expectVerified(product));
