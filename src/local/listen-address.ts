/** Where the sequencer listens: `SEQ_HTTP_ADDR`, and whether it is free. */

import { once } from "node:events";
import { createServer } from "node:net";
import { LocalFailure } from "./failure.ts";

export type ListenAddress = { readonly host: string; readonly port: number };

const PATTERN = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/;
const PORT_MAX = 65_535;
/** By default the chain is where its clients look for it: 8545 beside 3000. */
const CHAIN_PORT_DISTANCE = 5_545;

/** `host:port`; an IPv6 host stands in brackets. */
export function parseListenAddress(text: string): ListenAddress {
  const [, host, port] = PATTERN.exec(text.trim()) ?? [];
  if (host === undefined || port === undefined || Number(port) > PORT_MAX) {
    throw new LocalFailure("SEQ_HTTP_ADDR must be host:port, such as 127.0.0.1:3000");
  }
  return { host, port: Number(port) };
}

/** The port for the chain that goes with the sequencer's, so that two stacks do not meet. */
export function chainPortOf(httpPort: number): number {
  const port = httpPort + CHAIN_PORT_DISTANCE;
  return port <= PORT_MAX ? port : httpPort - CHAIN_PORT_DISTANCE;
}

/** Where a client on this machine finds what listens on `host`. */
export function urlOf({ host, port }: ListenAddress): string {
  const isAnyAddress = host === "0.0.0.0" || host === "[::]";
  return `http://${isAnyAddress ? "127.0.0.1" : host}:${port}`;
}

/** A port that is free now: for a process whose port others must know before it starts. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a socket has a port");
  return address.port;
}

/** Throws `LocalFailure`, with `advice`, when nobody may listen there. Port 0 is always free. */
export async function requireFree(address: ListenAddress, advice: string): Promise<void> {
  if (address.port === 0) return;
  const server = createServer();
  server.listen(address.port, address.host.replace(/[[\]]/g, ""));
  try {
    await once(server, "listening");
  } catch (error) {
    const isInUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    const what = isInUse ? "is in use" : "cannot be listened on";
    throw new LocalFailure(`${address.host}:${address.port} ${what}: ${advice}`);
  }
  server.close();
  await once(server, "close");
}
