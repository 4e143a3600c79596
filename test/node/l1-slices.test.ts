/** How much one slice reads: ranges that a provider finds too long, and the budgets of L1. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import {
  type InputChain,
  LONG_RANGE_CODES,
  onlyLogs,
  startInputChain,
} from "../support/input-chain.ts";

let chain: InputChain;

beforeAll(async () => {
  // Room for a block that is larger than a whole slice.
  chain = await startInputChain({ args: ["--gas-limit", "2000000000"] });
});
beforeEach(() => chain.proxy.fail(() => null));
afterAll(() => chain.stop());

describe("long ranges", () => {
  test.each(LONG_RANGE_CODES)(
    "[L1] code %i halves the range until it is short enough",
    async (code) => {
      const whole = await chain.read(chain.first, chain.last);
      chain.proxy.fail((request) => {
        if (request.method !== "eth_getLogs") return null;
        const { fromBlock, toBlock } = request.params[0] as { fromBlock: string; toBlock: string };
        const isLong = Number(toBlock) - Number(fromBlock) >= 2;
        return isLong ? { kind: "error", code, message: "" } : null;
      });
      expect(await chain.read(chain.first, chain.last)).toEqual(whole);
      expect(chain.logCalls()).toHaveLength(3);
    },
  );

  test("[L1] a code that is not listed fails the slice after one call", async () => {
    chain.proxy.fail(onlyLogs({ kind: "error", code: -32000, message: "range too long: -32005" }));
    const error = { reason: "rpc-error", code: -32000 };
    expect(await chain.l1.inputs(chain.query(chain.first, chain.last))).toEqual({
      ok: false,
      error,
    });
    expect(chain.logCalls()).toHaveLength(1);
  });

  test("[L1] a single block that is too long is an error", async () => {
    chain.proxy.fail(onlyLogs({ kind: "error", code: -32005, message: "" }));
    const error = { reason: "range-too-long", code: -32005 };
    expect(await chain.l1.inputs(chain.query(chain.first, chain.first))).toEqual({
      ok: false,
      error,
    });
    expect(chain.logCalls()).toHaveLength(1);
  });
});

describe("bounds of a slice", () => {
  /** An input counts as its payload and what EvmAdvance puts around it. */
  const FIT = Math.floor((16 * 1024 * 1024) / (INPUT_PAYLOAD_BYTES_MAX + 292));

  test.each([
    { blocks: 9999, read: 9999 },
    { blocks: 10_000, read: 10_000 },
    { blocks: 10_001, read: 10_000 },
  ])("[L1] of $blocks blocks one slice reads $read", async ({ blocks, read }) => {
    const slice = await chain.read(chain.first, chain.first + blocks - 1);
    expect(slice.end).toBe(chain.first + read - 1);
    expect(chain.logCalls().map((call) => call.params[0])).toMatchObject([
      { fromBlock: `0x${chain.first.toString(16)}`, toBlock: `0x${slice.end.toString(16)}` },
    ]);
  });

  /** Blocks of `inputs` payloads each; returns the number of the first block. */
  async function mineInputs(blocks: number, inputs: number): Promise<number> {
    const from = (await chain.head()) + 1;
    const payload = new Uint8Array(INPUT_PAYLOAD_BYTES_MAX);
    for (let block = 0; block < blocks; block++) {
      for (let i = 0; i < inputs; i++)
        await chain.addInput(i % chain.users.length, payload, 4_000_000);
      await chain.devnet.mine(1);
    }
    expect(await chain.head()).toBe(from + blocks - 1);
    return from;
  }

  test("[L1] at most 16 MiB, in whole blocks", async () => {
    const inBlock = 50;
    const blocks = Math.ceil((FIT + 1) / inBlock);
    const from = await mineInputs(blocks, inBlock);
    const to = from + blocks - 1;
    const slice = await chain.read(from, to);
    expect(slice.end).toBe(to - 1);
    expect(slice.inputs).toHaveLength((blocks - 1) * inBlock);
    // Answers above our own limit were abandoned and asked for in halves.
    expect(chain.logCalls().length).toBeGreaterThan(2);

    const rest = await chain.read(slice.end + 1, to);
    expect(rest.end).toBe(to);
    expect(rest.inputs[0]?.index).toBe((slice.inputs.at(-1)?.index ?? 0) + 1);
    expect(rest.inputs).toHaveLength(inBlock);
  });

  test("[L1] a block above 16 MiB is taken whole, and ends its slice", async () => {
    const from = await mineInputs(1, FIT + 1);
    await chain.devnet.mine(3);
    const slice = await chain.read(from, from + 3);
    expect(slice.end).toBe(from);
    expect(slice.inputs).toHaveLength(FIT + 1);
    expect(await chain.read(from + 1, from + 3)).toEqual({ inputs: [], end: from + 3 });
  });
});
