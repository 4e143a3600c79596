/** `baton flush`: what it shows of the wallet on a real node, and whose wallet it touches (R2, R5). */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connectL1 } from "../../src/l1/client.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { type Anvil, SUBMITTER_KEY, startAnvil } from "../support/anvil.ts";
import { send } from "../support/claiming-server.ts";
import { runCommand } from "../support/command.ts";
import { TEST_VARIABLES } from "../support/variables.ts";

const submitter = createSubmitter(SUBMITTER_KEY);
const LIVES = { mode: "serving", era: "00000000-0000-4000-8000-000000000000" };
const FROZEN = { ok: false, code: "MISCONFIGURED", message: "sequencer misconfigured" };

let anvil: Anvil;
let server: Server;
let url: string;
let health: object;

beforeAll(async () => {
  anvil = await startAnvil({ safeDepthBlocks: 3 });
  await anvil.mine(10);
  await anvil.rpc("evm_setAutomine", [false]);
  server = createServer((_request, response) => send(response, 503, health));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  health = FROZEN;
});
afterAll(async () => {
  server.close();
  await anvil.stop();
});

/** A development chain's timing, so that a round takes a second. */
const env = () => ({
  ...TEST_VARIABLES,
  SEQ_BATCH_SUBMITTER_PRIVATE_KEY: SUBMITTER_KEY,
  SEQ_ETH_RPC_URL: anvil.url,
  SEQ_CHAIN_ID: `${anvil.chainId}`,
  SEQ_SECONDS_PER_BLOCK: "1",
  SEQ_BATCH_LINGER_SECONDS: "2",
  SEQ_MAX_BATCH_OPEN_SECONDS: "300",
});
const flush = (...args: readonly string[]) => runCommand(["flush", ...args], { env: env() });
const show = () => flush("--submitter", submitter.address, "--json");

async function leavePending(walletNonce: number): Promise<void> {
  const l1 = connectL1({ url: anvil.url, timeoutMs: 5_000, longRangeCodes: [] });
  const terms = { walletNonce, gas: 21_000n, maxPriorityFeePerGasWei: 1n };
  const maxFeePerGasWei = 3n * 10n ** 9n;
  const { raw } = await submitter.signNoOp(anvil.chainId, { ...terms, maxFeePerGasWei });
  expect(await l1.broadcast(raw)).toMatchObject({ ok: true });
}

test("[R5] it touches no wallet of a sequencer that lives, that is not named, or that may live", async () => {
  health = LIVES;
  const says = [
    await flush(url, "--execute"),
    await flush("--execute"),
    await flush("http://127.0.0.1:9", "--execute"),
  ].map(({ exitCode, stderr }) => [exitCode, stderr]);
  expect(says).toEqual([
    [1, expect.stringMatching(/^the sequencer lives, /)],
    [1, "name the sequencer, or say --gone\n"],
    [1, "GET /healthz: the sequencer cannot be reached\n"],
  ]);
});

test("[R2] [R5] it shows what is open, closes it for a frozen sequencer, and shows that none is", async () => {
  expect(await show()).toMatchObject({ exitCode: 0 });
  for (const nonce of [0, 1]) await leavePending(nonce);
  const open = await show();
  expect([open.exitCode, open.json()]).toMatchObject([2, { safe: 0, pending: 2, open: 2 }]);
  const clock = setInterval(() => void anvil.mine(1), 200);
  const closed = await flush(url, "--execute", "--json");
  clearInterval(clock);
  expect([closed.exitCode, closed.stderr]).toEqual([0, ""]);
  expect(closed.json()).toMatchObject({ done: true, safe_block: expect.any(Number) });
  const after = await show();
  expect([after.exitCode, after.json()]).toMatchObject([0, { safe: 2, pending: 2, open: 0 }]);
});
