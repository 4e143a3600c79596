/** To whom `baton` shows the operator's token, and which Ethereum endpoint it asks. */

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isLoopback } from "../../src/cli/account.ts";
import { connect, connectOne } from "../../src/cli/connect.ts";
import { type Io, Speech } from "../../src/cli/io.ts";
import { namedToken, optionalToken, requiredToken } from "../../src/cli/token.ts";
import { send } from "../support/claiming-server.ts";

const REMOTE = "https://sequencer.example";
const LOCAL = "http://127.0.0.1:3000";

function ioWith(env: Record<string, string>): Io & { readonly said: string[] } {
  const said: string[] = [];
  return {
    ...{ env, said, directory: "/", isTerminal: false },
    stdin: () => new Blob([]).stream(),
    stdout: (text) => said.push(text),
    stderr: (text) => said.push(text),
    interrupted: () => new AbortController().signal,
  };
}

describe("the operator's token", () => {
  const io = ioWith({ SEQ_OPERATOR_TOKEN: "implicit", OTHER: "named" });
  const optional = (url: string, flags = {}) =>
    optionalToken(io, flags, { url, speech: new Speech(io, {}) });

  test("of the environment goes to this machine, and to no other without being named", () => {
    expect(optional(LOCAL)).toBe("implicit");
    expect(io.said).toEqual([]);
    expect(optional(REMOTE)).toBeUndefined();
    expect(io.said).toEqual([
      "SEQ_OPERATOR_TOKEN is not sent to another machine without --token-env SEQ_OPERATOR_TOKEN\n",
    ]);
  });

  test("that was named for the command goes where the command goes", () => {
    expect(optional(REMOTE, { tokenEnv: "SEQ_OPERATOR_TOKEN" })).toBe("implicit");
    expect(optional(REMOTE, { tokenEnv: "OTHER" })).toBe("named");
    expect(optional(REMOTE, { token: "typed" })).toBe("typed");
    expect(namedToken(io, {})).toBeUndefined();
  });

  test("of the environment is what an operator's command takes", () => {
    expect(requiredToken(io, {})).toBe("implicit");
    expect(requiredToken(io, { tokenEnv: "OTHER" })).toBe("named");
  });

  test.each([
    ["http://localhost:3000", true],
    ["https://localhost", true],
    ["http://127.0.0.1", true],
    ["http://[::1]:3000/", true],
    ["http://127.0.0.1.example", false],
    ["http://localhost.example", false],
    ["https://sequencer.example/?localhost", false],
    ["http://user@127.0.0.1", false],
  ])("%s is of this machine: %s", (url, isLocal) => {
    expect(isLoopback(url)).toBe(isLocal);
  });
});

describe("of several endpoints", () => {
  type Endpoint = { server: Server; url: string; calls: string[]; chainId: number; isUp: boolean };
  let first: Endpoint;
  let second: Endpoint;

  async function listen(): Promise<Endpoint> {
    const endpoint: Partial<Endpoint> = { calls: [], chainId: 5, isUp: true };
    const server = createServer(async (request, response) => {
      const { method } = JSON.parse(await textOf(request)) as { method: string };
      endpoint.calls?.push(method);
      if (endpoint.isUp !== true) return send(response, 503, {});
      const result = method === "eth_chainId" ? `0x${endpoint.chainId?.toString(16)}` : "0x7";
      return send(response, 200, { jsonrpc: "2.0", id: 1, result });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return Object.assign(endpoint, { server, url }) as Endpoint;
  }
  async function textOf(request: IncomingMessage): Promise<string> {
    let text = "";
    for await (const part of request) text += String(part);
    return text;
  }

  beforeAll(async () => {
    [first, second] = [await listen(), await listen()];
  });
  beforeEach(() => {
    for (const one of [first, second]) Object.assign(one, { calls: [], chainId: 5, isUp: true });
  });
  afterAll(() => {
    for (const { server } of [first, second]) server.close();
  });

  const io = ioWith({});
  const account = `0x${"11".repeat(20)}` as const;
  const both = () => `${first.url} , ${second.url}`;
  const balance = (l1: ReturnType<typeof connect>) => l1.balance(account as never);

  test("the first is asked while it answers, then the next, which is kept", async () => {
    const l1 = connect(io, both());
    expect(await balance(l1)).toEqual({ ok: true, value: 7n });
    expect(second.calls).toEqual([]);
    first.isUp = false;
    expect(await balance(l1)).toEqual({ ok: true, value: 7n });
    first.calls = [];
    expect(await balance(l1)).toEqual({ ok: true, value: 7n });
    expect(first.calls).toEqual([]);
  });

  test("one of another chain than the first that answered is not believed", async () => {
    const l1 = connect(io, both());
    expect(await l1.chainId()).toEqual({ ok: true, value: 5 });
    first.isUp = false;
    second.chainId = 6;
    expect(await balance(l1)).toMatchObject({ ok: false, error: { reason: "unreachable" } });
    expect(second.calls).toEqual(["eth_chainId"]);
  });

  test("all that fail fail like the first that was asked", async () => {
    for (const one of [first, second]) one.isUp = false;
    expect(await balance(connect(io, both()))).toMatchObject({ error: { reason: "unreachable" } });
  });

  test("[L1] a flush is given one of them, from beginning to end", async () => {
    first.isUp = false;
    const l1 = await connectOne(io, both());
    first.isUp = true;
    second.isUp = false;
    expect(await balance(l1)).toMatchObject({ ok: false });
    expect(first.calls).toEqual(["eth_chainId"]);
  });

  test("each is judged, and none is said", () => {
    const bad = `${first.url},http://rpc.example/secret`;
    expect(() => connect(io, bad)).toThrow("a remote RPC must use https");
    expect(() => connect(io, `${first.url},`)).toThrow("the RPC URL is no http or https URL");
  });
});
