/**
 * Chains for tests that cannot start a process: tests inside workerd ask this server over HTTP.
 *
 * A program of its own, which `chains.ts` starts: what a chain costs to deploy is not taken from the test
 * runner. A chain is a fresh anvil with the real contracts and a proxy in front of it that spoils answers by
 * rules, since a function does not cross HTTP.
 */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type Devnet, startDevnet } from "./anvil.ts";
import type { ChainInfo, FaultRule } from "./chain-rules.ts";
import { type FaultyRpc, type RpcRequest, startFaultyRpc } from "./faulty-rpc.ts";

type Chain = { readonly devnet: Devnet; readonly proxy: FaultyRpc };

const chains: Chain[] = [];
// Each anvil is killed as this process ends, which is one listener more.
process.setMaxListeners(200);
// The test runner is done, or gone.
process.once("disconnect", () => process.exit());
const server = createServer((request, response) => {
  void answer(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    },
  );
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(`http://127.0.0.1:${port}`);
});

/** `POST /chains` starts one; `POST /chains/<i>/faults` sets rules; `GET /chains/<i>/requests`. */
async function answer(request: IncomingMessage): Promise<unknown> {
  const [, , index, what] = (request.url ?? "").split("/");
  if (index === undefined) {
    const devnet = await startDevnet();
    const proxy = await startFaultyRpc(devnet.url);
    const id = chains.push({ devnet, proxy }) - 1;
    const { url, rollups } = devnet;
    return { id, url, proxyUrl: proxy.url, rollups } satisfies ChainInfo;
  }
  const chain = chains[Number(index)];
  if (chain === undefined) throw new Error(`no chain ${index}`);
  if (what === "requests") return chain.proxy.requests;
  const rules: readonly FaultRule[] = JSON.parse(await readBody(request));
  chain.proxy.fail(chooser(rules));
  return null;
}

/** A rule spoils the calls it names: all, or as many as it says. */
function chooser(rules: readonly FaultRule[]): Parameters<FaultyRpc["fail"]>[0] {
  const left = rules.map(({ times }) => times ?? Number.POSITIVE_INFINITY);
  return (request: RpcRequest) => {
    const at = rules.findIndex(
      ({ method, param }, i) =>
        (left[i] ?? 0) > 0 &&
        method === request.method &&
        (param === undefined || request.params[0] === param),
    );
    const rule = rules[at];
    if (rule === undefined) return null;
    left[at] = (left[at] ?? 0) - 1;
    if (rule.fault.kind !== "patch") return rule.fault;
    const { patch } = rule.fault;
    return { kind: "edit", edit: (result) => ({ ...(result as object), ...patch }) };
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
