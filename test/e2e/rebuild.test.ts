/** The database is lost: `baton rebuild` makes it anew from L1, and the sequencer goes on. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeSnapshot } from "../../src/apps/wallet/snapshot.ts";
import type { HealthBody } from "../../src/core/api/sequencer-api.ts";
import { must } from "../../src/core/types/assert.ts";
import { connectL1 } from "../../src/l1/client.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { devAccounts, USERS } from "../../src/local/accounts.ts";
import { type Ran, runCommand } from "../support/command.ts";
import { loseDatabase } from "../support/database.ts";
import { account, type Product, readFeed, startProduct, until } from "../support/product.ts";
import { expectVerified, runVerify } from "../support/verified.ts";

const SUBMITTER_KEY = must(devAccounts()[USERS], "the account after the users submits").privateKey;

let product: Product;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "baton-rebuild-"));
  product = await startProduct();
});
afterAll(async () => {
  await product.stop();
  rmSync(directory, { recursive: true });
});

const get = async (path: string) =>
  (await fetch(`${product.stack.url}${path}`)).json() as Promise<Record<string, unknown>>;

const health = () => get("/healthz") as unknown as Promise<HealthBody>;

/** The variables of the deployment that is lost. */
function rebuild(...args: readonly string[]): Promise<Ran> {
  const { stack } = product;
  const env = {
    SEQ_ETH_RPC_URL: stack.rpcUrl,
    SEQ_CHAIN_ID: `${stack.chainId}`,
    SEQ_APP_ADDRESS: stack.app,
    SEQ_ERC20_PORTAL_ADDRESS: stack.erc20Portal,
    SEQ_ERC20_TOKEN_ADDRESS: stack.token,
    SEQ_SECONDS_PER_BLOCK: "1",
    SEQ_BATCH_LINGER_SECONDS: "2",
    SEQ_MAX_BATCH_OPEN_SECONDS: "300",
    SEQ_BATCH_SUBMITTER_PRIVATE_KEY: SUBMITTER_KEY,
    SEQ_OPERATOR_TOKEN: stack.operatorToken,
  };
  return runCommand(["rebuild", stack.url, "--json", ...args], { env, directory });
}

/** Balances and nonces of the newest state that the sequencer stored. */
async function stateNow() {
  const { stack } = product;
  const response = await fetch(`${stack.url}/latest_snapshot`, {
    headers: { authorization: `Bearer ${stack.operatorToken}` },
  });
  const config = {
    erc20Portal: stack.erc20Portal,
    token: stack.token,
    feeRecipient: stack.submitter,
  };
  const decoded = decodeSnapshot(config, new Uint8Array(await response.arrayBuffer()));
  return decoded.ok ? decoded.value : expect.unreachable(decoded.error);
}

/** Transfers, and what is to be kept of them: all is settled on return. */
async function liveALittle(ops: number) {
  const [from, to] = [account(product, 2), account(product, 3)];
  for (let i = 0; i < ops; i++) {
    expect((await product.post(product.transfer(from, to.address, 7n))).status).toBe(200);
  }
  await until(
    () => product.transaction(from.address, from.nonce - 1),
    (body) => body.state === "settled",
    60_000,
  );
}

/** The sequencer runs on an empty disk, and has seen that it is not the first. */
async function lose(): Promise<void> {
  await product.stack.killWorkerd();
  loseDatabase(product);
  await product.stack.startWorkerd();
  await until(health, ({ mode }) => mode === "refused", 30_000);
}

const isServing = () =>
  until(health, ({ mode, status }) => mode === "serving" && status === "ok", 60_000);

describe("[R5] baton rebuild", () => {
  test("refuses where there is a history", async () => {
    const ran = await rebuild();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toBe("the sequencer has a history already: only an empty one is rebuilt\n");
  });

  test("from genesis: balances and nonces as before, a new era, and it settles again", async () => {
    await liveALittle(3);
    const before = { era: (await health()).era, state: await stateNow() };
    await lose();
    expect(await get("/deployment")).toMatchObject({ ok: false, code: "UNAVAILABLE" });
    const ran = await rebuild();
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).not.toContain(SUBMITTER_KEY);
    await isServing();
    const { era, generation } = await health();
    expect(era).toBe(ran.json()["era"]);
    expect([era === before.era, generation]).toEqual([false, 0]);
    expect(await readFeed(product.stack.url)).toEqual([]);
    const after = await stateNow();
    expect(after.balances).toEqual(before.state.balances);
    expect(after.nonces).toEqual(before.state.nonces);
    const from = account(product, 2);
    expect(await get(`/nonce?sender=${from.address}`)).toMatchObject({ next_nonce: from.nonce });
    await liveALittle(2);
    await expectVerified(product);
  });

  test("from a snapshot that was verified, with the submitter's transactions still pending", async () => {
    const saved = await runVerify(product, ["--save", join(directory, "state")]);
    expect(saved.exitCode).toBe(0);
    const { inclusion_block: block, l1: at } = saved.json() as {
      inclusion_block: number;
      l1: { next_batch_nonce: number };
    };
    await liveALittle(2);
    const before = await stateNow();
    await lose();
    const consumed = await leaveSomethingPending();
    const wrong = ["--snapshot", "state", "--block", `${block}`];
    const tooHigh = await rebuild(...wrong, "--nonce", `${at.next_batch_nonce + 1}`);
    expect(tooHigh.stderr).toBe(
      "the snapshot's block holds no batch with the nonce before --nonce\n",
    );
    const ran = await rebuild(...wrong, "--nonce", `${at.next_batch_nonce}`);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(await consumed()).toBe(true);
    await isServing();
    expect((await stateNow()).nonces).toEqual(before.nonces);
    await liveALittle(2);
    await expectVerified(product);
  });
});

/** A transaction in the submitter's next slot, as one that was in flight; whether it is consumed by now. */
async function leaveSomethingPending(): Promise<() => Promise<boolean>> {
  const { rpcUrl, chainId, submitter } = product.stack;
  const l1 = connectL1({ url: rpcUrl, timeoutMs: 5_000, longRangeCodes: [] });
  const count = async (tag: "latest" | "safe") => {
    const answer = await l1.transactionCount(submitter, tag);
    return answer.ok ? answer.value : expect.unreachable(answer.error.reason);
  };
  const walletNonce = await count("latest");
  const { raw } = await createSubmitter(SUBMITTER_KEY).signNoOp(chainId, {
    walletNonce,
    gas: 21_000n,
    maxFeePerGasWei: 10n ** 10n,
    maxPriorityFeePerGasWei: 1n,
  });
  expect(await l1.broadcast(raw)).toMatchObject({ ok: true });
  return async () => (await count("safe")) > walletNonce;
}
