/** What each fault of the wire becomes, in front of a real node: a reason and a code, never a text. */

import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { address } from "../../src/core/types/hex.ts";
import { connectL1 } from "../../src/l1/client.ts";
import type { L1, L1Error } from "../../src/l1/l1.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { type Fault, type FaultyRpc, startFaultyRpc } from "../support/faulty-rpc.ts";

/** Short where the fault is silence; long where a busy machine must not look like one. */
const SILENCE_MS = 300;
const TIMEOUT_MS = 20_000;
const LONG_RANGE_CODES = [-32005, -32012, -32600, -32602, -32616];
/** Stands for the provider's key, which URLs carry. */
const URL_SECRET = "v3-1f6e2a9c";
const PROVIDER_TEXT = "out of quota for project 77 at node seven";
const account = address("0x70997970c51812dc3a010c7d01b50e0d17dc79c8");

let anvil: Anvil;
let proxy: FaultyRpc;
let l1: L1;
let hasty: L1;

beforeAll(async () => {
  anvil = await startAnvil();
  proxy = await startFaultyRpc(anvil.url);
  const url = `${proxy.url}/${URL_SECRET}`;
  l1 = connectL1({ url, timeoutMs: TIMEOUT_MS, longRangeCodes: LONG_RANGE_CODES });
  hasty = connectL1({ url, timeoutMs: SILENCE_MS, longRangeCodes: LONG_RANGE_CODES });
});
afterAll(async () => {
  await proxy.stop();
  await anvil.stop();
});

async function errorUnder(fault: Fault): Promise<L1Error> {
  proxy.fail(() => fault);
  const isSilent = fault.kind === "hang" || fault.kind === "stall";
  const result = await (isSilent ? hasty : l1).balance(account);
  if (result.ok) return expect.unreachable(`${fault.kind} is an error`);
  return result.error;
}

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
    expect(await errorUnder(fault)).toEqual(error);
  });

  test.each(FAULTS)("[L4] $name: one request, never a retry", async ({ fault }) => {
    await errorUnder(fault);
    expect(proxy.requests).toHaveLength(1);
  });

  test.each(FAULTS)("$name: neither URL nor the provider's text comes out", async ({ fault }) => {
    const shown = inspect(await errorUnder(fault), { depth: 9, showHidden: true });
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
    expect(await errorUnder(fault)).toEqual({ reason: "unreachable", code: null });
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.stop();
  });

  test("[L1] after a fault the same connection answers again", async () => {
    await errorUnder({ kind: "disconnect" });
    proxy.fail(() => null);
    expect(await l1.balance(account)).toEqual({ ok: true, value: 10_000n * 10n ** 18n });
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
    expect(await errorUnder(fault)).toEqual({ reason: "rpc-error", code: -32000 });
  });
});
