/** Answers that are valid JSON-RPC and yet not what the method answers. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { address, hash32 } from "../../src/core/types/hex.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { connectL1 } from "../../src/l1/client.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type FaultyRpc, startFaultyRpc } from "../support/faulty-rpc.ts";

const TIMEOUT_MS = 5000;
const account = address("0x70997970c51812dc3a010c7d01b50e0d17dc79c8");

let anvil: Anvil;
let proxy: FaultyRpc;
let l1: L1;

beforeAll(async () => {
  anvil = await startAnvil();
  proxy = await startFaultyRpc(anvil.url);
  l1 = connectL1({ url: proxy.url, timeoutMs: TIMEOUT_MS, longRangeCodes: [] });
});
afterAll(async () => {
  await proxy.stop();
  await anvil.stop();
});

describe("answers that are not what the method answers", () => {
  const hash = hash32(`0x${"11".repeat(32)}`);

  test.each([
    { name: "a chain id that is a number", act: () => l1.chainId(), result: 31_337 },
    { name: "a chain id above 2^53", act: () => l1.chainId(), result: "0x20000000000000" },
    {
      name: "a block without a hash",
      act: () => l1.block("safe"),
      result: { number: "0x1", timestamp: "0x1" },
    },
    {
      name: "a short block hash",
      act: () => l1.block("safe"),
      result: { number: "0x1", timestamp: "0x1", hash: "0x11" },
    },
    {
      name: "another block than the one asked for",
      act: () => l1.block(blockNumber(7)),
      result: { number: "0x8", timestamp: "0x1", hash },
    },
    {
      name: "a nonce that is null",
      act: () => l1.transactionCount(account, "latest"),
      result: null,
    },
    { name: "a balance without digits", act: () => l1.balance(account), result: "0x" },
    {
      name: "a balance above 256 bits",
      act: () => l1.balance(account),
      result: `0x1${"0".repeat(64)}`,
    },
    {
      name: "a fee history without rewards",
      act: () => l1.feeHistory(),
      result: { baseFeePerGas: ["0x1"] },
    },
    {
      name: "a fee history without base fees",
      act: () => l1.feeHistory(),
      result: { baseFeePerGas: [], reward: [["0x1"]] },
    },
    {
      name: "a fee history with an empty reward",
      act: () => l1.feeHistory(),
      result: { baseFeePerGas: ["0x1"], reward: [[]] },
    },
    {
      name: "a count without a word",
      act: () => l1.inputCount(account, account, blockNumber(0)),
      result: "0x",
    },
    { name: "a hash that is short", act: () => l1.broadcast("0x02"), result: "0x11" },
    {
      name: "another transaction's receipt",
      act: () => l1.receiptBlock(hash32(`0x${"22".repeat(32)}`)),
      result: { transactionHash: hash, blockNumber: "0x1" },
    },
    {
      name: "a receipt without a block",
      act: () => l1.receiptBlock(hash),
      result: { transactionHash: hash, blockNumber: null },
    },
  ])("[L1] $name is incomplete", async ({ act, result }) => {
    proxy.fail(() => ({ kind: "result", result }));
    expect(await act()).toEqual({ ok: false, error: { reason: "incomplete", code: null } });
  });

  test.each([
    { name: "a number beyond the head", tag: blockNumber(1_000_000) },
    { name: "safe", tag: "safe" as const },
  ])("[L1] a block that the endpoint does not have is behind: $name", async ({ tag }) => {
    proxy.fail(() => (tag === "safe" ? { kind: "result", result: null } : null));
    expect(await l1.block(tag)).toEqual({ ok: false, error: { reason: "behind", code: null } });
  });

  test("[L1] a failed chain id is asked again, a known one is not", async () => {
    const fresh = connectL1({ url: proxy.url, timeoutMs: TIMEOUT_MS, longRangeCodes: [] });
    proxy.fail(() => ({ kind: "error", code: -32603, message: "" }));
    expect((await fresh.chainId()).ok).toBe(false);
    proxy.fail(() => null);
    expect(await fresh.chainId()).toEqual({ ok: true, value: 31_337 });
    expect(await fresh.chainId()).toEqual({ ok: true, value: 31_337 });
    expect(proxy.requests).toHaveLength(1);
  });
});
