/** Where the sequencer listens: `SEQ_HTTP_ADDR`, and whether it is free. */

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { LocalFailure } from "./failure.ts";

export type ListenAddress = { readonly host: string; readonly port: number };

const PATTERN = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/;
const PORT_MAX = 65_535;
/** By default the chain is where its clients look for it: 8545 beside 3000. */
const CHAIN_PORT_DISTANCE = 5_545;
/** The first, and the one after the last. */
const FREE_PORTS = [10_000, 32_768] as const;
const ATTEMPTS_MAX = 64;

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

/**
 * A port that is free now: for a process whose port others must know before it starts. Outgoing connections
 * are given ports from 32 768 on, or higher ones: none of them takes it before the process does.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = randomInt(...FREE_PORTS);
    if ((await tryListening({ host: "127.0.0.1", port })) === null) return port;
  }
  throw new LocalFailure(`no port from ${FREE_PORTS[0]} to ${FREE_PORTS[1] - 1} is free`);
}

/** Throws `LocalFailure`, with `advice`, when nobody may listen there. */
export async function requireFree(address: ListenAddress, advice: string): Promise<void> {
  const refused = await tryListening(address);
  if (refused === null) return;
  const isInUse = refused instanceof Error && "code" in refused && refused.code === "EADDRINUSE";
  const what = isInUse ? "is in use" : "cannot be listened on";
  throw new LocalFailure(`${address.host}:${address.port} ${what}: ${advice}`);
}

/** Listens there for a moment; null, or why that cannot be. */
async function tryListening({ host, port }: ListenAddress): Promise<unknown> {
  const server = createServer();
  server.listen(port, host.replace(/[[\]]/g, ""));
  try {
    await once(server, "listening");
  } catch (error) {
    return error;
  }
  server.close();
  await once(server, "close");
  return null;
}
