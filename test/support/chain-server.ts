/**
 * Chains for tests that cannot start a process: tests inside workerd ask this server over HTTP.
 *
 * Runs in Node as the global setup of the `workers` project. A chain is a fresh anvil with the real
 * contracts and a proxy in front of it that spoils answers by rules, since a function does not
 * cross HTTP.
 */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { type Devnet, startDevnet } from "./anvil.ts";
import type { ChainInfo, FaultRule } from "./chain-rules.ts";
import { type FaultyRpc, type RpcRequest, startFaultyRpc } from "./faulty-rpc.ts";

type Chain = { readonly devnet: Devnet; readonly proxy: FaultyRpc };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chains: Chain[] = [];
  // Each anvil is stopped with this process, which is one listener more.
  process.setMaxListeners(200);
  const server = createServer((request, response) => {
    void answer(chains, request).then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  project.provide("chainServerUrl", `http://127.0.0.1:${port}`);
  return async () => {
    for (const { devnet, proxy } of chains) {
      await proxy.stop();
      await devnet.stop();
    }
    server.closeAllConnections();
    server.close();
  };
}

/** `POST /chains` starts one; `POST /chains/<i>/faults` sets rules; `GET /chains/<i>/requests`. */
async function answer(chains: Chain[], request: IncomingMessage): Promise<unknown> {
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
