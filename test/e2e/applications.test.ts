/** Two rollups on one L1, each a deployment of its own: nothing that one does reaches the other. */

import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { counter, encodeRaise } from "../../examples/counter-app/counter.ts";
import { buildRollup } from "../../scripts/build.ts";
import { must } from "../../src/core/types/assert.ts";
import { createClient } from "../../src/sdk/client.ts";
import type { Client } from "../../src/sdk/client-types.ts";
import { type Beside, startBeside } from "../support/beside.ts";
import { runCommand } from "../support/command.ts";
import { account, type Product, startProduct, until } from "../support/product.ts";

const rollup = { bundle: buildRollup("examples/counter-app"), application: counter };

let product: Product;
let beside: Beside;
let counting: Client;

beforeAll(async () => {
  product = await startProduct();
  beside = await startBeside(product, rollup);
  counting = createClient({ url: beside.url, operatorToken: beside.operatorToken });
});

afterAll(async () => {
  await beside.stop();
  await product.stop();
});

/** The same key speaks to both: a nonce belongs to a rollup, not to an account. */
function user() {
  return privateKeyToAccount(must(product.stack.accounts[2], "there are ten").privateKey);
}

describe("[X1] a wallet and a counter side by side", () => {
  test("both take ops and settle them, under domains and submitters of their own", async () => {
    const [from, to] = [account(product, 2), account(product, 3)];
    const [posted, raised] = await Promise.all([
      product.post(product.transfer(from, to.address, 5n)),
      counting.send({ data: encodeRaise(42) }, user()),
    ]);
    expect([posted.status, posted.body["nonce"], raised.nonce]).toEqual([200, 0, 0]);
    expect(raised.offset).toBe(1);
    const { stack } = product;
    const settled = await until(
      () => product.transaction(from.address, 0),
      ({ state }) => state === "settled",
      60_000,
    );
    const counted = await raised.settled;
    expect(counted.l1?.tx_hash).not.toBe(settled.l1?.tx_hash);
    const [wallet, other] = [await deploymentOf(stack.url), await counting.deployment()];
    expect(wallet.app).not.toBe(other.app);
    expect(wallet.submitter).not.toBe(other.submitter);
    expect([wallet.application, other.application]).toEqual(["wallet", "counter"]);
  });

  test("an op of one is refused by the other: it was signed for another application", async () => {
    const [from, to] = [account(product, 4), account(product, 5)];
    const body = product.transfer(from, to.address, 1n);
    const answer = await fetch(`${beside.url}/tx`, { method: "POST", body });
    expect(answer.status).toBe(400);
    expect((await product.post(body)).status).toBe(200);
  });

  test("the counter goes on while the wallet's Worker is dead, and is what L1 makes of it", async () => {
    await product.stack.killWorkerd();
    const raised = await counting.send({ data: encodeRaise(8) }, user());
    expect((await raised.settled).state).toBe("settled");
    const { stack } = product;
    const args = ["verify", beside.url, "--rpc-url", stack.rpcUrl, "--token", beside.operatorToken];
    const { exitCode, stdout } = await runCommand(args, { application: counter });
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("agree")]);
    await stack.restartWorkerd();
    expect((await product.transaction(account(product, 2).address, 0)).state).toBe("settled");
  });
});

async function deploymentOf(url: string) {
  const answer = await fetch(`${url}/deployment`);
  return (await answer.json()) as Awaited<ReturnType<Client["deployment"]>>;
}
