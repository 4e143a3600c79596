/** The client's `send`, over a wire that loses, refuses and doubles: one effect for one op. */

import { privateKeyToAccount } from "viem/accounts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import { executionRejected } from "../../src/core/api/rejection.ts";
import { must } from "../../src/core/types/assert.ts";
import { fromHex, parseAddress } from "../../src/core/types/hex.ts";
import { recoverAddress } from "../../src/core/wire/signature.ts";
import { domainSeparator, userOpDigest } from "../../src/core/wire/user-op.ts";
import { createClient } from "../../src/sdk/client.ts";
import type { Account, Client, WalletAccount } from "../../src/sdk/client-types.ts";
import { BatonError, SubmissionError } from "../../src/sdk/errors.ts";
import { BOB } from "../support/wallet.ts";
import { WireServer } from "../support/wire-server.ts";

const alice = privateKeyToAccount(`0x${"11".repeat(32)}`);
const carol = privateKeyToAccount(`0x${"33".repeat(32)}`);
const addressOf = (account: { address: string }) =>
  must(parseAddress(account.address), "an account has an address");
const data = encodeTransfer(1n, BOB);

let server: WireServer;
let client: Client;

beforeEach(async () => {
  server = await WireServer.start();
  for (const account of [alice, carol]) server.sequencer.deposit(addressOf(account), 1_000_000n);
  client = createClient({ url: `${server.url}/` });
});
afterEach(async () => {
  vi.useRealTimers();
  await server.stop();
});

const posts = () => server.requests.filter(({ method }) => method === "POST");
const nonceOf = (account: { address: string }) =>
  server.sequencer.state.nextNonce(addressOf(account));

/** What `call` throws, which must be a `BatonError`. */
async function refusalOf(call: Promise<unknown>): Promise<BatonError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof BatonError) return error;
  return expect.unreachable(String(error));
}

/** A wallet of a browser: it is given JSON text and asked for the accounts' addresses by name. */
function walletOf(account: typeof alice): WalletAccount {
  return {
    address: account.address,
    provider: {
      request: async ({ method, params }) => {
        expect(method).toBe("eth_signTypedData_v4");
        expect(params[0]).toBe(addressOf(account));
        const { domain, types, primaryType, message } = JSON.parse(params[1]);
        expect(types.EIP712Domain).toHaveLength(4);
        return await account.signTypedData({ domain, types, primaryType, message });
      },
    },
  };
}

describe("an op", () => {
  test.each<[string, Account]>([
    ["an account of viem", alice],
    ["a browser's wallet", walletOf(alice)],
  ])("[I1, S1] is signed by %s, with the nonce and the fee that are due", async (_who, account) => {
    const first = await client.send({ data }, account);
    const second = await client.send({ data }, account);
    expect([first.nonce, second.nonce, nonceOf(alice)]).toEqual([0, 1, 2]);
    expect([first.offset, second.offset]).toEqual([3, 4]);
    expect(first.sender).toBe(addressOf(alice));
    expect(first.signed.maxFee).toBe(53);
    const digest = userOpDigest(domainSeparator(server.sequencer.domain), first.signed);
    expect(recoverAddress(digest, fromHex(first.signed.signature))).toEqual({
      ok: true,
      value: first.sender,
    });
    expect(await first.ordered).toMatchObject({ offset: 3, receipt: null });
    // What is known is not asked for again.
    expect(["/domain", "/fee", "/nonce"].map((path) => server.asked(path))).toEqual([1, 1, 1]);
  });

  test("[I4] whose answer got lost is sent again, byte for byte, and included once", async () => {
    let lost = 0;
    server.fault = ({ path }) => (path === "/tx" && lost++ < 2 ? "lose" : null);
    const sent = await client.send({ data }, alice);
    expect(posts().map(({ body }) => body)).toEqual(Array(3).fill(posts()[0]?.body));
    expect([sent.nonce, nonceOf(alice), server.sequencer.head]).toEqual([0, 1, 3]);
  });

  test("[I5] is sent again after 503 and 429, not before the time that was told", async () => {
    const faults = [{ status: 503, retryAfterS: 1 }, { status: 429 }];
    server.fault = ({ path }) => (path === "/tx" ? (faults.shift() ?? null) : null);
    const startedMs = Date.now();
    await client.send({ data }, alice);
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1_000);
    expect(posts()).toHaveLength(3);
  });

  test("[I5] that is not taken within the bounds is handed back, to be submitted again", async () => {
    client = createClient({ url: server.url, retry: { attemptsMax: 3 } });
    server.fault = ({ path }) => (path === "/tx" ? "lose" : null);
    const error = await refusalOf(client.send({ data }, alice));
    if (!(error instanceof SubmissionError)) return expect.unreachable(error.name);
    expect([error.code, posts().length]).toEqual(["UNREACHABLE", 3]);
    server.fault = () => null;
    // It was included by the first attempt: whoever submits it gets that attempt's answer.
    expect(await client.submit(error.signed)).toMatchObject({ nonce: 0, offset: 3 });
    expect(await client.send({ data }, alice)).toMatchObject({ nonce: 1, offset: 4 });
  });

  test("[I5] is not kept waiting for a time that is beyond the bounds", async () => {
    client = createClient({ url: server.url, retry: { limitMs: 5_000 } });
    server.fault = ({ path }) => (path === "/tx" ? { status: 503, retryAfterS: 30 } : null);
    const error = await refusalOf(client.send({ data }, alice));
    expect(error).toMatchObject({ code: "UNAVAILABLE", status: 503, retryAfterS: 30 });
    expect(posts()).toHaveLength(1);
  });

  test("[I1] that is refused for what it is is not sent again", async () => {
    const error = await refusalOf(client.send({ data: new Uint8Array(65) }, alice));
    expect(error).toMatchObject({ code: "BAD_REQUEST", status: 400 });
    expect(error.message).toMatch(/^user op payload too large/);
    expect(posts()).toHaveLength(1);
  });

  test("[I2] of an account that signs for another is refused by the sequencer's own code", async () => {
    const liar = { address: carol.address, signTypedData: alice.signTypedData };
    const error = await refusalOf(client.send({ data }, liar));
    expect(error).toMatchObject({ code: "INVALID_SIGNATURE", message: "sender mismatch" });
  });
});

describe("nonces", () => {
  test("[I4] of sends at one time are consecutive, whatever is lost on the way", async () => {
    let posted = 0;
    server.fault = ({ path }) => (path === "/tx" && posted++ % 3 === 1 ? "lose" : null);
    const sends = Array.from({ length: 12 }, (_, i) =>
      client.send({ data }, i % 2 ? alice : carol),
    );
    const sent = await Promise.all(sends);
    for (const account of [alice, carol]) {
      const own = sent.filter(({ sender }) => sender === addressOf(account));
      expect(own.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect(new Set(sent.map(({ offset }) => offset)).size).toBe(12);
  });

  test("[I4] that another client took are fetched again, and the op is signed anew", async () => {
    await client.send({ data }, alice);
    const other = createClient({ url: server.url });
    await other.send({ data: encodeTransfer(2n, BOB) }, alice);
    expect((await client.send({ data }, alice)).nonce).toBe(2);
    // Also the other way round: a rollback gives nonces back.
    server.sequencer.rollBack(3);
    expect((await client.send({ data }, alice)).nonce).toBe(1);
  });

  test("[I4] are not remembered for long: the same op of another client would pass for this one", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await client.send({ data }, alice);
    await createClient({ url: server.url }).send({ data }, alice);
    vi.advanceTimersByTime(1_000);
    const sent = await client.send({ data }, alice);
    expect([sent.nonce, sent.offset, nonceOf(alice)]).toEqual([2, 5, 3]);
  });

  test("[I1] and fees that the caller gave are used as they are, or the op is refused", async () => {
    expect(await client.send({ data, nonce: 0, maxFee: 7 }, alice)).toMatchObject({ nonce: 0 });
    const used = await refusalOf(client.send({ data: encodeTransfer(2n, BOB), nonce: 0 }, alice));
    const text = { reason: "invalid-nonce", expected: 1, got: 0 } as const;
    expect(used.message).toBe(executionRejected(text).message);
    server.sequencer.fee = 8;
    const cheap = await refusalOf(client.send({ data, maxFee: 7 }, alice));
    const low = { reason: "max-fee-too-low", maxFee: 7, baseFee: 8 } as const;
    expect(cheap.message).toBe(executionRejected(low).message);
    expect([used.code, cheap.code]).toEqual(["EXECUTION_REJECTED", "EXECUTION_REJECTED"]);
  });

  test("[S3] a fee that rose above the quote is asked for again", async () => {
    expect((await client.send({ data }, alice)).signed.maxFee).toBe(53);
    server.sequencer.fee = 60;
    expect((await client.send({ data }, alice)).signed.maxFee).toBe(113);
  });

  test("are not used up by an owner who says no, and the next op does not wait for ever", async () => {
    const no = new Error("no");
    const refusing = { address: alice.address, signTypedData: () => Promise.reject(no) };
    const sends = [client.send({ data }, refusing), client.send({ data }, alice)];
    const [first, second] = await Promise.allSettled(sends);
    expect(first).toEqual({ status: "rejected", reason: no });
    expect(second).toMatchObject({ status: "fulfilled", value: { nonce: 0 } });
  });
});

describe("the sequencer's word", () => {
  test("[I6] is passed on by code, status and text, and nothing of the request with it", async () => {
    const missing = await refusalOf(client.transaction(addressOf(alice), 7));
    expect(missing).toMatchObject({ code: "NOT_FOUND", status: 404, message: "no such op" });
    await server.stop();
    client = createClient({ url: server.url, retry: { attemptsMax: 1 } });
    const gone = await refusalOf(client.nonce(alice.address));
    expect(gone).toMatchObject({ code: "UNREACHABLE", status: null });
    expect(JSON.stringify([gone.message, gone.stack])).not.toContain(alice.address);
    server = await WireServer.start();
  });

  test("[I7] that it does not serve is an answer of health's", async () => {
    let body: object = { status: "degraded", mode: "recovering" };
    const fetched = (status: number) =>
      createClient({
        url: "http://sequencer.invalid",
        retry: { attemptsMax: 1 },
        transport: { fetch: () => Promise.resolve(new Response(JSON.stringify(body), { status })) },
      });
    expect(await fetched(503).health()).toEqual(body);
    expect((await refusalOf(fetched(502).health())).code).toBe("BAD_ANSWER");
    body = { ok: false, code: "MISCONFIGURED", message: "sequencer misconfigured" };
    expect(await refusalOf(fetched(503).health())).toMatchObject({
      code: "MISCONFIGURED",
      status: 503,
    });
    body = {};
    expect((await refusalOf(fetched(503).fee())).code).toBe("BAD_ANSWER");
    expect((await refusalOf(fetched(200).fee())).message).toBe("the answer is not a fee");
  });

  test.each([
    ["no JSON", "<html>"],
    ["another op's", JSON.stringify({ sender: BOB, nonce: 0, offset: 1 })],
  ])("[I4] that is %s leaves open what became of the op", async (_what, text) => {
    const fetchIt = (url: string, init: RequestInit) =>
      url.endsWith("/tx") ? Promise.resolve(new Response(text)) : fetch(url, init);
    client = createClient({ url: server.url, transport: { fetch: fetchIt } });
    const error = await refusalOf(client.send({ data }, alice));
    expect([error.name, error.code]).toEqual(["SubmissionError", "BAD_ANSWER"]);
  });

  test("[S1] about the domain is not asked for where it is known, and not believed where it is another", async () => {
    const { domain } = server.sequencer;
    const own = createClient({ url: server.url, domain });
    await own.send({ data }, alice);
    expect(server.asked("/domain")).toBe(0);
    const wrong = JSON.stringify({ ...domain, name: "Permit", version: "1" });
    const fetchIt = () => Promise.resolve(new Response(wrong));
    const lied = createClient({ url: server.url, transport: { fetch: fetchIt } });
    expect((await refusalOf(lied.domain())).code).toBe("BAD_ANSWER");
  });

  test("is bounded: an answer without an end is not read to its end", async () => {
    const endless = () => {
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
      });
      return Promise.resolve(new Response(body));
    };
    client = createClient({ url: server.url, transport: { fetch: endless } });
    expect((await refusalOf(client.fee())).message).toMatch(/more than [0-9]+ bytes/);
  });

  test.each(["ftp://host", "nonsense", "https://user:secret@host"])(
    "is not asked for at %s",
    (url) => {
      expect(() => createClient({ url })).toThrow("the URL is no http or https URL");
    },
  );

  test("an abort ends a call with the caller's own reason", async () => {
    const reason = new Error("enough");
    const waiting = new AbortController();
    server.fault = () => ({ status: 503, retryAfterS: 20 });
    const call = client.send({ data }, alice, { signal: waiting.signal });
    setTimeout(() => waiting.abort(reason), 100);
    await expect(call).rejects.toBe(reason);
    await expect(client.fee({ signal: waiting.signal })).rejects.toBe(reason);
  });
});
