/** Inputs read from the real InputBox: order, slices, halving, budgets, and answers that lie. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Address, parseAddress, toHex } from "../../src/core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../../src/core/types/units.ts";
import { connectL1 } from "../../src/l1/client.ts";
import { encodeAddInput } from "../../src/l1/contracts.ts";
import type { InputSlice, L1 } from "../../src/l1/l1.ts";
import { type Devnet, startDevnet } from "../support/anvil.ts";
import {
  type Fault,
  type FaultyRpc,
  type RpcRequest,
  startFaultyRpc,
} from "../support/faulty-rpc.ts";

const LONG_RANGE_CODES = [-32005, -32012, -32600, -32602, -32616];
const incomplete = { ok: false, error: { reason: "incomplete", code: null } };

let devnet: Devnet;
let proxy: FaultyRpc;
let l1: L1;
let users: readonly Address[];
/** Holds six inputs: one, a block without any, three (two by the second user), two. */
let first: BlockNumber;
let last: BlockNumber;

beforeAll(async () => {
  // Room for a block that is larger than a whole slice.
  devnet = await startDevnet({ args: ["--gas-limit", "2000000000"] });
  proxy = await startFaultyRpc(devnet.url);
  l1 = connect();
  users = (await accounts()).slice(2, 5);
  await devnet.rpc("evm_setAutomine", [false]);
  first = blockNumber((await head()) + 1);
  for (const block of [
    [[0, "a0"]],
    [],
    [
      [0, "a1"],
      [1, "b0"],
      [1, "b1"],
    ],
    [
      [2, "c0"],
      [0, "a2"],
    ],
  ] as const) {
    for (const [user, payload] of block) await addInput(user, `0x${payload}`);
    await devnet.mine(1);
  }
  last = blockNumber(await head());
});
beforeEach(() => proxy.fail(() => null));
afterAll(async () => {
  await proxy.stop();
  await devnet.stop();
});

function connect(): L1 {
  return connectL1({ url: proxy.url, timeoutMs: 20_000, longRangeCodes: LONG_RANGE_CODES });
}

async function accounts(): Promise<Address[]> {
  const listed = (await devnet.rpc("eth_accounts")) as readonly string[];
  return listed.map((one) => parseAddress(one) ?? expect.unreachable("an account is an address"));
}

async function head(): Promise<number> {
  return Number(await devnet.rpc("eth_blockNumber"));
}

async function addInput(user: number, payload: `0x${string}`, gas = 200_000): Promise<void> {
  const { inputBox, app } = devnet.rollups;
  const data = encodeAddInput(app, Uint8Array.from(Buffer.from(payload.slice(2), "hex")));
  const from = users[user];
  await devnet.rpc("eth_sendTransaction", [
    { from, to: inputBox, data, gas: `0x${gas.toString(16)}` },
  ]);
}

function inputsBetween(
  from: number,
  to: number,
  options: { readonly sender?: Address; readonly on?: L1 } = {},
) {
  const { inputBox, app } = devnet.rollups;
  const { sender = null, on = l1 } = options;
  return on.inputs({ inputBox, app, from: blockNumber(from), to: blockNumber(to), sender });
}

async function readBetween(from: number, to: number, sender?: Address): Promise<InputSlice> {
  const result = await inputsBetween(from, to, sender === undefined ? {} : { sender });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const payloads = (slice: InputSlice) => slice.inputs.map((input) => toHex(input.payload));
const logCalls = () => proxy.requests.filter((request) => request.method === "eth_getLogs");

/** Spoils the logs of every answer. */
function failLogs(edit: (logs: Record<string, unknown>[]) => unknown): void {
  proxy.fail(
    onlyLogs({ kind: "edit", edit: (result) => edit(result as Record<string, unknown>[]) }),
  );
}

function onlyLogs(fault: Fault) {
  return (request: RpcRequest) => (request.method === "eth_getLogs" ? fault : null);
}

describe("a slice", () => {
  test("[L1] has every input in chain order, with what InputBox recorded of it", async () => {
    const slice = await readBetween(first, last);
    // In a block anvil orders by fee and then by arrival; nonces keep one user's own order.
    expect(slice.end).toBe(last);
    expect([...payloads(slice)].sort()).toEqual(["0xa0", "0xa1", "0xa2", "0xb0", "0xb1", "0xc0"]);
    expect(slice.inputs.map((input) => input.index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(slice.inputs.map((input) => input.blockNumber - first)).toEqual([0, 2, 2, 2, 3, 3]);
    for (const input of slice.inputs) {
      const receipt = (await devnet.rpc("eth_getTransactionReceipt", [input.transactionHash])) as {
        readonly from: string;
        readonly blockNumber: string;
      };
      expect(input.sender).toBe(parseAddress(receipt.from));
      expect(input.blockNumber).toBe(Number(receipt.blockNumber));
      const block = await l1.block(input.blockNumber);
      expect(block).toMatchObject({ ok: true, value: { timestamp: input.blockTimestamp } });
    }
  });

  test("[L1] the sender filters after the check, so foreign inputs leave no hole", async () => {
    expect(payloads(await readBetween(first, last, users[1]))).toEqual(["0xb0", "0xb1"]);
    expect(payloads(await readBetween(first, last, users[0]))).toEqual(["0xa0", "0xa1", "0xa2"]);
  });

  test("[L1] an empty range makes no log call, and a range without inputs is empty", async () => {
    expect(await readBetween(last + 1, last)).toEqual({ inputs: [], end: last });
    expect(logCalls()).toEqual([]);
    expect(await readBetween(first + 1, first + 1)).toEqual({ inputs: [], end: first + 1 });
  });

  test("[L1] inputs of another application and events of other contracts are not asked for", async () => {
    const { app } = devnet.rollups;
    await readBetween(first, last);
    const [filter] = logCalls().map((call) => JSON.stringify(call.params));
    expect(filter).toContain(app.slice(2));
    const other = users[0] ?? expect.unreachable("there are users");
    const query = { inputBox: devnet.rollups.inputBox, from: first, to: last, sender: null };
    expect(await l1.inputs({ ...query, app: other })).toMatchObject({
      ok: true,
      value: { inputs: [] },
    });
  });

  test("[L1] logs in any order come out in chain order", async () => {
    const straight = await readBetween(first, last);
    failLogs((logs) => logs.reverse());
    expect(await readBetween(first, last)).toEqual(straight);
  });
});

describe("long ranges", () => {
  test.each(LONG_RANGE_CODES)(
    "[L1] code %i halves the range until it is short enough",
    async (code) => {
      const whole = await readBetween(first, last);
      proxy.fail((request) => {
        if (request.method !== "eth_getLogs") return null;
        const { fromBlock, toBlock } = request.params[0] as { fromBlock: string; toBlock: string };
        const isLong = Number(toBlock) - Number(fromBlock) >= 2;
        return isLong ? { kind: "error", code, message: "" } : null;
      });
      expect(await readBetween(first, last)).toEqual(whole);
      expect(logCalls()).toHaveLength(3);
    },
  );

  test("[L1] a code that is not listed fails the slice after one call", async () => {
    proxy.fail(onlyLogs({ kind: "error", code: -32000, message: "range too long: -32005" }));
    const error = { reason: "rpc-error", code: -32000 };
    expect(await inputsBetween(first, last)).toEqual({ ok: false, error });
    expect(logCalls()).toHaveLength(1);
  });

  test("[L1] a single block that is too long is an error", async () => {
    proxy.fail(onlyLogs({ kind: "error", code: -32005, message: "" }));
    const error = { reason: "range-too-long", code: -32005 };
    expect(await inputsBetween(first, first)).toEqual({ ok: false, error });
    expect(logCalls()).toHaveLength(1);
  });
});

describe("answers that lie", () => {
  const edited = (key: string, value: unknown) => (logs: Record<string, unknown>[]) =>
    logs.map((log, i) => (i === 1 ? { ...log, [key]: value } : log));
  /** One word of the second log's EvmAdvance: selector, then eight words, behind offset and length. */
  const word = (index: number, value: number) => (logs: Record<string, unknown>[]) =>
    logs.map((log, i) => {
      if (i !== 1) return log;
      const at = 2 + 128 + 8 + 64 * index;
      const data = String(log["data"]);
      const text = value.toString(16).padStart(64, "0");
      return { ...log, data: `${data.slice(0, at)}${text}${data.slice(at + 64)}` };
    });

  test.each([
    {
      name: "a missing input in the middle",
      edit: (logs: unknown[]) => logs.filter((_, i) => i !== 2),
    },
    { name: "an input twice", edit: (logs: unknown[]) => [...logs, logs[2]] },
    { name: "a removed log", edit: edited("removed", true) },
    { name: "a log of another contract", edit: edited("address", `0x${"11".repeat(20)}`) },
    {
      name: "another block than inside",
      edit: (logs: Record<string, unknown>[]) =>
        edited("blockNumber", logs[0]?.["blockNumber"])(logs),
    },
    { name: "a pending log", edit: edited("blockNumber", null) },
    { name: "a log without topics", edit: edited("topics", []) },
    { name: "a log without a transaction", edit: edited("transactionHash", "0x") },
    { name: "data that is cut", edit: edited("data", "0x") },
    { name: "data that is not hex", edit: edited("data", "0xzz") },
    { name: "another chain", edit: word(0, 1) },
    { name: "another application inside", edit: word(1, 5) },
    { name: "another block inside", edit: word(3, 1) },
    { name: "a time above 2^53", edit: word(4, 2 ** 60) },
    { name: "another index inside", edit: word(6, 0) },
    { name: "an object", edit: () => ({}) },
    { name: "null", edit: () => null },
    { name: "logs that are null", edit: (logs: unknown[]) => logs.map(() => null) },
  ])("[L1] $name: nothing is returned", async ({ edit }) => {
    failLogs(edit);
    expect(await inputsBetween(first, last)).toEqual(incomplete);
  });

  test.each([0, 1, 2])(
    "[L1] topic %i of another event or index: nothing is returned",
    async (at) => {
      failLogs((logs) =>
        logs.map((log) => ({
          ...log,
          topics: (log["topics"] as string[]).map((one, i) =>
            i === at ? `0x${"0".repeat(63)}9` : one,
          ),
        })),
      );
      expect(await inputsBetween(first, last)).toEqual(incomplete);
    },
  );

  test("[L1] logs of blocks that were not asked for: nothing is returned", async () => {
    proxy.fail(() => null);
    const { inputBox, app } = devnet.rollups;
    const all = await devnet.rpc("eth_getLogs", [
      { address: inputBox, fromBlock: `0x${first.toString(16)}`, toBlock: "latest" },
    ]);
    proxy.fail(onlyLogs({ kind: "result", result: all }));
    expect(await inputsBetween(first + 1, last)).toEqual(incomplete);
    expect(await inputsBetween(first, last - 1)).toEqual(incomplete);
    expect(app).toBe(devnet.rollups.app);
  });

  test("[L1] a chain id that is not the inputs' own: nothing is returned", async () => {
    const lied = connect();
    proxy.fail((request) =>
      request.method === "eth_chainId" ? { kind: "result", result: "0x1" } : null,
    );
    expect(await inputsBetween(first, last, { on: lied })).toEqual(incomplete);
  });

  test("[L1] a missing tail looks whole, and the count at the block tells", async () => {
    const { inputBox, app } = devnet.rollups;
    failLogs((logs) => logs.slice(0, -1));
    const slice = await readBetween(first, last);
    expect(slice.inputs).toHaveLength(5);
    expect(await l1.inputCount(inputBox, app, last)).toEqual({ ok: true, value: 6 });
  });
});

describe("bounds of a slice", () => {
  /** An input counts as its payload and what EvmAdvance puts around it. */
  const PAYLOAD_BYTES = 65_216;
  const FIT = Math.floor((16 * 1024 * 1024) / (PAYLOAD_BYTES + 292));

  test.each([
    { blocks: 9999, read: 9999 },
    { blocks: 10_000, read: 10_000 },
    { blocks: 10_001, read: 10_000 },
  ])("[L1] of $blocks blocks one slice reads $read", async ({ blocks, read }) => {
    const slice = await readBetween(first, first + blocks - 1);
    expect(slice.end).toBe(first + read - 1);
    expect(logCalls().map((call) => call.params[0])).toMatchObject([
      { fromBlock: `0x${first.toString(16)}`, toBlock: `0x${slice.end.toString(16)}` },
    ]);
  });

  /** Blocks of `inputs` payloads each; returns the first of them. */
  async function mineInputs(blocks: number, inputs: number): Promise<number> {
    const from = (await head()) + 1;
    const payload = toHex(new Uint8Array(PAYLOAD_BYTES));
    for (let block = 0; block < blocks; block++) {
      for (let i = 0; i < inputs; i++) await addInput(i % users.length, payload, 4_000_000);
      await devnet.mine(1);
    }
    expect(await head()).toBe(from + blocks - 1);
    return from;
  }

  test("[L1] at most 16 MiB, in whole blocks", async () => {
    const inBlock = 50;
    const blocks = Math.ceil((FIT + 1) / inBlock);
    const from = await mineInputs(blocks, inBlock);
    const to = from + blocks - 1;
    const slice = await readBetween(from, to);
    expect(slice.end).toBe(to - 1);
    expect(slice.inputs).toHaveLength((blocks - 1) * inBlock);
    // Answers above our own limit were abandoned and asked for in halves.
    expect(logCalls().length).toBeGreaterThan(2);

    const rest = await readBetween(slice.end + 1, to);
    expect(rest.end).toBe(to);
    expect(rest.inputs[0]?.index).toBe((slice.inputs.at(-1)?.index ?? 0) + 1);
    expect(rest.inputs).toHaveLength(inBlock);
  });

  test("[L1] a block above 16 MiB is taken whole, and ends its slice", async () => {
    const from = await mineInputs(1, FIT + 1);
    await devnet.mine(3);
    const slice = await readBetween(from, from + 3);
    expect(slice.end).toBe(from);
    expect(slice.inputs).toHaveLength(FIT + 1);
    expect(await readBetween(from + 1, from + 3)).toEqual({ inputs: [], end: from + 3 });
  });
});
