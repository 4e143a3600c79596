/**
 * An HTTP proxy in front of a real node that spoils the answers a test names.
 *
 * The client under test speaks to it over a real socket, so what breaks is the wire, not a stand-in.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type RpcRequest = {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
};

export type Fault =
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  /** Sends the headers and the start of a body, and nothing more. */
  | { readonly kind: "stall" }
  | { readonly kind: "disconnect" }
  | {
      readonly kind: "http";
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A JSON-RPC error; `code` need not be a number. */
  | { readonly kind: "error"; readonly code: unknown; readonly message: string }
  | { readonly kind: "result"; readonly result: unknown }
  /** The node's own result, changed. */
  | { readonly kind: "edit"; readonly edit: (result: unknown) => unknown };

export type FaultyRpc = {
  readonly url: string;
  /** Every request since the start or the last `fail`, in order. */
  readonly requests: readonly RpcRequest[];
  /** Spoils each request for which `choose` names a fault, until the next `fail`. */
  fail(choose: (request: RpcRequest) => Fault | null): void;
  stop(): Promise<void>;
};

export async function startFaultyRpc(upstream: string): Promise<FaultyRpc> {
  const requests: RpcRequest[] = [];
  let choose: (request: RpcRequest) => Fault | null = () => null;
  const server = createServer((incoming, response) => {
    void serve(incoming, response).catch(() => response.destroy());
  });
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request: RpcRequest = JSON.parse(await readBody(incoming));
    requests.push(request);
    await answer({ upstream, request, fault: choose(request) }, response);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fail: (next) => {
      requests.length = 0;
      choose = next;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Job = {
  readonly upstream: string;
  readonly request: RpcRequest;
  readonly fault: Fault | null;
};

async function answer(job: Job, response: ServerResponse): Promise<void> {
  const { request, fault } = job;
  if (fault === null) return sendJson(response, await forward(job));
  switch (fault.kind) {
    case "hang":
      return;
    case "stall":
      response.writeHead(200, { "content-type": "application/json" });
      response.write(`{"jsonrpc":"2.0","id":${request.id},`);
      return;
    case "disconnect":
      response.destroy();
      return;
    case "http":
      response.writeHead(fault.status, fault.headers);
      response.end(fault.body);
      return;
    case "error": {
      const { code, message } = fault;
      return sendJson(response, { jsonrpc: "2.0", id: request.id, error: { code, message } });
    }
    case "result":
      return sendJson(response, { jsonrpc: "2.0", id: request.id, result: fault.result });
    case "edit": {
      const body = await forward(job);
      return sendJson(response, { ...body, result: fault.edit(body.result) });
    }
  }
}

async function forward({ upstream, request }: Job): Promise<{ readonly result?: unknown }> {
  const response = await fetch(upstream, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  return (await response.json()) as { readonly result?: unknown };
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}
