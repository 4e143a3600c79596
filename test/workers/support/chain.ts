/** A real L1 for a test inside workerd: its own anvil, reached by the code under test through a proxy. */

import { expect, inject } from "vitest";
import type { Address } from "../../../src/core/types/hex.ts";
import { encodeAddInput } from "../../../src/l1/contracts.ts";
import type { ChainInfo, FaultRule } from "../../support/chain-rules.ts";
import type { RpcRequest } from "../../support/faulty-rpc.ts";
import { TEST_VARIABLES } from "../../support/variables.ts";
import { depositPayload } from "./history.ts";

/** The second account that anvil funds; the first one deployed the contracts. */
export const SUBMITTER_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

export type Chain = ChainInfo & {
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
  mine(blocks: number): Promise<void>;
  head(): Promise<number>;
  /** Adds an input from any account, as if it had signed; mined at once unless automine is off. */
  addInput(sender: Address, payload: Uint8Array): Promise<void>;
  deposit(account: Address, amount: bigint): Promise<void>;
  /** Spoils what the code under test is answered; no rules: nothing any more. Forgets requests. */
  fail(rules: readonly FaultRule[]): Promise<void>;
  /** What the code under test asked since the last `fail`. */
  requests(): Promise<readonly RpcRequest[]>;
  /** Variables of a deployment on this chain. */
  readonly vars: Readonly<Record<string, string>>;
};

export async function startChain(): Promise<Chain> {
  const server = inject("chainServerUrl");
  const started = await fetch(`${server}/chains`, { method: "POST" });
  const info = await started.json<ChainInfo>();
  const rpc = (method: string, params: readonly unknown[] = []) => call(info.url, method, params);
  const addInput = async (sender: Address, payload: Uint8Array) => {
    const { inputBox, app } = info.rollups;
    await rpc("anvil_impersonateAccount", [sender]);
    await rpc("anvil_setBalance", [sender, "0x56bc75e2d63100000"]);
    const data = encodeAddInput(app, payload);
    const transaction = { from: sender, to: inputBox, data, gas: "0x989680" };
    const hash = await rpc("eth_sendTransaction", [transaction]);
    await rpc("anvil_stopImpersonatingAccount", [sender]);
    if ((await rpc("anvil_getAutomine")) !== true) return;
    // The answer may come before the block.
    await expect.poll(() => rpc("eth_getTransactionReceipt", [hash])).not.toBeNull();
  };
  const at = `${server}/chains/${info.id}`;
  return {
    ...info,
    rpc,
    mine: async (blocks) => {
      await rpc("anvil_mine", [`0x${blocks.toString(16)}`]);
    },
    head: async () => Number(await rpc("eth_blockNumber")),
    addInput,
    deposit: (account, amount) =>
      addInput(info.rollups.erc20Portal, depositPayload(account, amount)),
    fail: async (rules) => {
      const response = await fetch(`${at}/faults`, { method: "POST", body: JSON.stringify(rules) });
      expect(response.status).toBe(200);
      await response.text();
    },
    requests: async () => (await fetch(`${at}/requests`)).json<readonly RpcRequest[]>(),
    vars: {
      ...TEST_VARIABLES,
      SEQ_ETH_RPC_URL: info.proxyUrl,
      SEQ_CHAIN_ID: `${info.rollups.chainId}`,
      SEQ_BATCH_SUBMITTER_PRIVATE_KEY: SUBMITTER_KEY,
      SEQ_APP_ADDRESS: info.rollups.app,
      SEQ_ERC20_PORTAL_ADDRESS: info.rollups.erc20Portal,
      SEQ_SECONDS_PER_BLOCK: "1",
      SEQ_MAX_BATCH_OPEN_SECONDS: "300",
      SEQ_BATCH_LINGER_SECONDS: "300",
    },
  };
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const body = await response.json<{ result?: unknown; error?: unknown }>();
  if (body.error !== undefined) throw new Error(`${method}: ${JSON.stringify(body.error)}`);
  return body.result;
}
