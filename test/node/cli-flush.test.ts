/** The flush of a rebuild on a real node: what is pending is consumed, and the safe block comes after. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { flush } from "../../src/cli/flush.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { connectL1 } from "../../src/l1/client.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { type Anvil, SUBMITTER_KEY, startAnvil } from "../support/anvil.ts";

const GWEI = 10n ** 9n;
const submitter = createSubmitter(SUBMITTER_KEY);

let anvil: Anvil;
let l1: L1;

beforeEach(async () => {
  anvil = await startAnvil({ safeDepthBlocks: 3 });
  l1 = connectL1({ url: anvil.url, timeoutMs: 5_000, longRangeCodes: [] });
  await anvil.mine(10);
  await anvil.rpc("evm_setAutomine", [false]);
});
afterEach(() => anvil.stop());

const run = (options: Partial<Parameters<typeof flush>[2]> = {}, endpoint: L1 = l1) =>
  flush(endpoint, submitter, {
    chainId: anvil.chainId,
    secondsPerBlock: 0.05,
    capWei: 500n * GWEI,
    budgetWei: 10n ** 17n,
    onWait: () => undefined,
    ...options,
  });

/** Leaves a transaction in the pool, as a batch that was on its way. */
async function leavePending(walletNonce: number, maxFeePerGasWei = 3n * GWEI): Promise<void> {
  const terms = { walletNonce, gas: 21_000n, maxPriorityFeePerGasWei: 1n };
  const { raw } = await submitter.signNoOp(anvil.chainId, {
    ...terms,
    maxFeePerGasWei,
  });
  expect(await l1.broadcast(raw)).toMatchObject({ ok: true });
}

/** What the transactions of a block offer for gas at most. */
async function feesOf(block: number): Promise<readonly bigint[]> {
  const found = await anvil.rpc("eth_getBlockByNumber", [`0x${block.toString(16)}`, true]);
  const { transactions } = found as { transactions: readonly { maxFeePerGas: string }[] };
  return transactions.map(({ maxFeePerGas }) => BigInt(maxFeePerGas));
}

async function nonces(): Promise<readonly number[]> {
  const answers = [];
  for (const tag of ["safe", "latest", "pending"] as const) {
    const count = await l1.transactionCount(submitter.address, tag);
    answers.push(count.ok ? count.value : -1);
  }
  return answers;
}

test("[R5] with nothing in flight it sends nothing and stops at the safe block", async () => {
  expect(await run()).toEqual({ ok: true, value: 7 });
  expect(await nonces()).toEqual([0, 0, 0]);
});

test("[R5] it puts no-ops over what is pending, and waits until safe depth shows them", async () => {
  for (const nonce of [0, 1]) await leavePending(nonce, GWEI / 2n);
  const said: string[] = [];
  const stopped = await run({
    onWait: (text) => {
      said.push(text);
      void anvil.mine(1);
    },
  });
  expect(await nonces()).toEqual([2, 2, 2]);
  const { value: stop } = stopped.ok ? stopped : expect.unreachable(stopped.error.reason);
  expect(stop).toBeGreaterThanOrEqual(11);
  expect(said[0]).toBe("wallet nonces in use up to 2, at safe depth up to 0");
  expect(await feesOf(11)).toHaveLength(2);
  for (const fee of await feesOf(11)) expect(fee).toBeGreaterThan(GWEI / 2n);
});

test("[R5] a no-op that is refused as too cheap comes back with more, round by round", async () => {
  await leavePending(0, 3n * GWEI);
  let rounds = 0;
  const stopped = await run({
    onWait: () => {
      rounds++;
      if (rounds > 12) void anvil.mine(4);
    },
  });
  expect(stopped).toMatchObject({ ok: true });
  const [fee] = await feesOf(11);
  expect(fee).toBeGreaterThan(3n * GWEI);
});

test("[R5] it says that it is stuck where the budget or the cap forbids to outbid", async () => {
  await leavePending(0);
  const said: [string, boolean][] = [];
  const waiting = run({
    budgetWei: 1n,
    onWait: (text, isStuck) => {
      said.push([text, isStuck]);
      // The pending transaction lands after all, and that is as good.
      if (said.length === 2) void anvil.mine(5);
    },
  });
  expect(await waiting).toMatchObject({ ok: true });
  expect(said.slice(0, 2)).toEqual(
    [1, 2].map(() => [
      "wallet nonces in use up to 1, at safe depth up to 0: SEQ_FLUSH_BUDGET_WEI is used up",
      true,
    ]),
  );
});

test("[R5] another chain is refused before anything is signed; an empty purse is said", async () => {
  const wrong = await run({ chainId: 1 });
  expect(wrong).toEqual({ ok: false, error: { reason: "wrong-chain", code: null } });
  await leavePending(0);
  await anvil.rpc("anvil_setBalance", [submitter.address, "0x1"]);
  expect(await run()).toMatchObject({ ok: false, error: { reason: "insufficient-funds" } });
});

test("[R5] a safe block from a node that lags is asked again until it holds what was consumed", async () => {
  await leavePending(0);
  await anvil.mine(5);
  const old = await l1.block(blockNumber(9));
  let answers = 0;
  const lagging: L1 = {
    ...l1,
    block: (tag) => (tag === "safe" && answers++ < 2 ? Promise.resolve(old) : l1.block(tag)),
  };
  expect(await run({}, lagging)).toEqual({ ok: true, value: 12 });
  expect(answers).toBe(3);
});
