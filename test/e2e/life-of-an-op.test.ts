/** The whole life of an op on real processes, and the proof that L1 executes what was promised. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  account,
  FeedSocket,
  type Product,
  readFeed,
  startProduct,
  until,
} from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

describe("an op", () => {
  test("[I1] is confirmed softly, seen on the feed, posted and settled", async () => {
    const { stack } = product;
    const [from, to] = [account(product, 0), account(product, 1)];
    const head = (await readFeed(stack.url)).at(-1)?.offset ?? 0;
    const feed = await FeedSocket.open(stack.url, head);
    const answer = await product.post(product.transfer(from, to.address, 1_000n));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ ok: true, nonce: 0, offset: head + 1, frame_fee: 1060 });
    await until(
      () => Promise.resolve(feed.records.length),
      (n) => n === 1,
      5_000,
    );
    expect(feed.records[0]).toMatchObject({
      kind: "user_op",
      sender: from.address,
      offset: head + 1,
    });
    feed.close();
    const states = new Set<string>();
    const settled = await until(
      async () => {
        const body = await product.transaction(from.address, 0);
        states.add(body.state);
        return body;
      },
      (body) => body.state === "settled",
      30_000,
    );
    expect([...states]).toEqual(["ordered", "posted", "settled"]);
    expect(settled.l1?.block_number).toBeGreaterThan(0);
    expect(settled.l1?.tx_hash).toMatch(/^0x[0-9a-f]{64}$/);
  });

  test("[I4] sent again gets its first answer, and a different op at its nonce does not", async () => {
    const [from, to] = [account(product, 2), account(product, 3)];
    const body = product.transfer(from, to.address, 5n);
    const first = await product.post(body);
    const again = await product.post(body);
    expect(again.body).toEqual(first.body);
    from.nonce = 0;
    const other = await product.post(product.transfer(from, to.address, 6n));
    expect(other.status).toBe(422);
    expect(other.body).toEqual({
      ok: false,
      code: "EXECUTION_REJECTED",
      message: "bad nonce: expected 1, got 0",
    });
  });

  test("[I4] two clients race one nonce: exactly one wins", async () => {
    const [from, to] = [account(product, 4), account(product, 5)];
    for (let nonce = 0; nonce < size(5, 100); nonce++) {
      const rivals = [1n, 2n, 3n, 4n].map((amount) => {
        from.nonce = nonce;
        return product.transfer(from, to.address, amount);
      });
      const answers = await Promise.all(rivals.map((body) => product.post(body)));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
      expect(answers.filter((answer) => answer.status === 422)).toHaveLength(3);
    }
  });
});

describe("L1", () => {
  test("[S2] [V4] an independent replay of its inputs gives the sequencer's state, byte for byte", async () => {
    const senders = product.accounts.slice(6);
    for (let round = 0; round < size(30, 300); round++) {
      for (const from of senders) {
        const answer = await product.post(product.transfer(from, account(product, 0).address, 7n));
        expect(answer.status).toBe(200);
      }
    }
    const last = account(product, 9);
    await until(
      () => product.transaction(last.address, last.nonce - 1),
      (body) => body.state === "settled",
      60_000,
    );
    const ran = await expectVerified(product);
    expect(ran.json()).toMatchObject({ compared_bytes: true, outcomes: { "batch-rejected": 0 } });
  });
});
