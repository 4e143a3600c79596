/** Inputs read from the real InputBox: what they hold, in which order, and answers that lie. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseAddress, toHex } from "../../src/core/types/hex.ts";
import type { InputSlice } from "../../src/l1/l1.ts";
import { type InputChain, onlyLogs, startInputChain } from "../support/input-chain.ts";

const incomplete = { ok: false, error: { reason: "incomplete", code: null } };

let chain: InputChain;

beforeAll(async () => {
  chain = await startInputChain();
});
beforeEach(() => chain.proxy.fail(() => null));
afterAll(() => chain.stop());

const payloads = (slice: InputSlice) => slice.inputs.map((input) => toHex(input.payload));

/** Spoils the logs of every answer. */
function failLogs(edit: (logs: Record<string, unknown>[]) => unknown): void {
  chain.proxy.fail(
    onlyLogs({ kind: "edit", edit: (result) => edit(result as Record<string, unknown>[]) }),
  );
}

describe("a slice", () => {
  test("[L1] has every input in chain order, with what InputBox recorded of it", async () => {
    const slice = await chain.read(chain.first, chain.last);
    // In a block anvil orders by fee and then by arrival; nonces keep one user's own order.
    expect(slice.end).toBe(chain.last);
    expect([...payloads(slice)].sort()).toEqual(["0xa0", "0xa1", "0xa2", "0xb0", "0xb1", "0xc0"]);
    expect(slice.inputs.map((input) => input.index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(slice.inputs.map((input) => input.blockNumber - chain.first)).toEqual([
      0, 2, 2, 2, 3, 3,
    ]);
    for (const input of slice.inputs) {
      const receipt = (await chain.devnet.rpc("eth_getTransactionReceipt", [
        input.transactionHash,
      ])) as {
        readonly from: string;
        readonly blockNumber: string;
      };
      expect(input.sender).toBe(parseAddress(receipt.from));
      expect(input.blockNumber).toBe(Number(receipt.blockNumber));
      const block = await chain.l1.block(input.blockNumber);
      expect(block).toMatchObject({ ok: true, value: { timestamp: input.blockTimestamp } });
    }
  });

  test("[L1] the sender filters after the check, so foreign inputs leave no hole", async () => {
    expect(payloads(await chain.read(chain.first, chain.last, chain.users[1]))).toEqual([
      "0xb0",
      "0xb1",
    ]);
    expect(payloads(await chain.read(chain.first, chain.last, chain.users[0]))).toEqual([
      "0xa0",
      "0xa1",
      "0xa2",
    ]);
  });

  test("[L1] an empty range makes no log call, and a range without inputs is empty", async () => {
    expect(await chain.read(chain.last + 1, chain.last)).toEqual({ inputs: [], end: chain.last });
    expect(chain.logCalls()).toEqual([]);
    expect(await chain.read(chain.first + 1, chain.first + 1)).toEqual({
      inputs: [],
      end: chain.first + 1,
    });
  });

  test("[L1] inputs of another application and events of other contracts are not asked for", async () => {
    const { app } = chain.devnet.rollups;
    await chain.read(chain.first, chain.last);
    const [filter] = chain.logCalls().map((call) => JSON.stringify(call.params));
    expect(filter).toContain(app.slice(2));
    const other = chain.users[0] ?? expect.unreachable("there are users");
    const query = { ...chain.query(chain.first, chain.last), app: other };
    expect(await chain.l1.inputs(query)).toMatchObject({
      ok: true,
      value: { inputs: [] },
    });
  });

  test("[L1] logs in any order come out in chain order", async () => {
    const straight = await chain.read(chain.first, chain.last);
    failLogs((logs) => logs.reverse());
    expect(await chain.read(chain.first, chain.last)).toEqual(straight);
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
    expect(await chain.l1.inputs(chain.query(chain.first, chain.last))).toEqual(incomplete);
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
      expect(await chain.l1.inputs(chain.query(chain.first, chain.last))).toEqual(incomplete);
    },
  );

  test("[L1] logs of blocks that were not asked for: nothing is returned", async () => {
    chain.proxy.fail(() => null);
    const { inputBox, app } = chain.devnet.rollups;
    const all = await chain.devnet.rpc("eth_getLogs", [
      { address: inputBox, fromBlock: `0x${chain.first.toString(16)}`, toBlock: "latest" },
    ]);
    chain.proxy.fail(onlyLogs({ kind: "result", result: all }));
    expect(await chain.l1.inputs(chain.query(chain.first + 1, chain.last))).toEqual(incomplete);
    expect(await chain.l1.inputs(chain.query(chain.first, chain.last - 1))).toEqual(incomplete);
    expect(app).toBe(chain.devnet.rollups.app);
  });

  test("[L1] a chain id that is not the inputs' own: nothing is returned", async () => {
    const lied = chain.connect();
    chain.proxy.fail((request) =>
      request.method === "eth_chainId" ? { kind: "result", result: "0x1" } : null,
    );
    expect(await lied.inputs(chain.query(chain.first, chain.last))).toEqual(incomplete);
  });

  test("[L1] a missing tail looks whole, and the count at the block tells", async () => {
    const { inputBox, app } = chain.devnet.rollups;
    failLogs((logs) => logs.slice(0, -1));
    const slice = await chain.read(chain.first, chain.last);
    expect(slice.inputs).toHaveLength(5);
    expect(await chain.l1.inputCount(inputBox, app, chain.last)).toEqual({ ok: true, value: 6 });
  });
});
