/** Where the sequencer listens: `SEQ_HTTP_ADDR`. */

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
