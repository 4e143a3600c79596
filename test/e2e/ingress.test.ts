/** The lane's own rows of the validation table, and what clients read besides, against the live product. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_FEE, seededSender, signedOp, signerFor } from "../../bench/ops.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { SubmitSocket } from "../../src/local/load/submit-socket.ts";
import { account, type Product, postTx, readFeed, startProduct } from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

const refused = (message: string) => ({ ok: false, code: "EXECUTION_REJECTED", message });

describe("the lane", () => {
  test.each([
    { maxFee: 1059, status: 422 },
    { maxFee: 1060, status: 200 },
  ])("[I1] row 18: max fee $maxFee at base fee 1060 gives $status", async ({ maxFee, status }) => {
    const signer = signerFor(product.stack.chainId, product.stack.app);
    const body = signedOp(signer, account(product, 0), {
      data: new Uint8Array(0),
      maxFee,
      nonce: 0,
    });
    const answer = await product.post(body);
    expect(answer.status).toBe(status);
    if (status === 422) expect(answer.body).toEqual(refused("max fee 1059 below base fee 1060"));
  });

  test("[I1] row 18 comes before row 19: a low fee is named although the nonce is wrong too", async () => {
    const signer = signerFor(product.stack.chainId, product.stack.app);
    const op = { data: new Uint8Array(0), maxFee: 1, nonce: 99 };
    const answer = await product.post(signedOp(signer, account(product, 1), op));
    expect(answer.body).toEqual(refused("max fee 1 below base fee 1060"));
  });

  test("[I1] row 19: a nonce ahead is refused at once, there is no gap queue", async () => {
    const from = account(product, 1);
    from.nonce = 7;
    const answer = await product.post(product.transfer(from, from.address, 1n));
    from.nonce = 0;
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual(refused("bad nonce: expected 0, got 7"));
  });

  test("[I1] row 20: who cannot pay the fee is told what is missing", async () => {
    const answer = await product.post(
      product.transfer(seededSender(999), account(product, 0).address, 1n),
    );
    expect(answer.status).toBe(422);
    const message = "insufficient balance for fee: required 3824, available 0";
    expect(answer.body).toEqual(refused(message));
  });

  test("[I1] an op whose data the application does not know is included and pays its fee", async () => {
    const signer = signerFor(product.stack.chainId, product.stack.app);
    const from = account(product, 2);
    const op = { data: new Uint8Array([0xff, 1, 2]), maxFee: MAX_FEE, nonce: from.nonce++ };
    expect((await product.post(signedOp(signer, from, op))).status).toBe(200);
    const record = (await readFeed(product.stack.url)).at(-1);
    expect(record).toMatchObject({ kind: "user_op", sender: from.address, fee: 1060 });
    expect(record?.kind === "user_op" && toHex(record.data)).toBe("0xff0102");
  });

  test("[I9] a submit channel includes the ops of one connection in their order", async () => {
    const channel = await SubmitSocket.open(product.stack.url);
    const [from, to] = [account(product, 8), account(product, 9)];
    const bodies = Array.from({ length: 100 }, () => product.transfer(from, to.address, 1n));
    const accepted = await Promise.all(bodies.map((body) => channel.submit(body)));
    channel.close();
    expect(accepted).toEqual(bodies.map(() => true));
    const seen = (await readFeed(product.stack.url, 0)).filter(
      (record) => record.kind === "user_op" && record.sender === from.address,
    );
    expect(seen.map((record) => record.kind === "user_op" && record.nonce)).toEqual(
      bodies.map((_, i) => i),
    );
  });

  test("[F1] a refused op never appears on the feed", async () => {
    const before = (await readFeed(product.stack.url)).length;
    await product.post(product.transfer(seededSender(998), account(product, 0).address, 1n));
    expect(await readFeed(product.stack.url)).toHaveLength(before);
  });
});

describe("anything at all", () => {
  test("[I6] no body makes a 5xx, and every refusal has ok, code and message", async () => {
    const valid = product.transfer(account(product, 3), account(product, 4).address, 1n);
    account(product, 3).nonce--;
    for (let i = 0; i < size(300, 20_000); i++) {
      const at = Math.floor(Math.random() * valid.length);
      const junk = String.fromCharCode(32 + Math.floor(Math.random() * 95));
      const body = valid.slice(0, at) + junk + valid.slice(at + 1);
      const answer = await postTx(product.stack.url, body);
      expect(answer.status, body).toBeLessThan(500);
      if (answer.status !== 200) {
        expect(Object.keys(answer.body), body).toEqual(["ok", "code", "message"]);
      }
    }
  });
});

describe("what a client asks before it signs", () => {
  test("[I6] fee, nonce, domain and deployment", async () => {
    const { stack } = product;
    const get = async (path: string) => (await fetch(`${stack.url}${path}`)).json();
    expect(await get("/fee")).toEqual({
      fee: 1060,
      recommended_fee: 1060,
      suggested_max_fee: 1113,
    });
    expect(await get(`/nonce?sender=${account(product, 9).address}`)).toMatchObject({
      next_nonce: 0,
    });
    expect(await get("/domain")).toMatchObject({
      name: "CartesiAppSequencer",
      version: "1",
      chainId: 31337,
    });
    expect(await get("/deployment")).toMatchObject({
      chain_id: 31337,
      application: "wallet",
      era: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test("[I7] health tells numbers that move", async () => {
    const body = (await (await fetch(`${product.stack.url}/healthz`)).json()) as Record<
      string,
      unknown
    >;
    expect(body).toMatchObject({ status: "ok", mode: "serving", generation: 0 });
    expect(body["safe_block"]).toBeGreaterThan(0);
    expect(body["blocks_to_danger"]).toBeLessThanOrEqual(900);
    expect(body["feed_head"]).toBe((await readFeed(product.stack.url)).at(-1)?.offset);
  });
});

test("[V4] in the end L1 gives what the sequencer calls finalized", () => expectVerified(product));
