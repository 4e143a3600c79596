/** What each fault of the wire becomes, in front of a real node: a reason and a code, never a text. */

import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { address, hash32 } from "../../src/core/types/hex.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { connectL1 } from "../../src/l1/client.ts";
import type { L1, L1Error } from "../../src/l1/l1.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Fault, type FaultyRpc, startFaultyRpc } from "../support/faulty-rpc.ts";

const TIMEOUT_MS = 300;
const LONG_RANGE_CODES = [-32005, -32012, -32600, -32602, -32616];
/** Stands for the provider's key, which URLs carry. */
const URL_SECRET = "v3-1f6e2a9c";
const PROVIDER_TEXT = "out of quota for project 77 at node seven";
const account = address("0x70997970c51812dc3a010c7d01b50e0d17dc79c8");

let anvil: Anvil;
let proxy: FaultyRpc;
let l1: L1;

beforeAll(async () => {
  anvil = await startAnvil();
  proxy = await startFaultyRpc(anvil.url);
  const url = `${proxy.url}/${URL_SECRET}`;
  l1 = connectL1({ url, timeoutMs: TIMEOUT_MS, longRangeCodes: LONG_RANGE_CODES });
});
afterAll(async () => {
  await proxy.stop();
  await anvil.stop();
});

async function errorUnder(fault: Fault, act: () => ReturnType<L1["balance"]>): Promise<L1Error> {
  proxy.fail(() => fault);
  const result = await act();
  if (result.ok) return expect.unreachable(`${fault.kind} is an error`);
  return result.error;
}

const balance = () => l1.balance(account);
const json = { "content-type": "application/json" };

const FAULTS: readonly { name: string; fault: Fault; error: L1Error }[] = [
  { name: "no answer", fault: { kind: "hang" }, error: { reason: "timeout", code: null } },
  {
    name: "a body that stops half way",
    fault: { kind: "stall" },
    error: { reason: "timeout", code: null },
  },
  {
    name: "a closed connection",
    fault: { kind: "disconnect" },
    error: { reason: "unreachable", code: null },
  },
  {
    name: "a page of HTML",
    fault: { kind: "http", status: 200, body: "<html>", headers: { "content-type": "text/html" } },
    error: { reason: "unreachable", code: null },
  },
  {
    name: "broken JSON",
    fault: { kind: "http", status: 200, body: '{"jsonrpc":"2.0","res', headers: json },
    error: { reason: "unreachable", code: null },
  },
  {
    name: "JSON that is no answer",
    fault: { kind: "http", status: 200, body: "null", headers: json },
    error: { reason: "unreachable", code: null },
  },
  {
    name: "a failing gateway",
    fault: { kind: "http", status: 502, body: PROVIDER_TEXT },
    error: { reason: "unreachable", code: null },
  },
  {
    name: "HTTP 429",
    fault: { kind: "http", status: 429, body: PROVIDER_TEXT, headers: { "retry-after": "9" } },
    error: { reason: "unreachable", code: null },
  },
  {
    name: "a JSON-RPC error under HTTP 400",
    fault: {
      kind: "http",
      status: 400,
      body: `{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"${PROVIDER_TEXT}"}}`,
      headers: json,
    },
    error: { reason: "rpc-error", code: -32005 },
  },
  {
    name: "a known JSON-RPC code",
    fault: { kind: "error", code: -32603, message: PROVIDER_TEXT },
    error: { reason: "rpc-error", code: -32603 },
  },
  {
    name: "a JSON-RPC code of the provider's own",
    fault: { kind: "error", code: -32007, message: PROVIDER_TEXT },
    error: { reason: "rpc-error", code: -32007 },
  },
  {
    name: "a reverted execution",
    fault: { kind: "error", code: 3, message: PROVIDER_TEXT },
    error: { reason: "reverted", code: 3 },
  },
  {
    name: "a code that is text",
    fault: { kind: "error", code: "LIMIT", message: PROVIDER_TEXT },
    error: { reason: "rpc-error", code: null },
  },
  {
    name: "a code in the text only",
    fault: { kind: "error", code: -32000, message: "see -32005 and code 3" },
    error: { reason: "rpc-error", code: -32000 },
  },
  {
    name: "an answer without a result",
    fault: { kind: "http", status: 200, body: '{"jsonrpc":"2.0","id":1}', headers: json },
    error: { reason: "incomplete", code: null },
  },
  {
    name: "a result of another type",
    fault: { kind: "result", result: { balance: "0x1" } },
    error: { reason: "incomplete", code: null },
  },
];

describe("faults of the wire", () => {
  test.each(FAULTS)("[L1] $name is $error.reason", async ({ fault, error }) => {
    expect(await errorUnder(fault, balance)).toEqual(error);
  });

  test.each(FAULTS)("[L4] $name: one request, never a retry", async ({ fault }) => {
    await errorUnder(fault, balance);
    expect(proxy.requests).toHaveLength(1);
  });

  test.each(FAULTS)("$name: neither URL nor the provider's text comes out", async ({ fault }) => {
    const shown = inspect(await errorUnder(fault, balance), { depth: 9, showHidden: true });
    for (const secret of [URL_SECRET, proxy.url, "127.0.0.1", "quota", "node seven", "<html>"]) {
      expect(shown).not.toContain(secret);
    }
  });

  test("[L1] a refused connection is unreachable", async () => {
    const gone = await startFaultyRpc(anvil.url);
    await gone.stop();
    const nobody = connectL1({ url: gone.url, timeoutMs: TIMEOUT_MS, longRangeCodes: [] });
    expect(await nobody.chainId()).toEqual({
      ok: false,
      error: { reason: "unreachable", code: null },
    });
  });

  test("a redirect is not followed: it could leave https", async () => {
    const elsewhere = await startFaultyRpc(anvil.url);
    const fault: Fault = {
      kind: "http",
      status: 307,
      body: "",
      headers: { location: elsewhere.url },
    };
    expect(await errorUnder(fault, balance)).toEqual({ reason: "unreachable", code: null });
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.stop();
  });

  test("[L1] after a fault the same connection answers again", async () => {
    await errorUnder({ kind: "disconnect" }, balance);
    proxy.fail(() => null);
    expect(await balance()).toEqual({ ok: true, value: 10_000n * 10n ** 18n });
  });

  test("the caller's fetch is used", async () => {
    const seen: string[] = [];
    const options = { url: anvil.url, timeoutMs: TIMEOUT_MS, longRangeCodes: [] };
    const watched = connectL1(options, (input, init) => {
      seen.push(String(init?.body));
      return fetch(input, init);
    });
    expect(await watched.chainId()).toEqual({ ok: true, value: 31_337 });
    expect(seen.join()).toContain("eth_chainId");
  });
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

describe("words of a refused transaction", () => {
  test.each([
    { words: "already known", reason: "already-known" },
    { words: "AlreadyKnown", reason: "already-known" },
    { words: "Known transaction", reason: "already-known" },
    { words: "transaction already imported", reason: "already-known" },
    { words: "replacement transaction underpriced", reason: "underpriced" },
    { words: "transaction underpriced: gas tip cap 0, minimum needed 1", reason: "underpriced" },
    { words: "ReplacementNotAllowed", reason: "underpriced" },
    { words: "FeeTooLow, EffectivePriorityFeePerGas too low", reason: "underpriced" },
    { words: "nonce too low: next nonce 5, tx nonce 4", reason: "nonce-too-low" },
    { words: "OldNonce", reason: "nonce-too-low" },
    { words: "Transaction nonce is below sender account nonce", reason: "nonce-too-low" },
    { words: "insufficient funds for gas * price + value", reason: "insufficient-funds" },
    { words: "InsufficientFunds, Balance is 0", reason: "insufficient-funds" },
    { words: "Upfront cost exceeds account balance", reason: "insufficient-funds" },
    { words: "intrinsic gas too low", reason: "rpc-error" },
    { words: "", reason: "rpc-error" },
  ])("[L2] '$words' is $reason", async ({ words, reason }) => {
    proxy.fail(() => ({ kind: "error", code: -32000, message: words }));
    expect(await l1.broadcast("0x02")).toEqual({ ok: false, error: { reason, code: -32000 } });
  });

  test.each([
    { code: -32000, reason: "nonce-too-low" },
    { code: -32003, reason: "nonce-too-low" },
    { code: -32099, reason: "nonce-too-low" },
    { code: -32100, reason: "rpc-error" },
    { code: -31999, reason: "rpc-error" },
    { code: -32602, reason: "rpc-error" },
  ])("[L2] the words count under code $code: $reason", async ({ code, reason }) => {
    proxy.fail(() => ({ kind: "error", code, message: "nonce too low" }));
    expect(await l1.broadcast("0x02")).toEqual({ ok: false, error: { reason, code } });
  });

  test("[L1] the same words mean nothing to a reading method", async () => {
    const fault: Fault = { kind: "error", code: -32000, message: "nonce too low" };
    expect(await errorUnder(fault, balance)).toEqual({ reason: "rpc-error", code: -32000 });
  });
});
