/** A private anvil with the real Cartesi contracts on it: one per test file, on a port of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { deployRollups, type RollupsDeployment } from "../../src/local/deploy.ts";

/** The first accounts that anvil funds, from its public mnemonic. */
export const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
export const SUBMITTER_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
export const USER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";

export type Anvil = {
  readonly url: string;
  readonly chainId: number;
  /** One JSON-RPC call; throws on an error answer. */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
  mine(blocks: number): Promise<void>;
  stop(): Promise<void>;
};

export type AnvilOptions = {
  readonly chainId?: number;
  /** The safe block is this many behind the latest. Default 1. */
  readonly safeDepthBlocks?: number;
  readonly args?: readonly string[];
};

/** Starts anvil and waits until it listens. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { chainId = 31_337, safeDepthBlocks = 1, args = [] } = options;
  const child = spawn(
    createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil"),
    [
      ...["--port", "0", "--chain-id", `${chainId}`, "--slots-in-an-epoch", `${safeDepthBlocks}`],
      "--no-request-size-limit",
      ...args,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const url = `http://127.0.0.1:${await listeningPort(child)}`;
  const rpc = async (method: string, params: readonly unknown[] = []) => {
    const result = await call(url, method, params);
    if (method === "eth_sendTransaction") await mined(url, result);
    return result;
  };
  await keepNoBlockHashes(rpc);
  return {
    url,
    chainId,
    rpc,
    mine: async (blocks) => {
      await rpc("anvil_mine", [`0x${blocks.toString(16)}`]);
    },
    stop: async () => {
      process.off("exit", kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export type Devnet = Anvil & { readonly rollups: RollupsDeployment };

/** Anvil with InputBox, portals, factories and an application, all from the deployer's account. */
export async function startDevnet(options: AnvilOptions = {}): Promise<Devnet> {
  const anvil = await startAnvil(options);
  const rollups = await deployRollups(anvil.url, {
    chainId: anvil.chainId,
    deployerKey: DEPLOYER_KEY,
  });
  return { ...anvil, rollups };
}

/**
 * EIP-2935's contract gains a slot per block, and anvil reckons each contract's storage root anew at every
 * block: block 4,000 takes sixty times as long as one without it. Nothing in the tests asks the contract.
 */
export async function keepNoBlockHashes(
  rpc: (method: string, params: readonly unknown[]) => Promise<unknown>,
): Promise<void> {
  await rpc("anvil_setCode", ["0x0000F90827F1C53a10cb7A02335B175320002935", "0x"]);
}

/** Anvil prints its address once it accepts connections; with port 0 the kernel chose it. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`anvil exited with ${code}`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const port = /^Listening on .*:([0-9]+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

/** With automine on, the answer to a transaction may come before its block. */
async function mined(url: string, hash: unknown): Promise<void> {
  if ((await call(url, "anvil_getAutomine", [])) !== true) return;
  while ((await call(url, "eth_getTransactionReceipt", [hash])) === null) await setImmediate();
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const body = (await response.json()) as { result?: unknown; error?: unknown };
  if (body.error !== undefined) throw new Error(`${method}: ${JSON.stringify(body.error)}`);
  return body.result;
}
