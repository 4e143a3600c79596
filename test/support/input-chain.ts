/** A chain with six known inputs, read through a proxy that a test can spoil. */

import { expect } from "vitest";
import { type Address, parseAddress } from "../../src/core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../../src/core/types/units.ts";
import { connectL1 } from "../../src/l1/client.ts";
import { encodeAddInput } from "../../src/l1/contracts.ts";
import type { InputSlice, L1 } from "../../src/l1/l1.ts";
import { type AnvilOptions, type Devnet, startDevnet } from "./anvil.ts";
import { type Fault, type FaultyRpc, type RpcRequest, startFaultyRpc } from "./faulty-rpc.ts";

export const LONG_RANGE_CODES = [-32005, -32012, -32600, -32602, -32616];

/** User and payload byte of each input, block by block. */
const BLOCKS: readonly (readonly (readonly [user: number, payload: number])[])[] = [
  [[0, 0xa0]],
  [],
  [
    [0, 0xa1],
    [1, 0xb0],
    [1, 0xb1],
  ],
  [
    [2, 0xc0],
    [0, 0xa2],
  ],
];

export type InputChain = Awaited<ReturnType<typeof startInputChain>>;

export async function startInputChain(options: AnvilOptions = {}) {
  const devnet = await startDevnet(options);
  const proxy = await startFaultyRpc(devnet.url);
  const users = await userAccounts(devnet);
  await devnet.rpc("evm_setAutomine", [false]);
  const head = async (): Promise<number> => Number(await devnet.rpc("eth_blockNumber"));
  /** A transaction that waits for the next block. */
  const addInput = async (user: number, payload: Uint8Array, gas = 200_000): Promise<void> => {
    const { inputBox, app } = devnet.rollups;
    const data = encodeAddInput(app, payload);
    const transaction = { from: users[user], to: inputBox, data, gas: `0x${gas.toString(16)}` };
    await devnet.rpc("eth_sendTransaction", [transaction]);
  };
  const first = blockNumber((await head()) + 1);
  for (const block of BLOCKS) {
    for (const [user, payload] of block) await addInput(user, Uint8Array.of(payload));
    await devnet.mine(1);
  }
  const last = blockNumber(await head());
  return {
    devnet,
    proxy,
    users,
    /** First and last block of the six inputs. */
    first,
    last,
    head,
    addInput,
    ...reads(devnet, proxy),
    stop: async () => {
      await proxy.stop();
      await devnet.stop();
    },
  };
}

function reads(devnet: Devnet, proxy: FaultyRpc) {
  const connect = (): L1 =>
    connectL1({ url: proxy.url, timeoutMs: 20_000, longRangeCodes: LONG_RANGE_CODES });
  const l1 = connect();
  const query = (from: number, to: number, sender: Address | null = null) => {
    const { inputBox, app } = devnet.rollups;
    return { inputBox, app, from: blockNumber(from), to: blockNumber(to), sender };
  };
  return {
    l1,
    connect,
    query,
    /** The slice, or a failed test. */
    read: async (from: BlockNumber | number, to: number, sender?: Address): Promise<InputSlice> => {
      const result = await l1.inputs(query(from, to, sender ?? null));
      return result.ok ? result.value : expect.unreachable(JSON.stringify(result.error));
    },
    logCalls: () => proxy.requests.filter((request) => request.method === "eth_getLogs"),
  };
}

/** Spoils the log queries alone. */
export function onlyLogs(fault: Fault) {
  return (request: RpcRequest): Fault | null => (request.method === "eth_getLogs" ? fault : null);
}

/** Accounts that anvil signs for, without the deployer and the submitter. */
async function userAccounts(devnet: Devnet): Promise<readonly Address[]> {
  const listed = (await devnet.rpc("eth_accounts")) as readonly string[];
  return listed
    .slice(2, 5)
    .map((one) => parseAddress(one) ?? expect.unreachable("an account is an address"));
}
