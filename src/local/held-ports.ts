/**
 * Ports that others are told of before the process that listens there runs.
 *
 * Each is held, by listening there, from its choice until that process starts: no other stack that starts
 * at the same time chooses it. Outgoing connections are given ports from 32 768 on, so a free one below is
 * not taken by those either, also while its process is down and is started again.
 */

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { LocalFailure } from "./failure.ts";
import type { ListenAddress } from "./listen-address.ts";

/** The first, and the one after the last. */
const FREE_PORTS = [10_000, 32_768] as const;
const ATTEMPTS_MAX = 64;

export class HeldPorts {
  readonly #servers = new Map<number, Server>();

  /** Any free port of this machine's own address; throws `LocalFailure` when it finds none. */
  async holdAny(): Promise<number> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const port = randomInt(...FREE_PORTS);
      if ((await this.#listen({ host: "127.0.0.1", port })) === null) return port;
    }
    throw new LocalFailure(`no port from ${FREE_PORTS[0]} to ${FREE_PORTS[1] - 1} is free`);
  }

  /** Throws `LocalFailure`, with `advice`, when nobody may listen there. */
  async hold(address: ListenAddress, advice: string): Promise<void> {
    const refused = await this.#listen(address);
    if (refused === null) return;
    const isInUse = refused instanceof Error && "code" in refused && refused.code === "EADDRINUSE";
    const what = isInUse ? "is in use" : "cannot be listened on";
    throw new LocalFailure(`${address.host}:${address.port} ${what}: ${advice}`);
  }

  /** For the process that listens there next. A port that is not held stays as it is. */
  async release(port: number): Promise<void> {
    const server = this.#servers.get(port);
    if (server === undefined) return;
    this.#servers.delete(port);
    server.close();
    await once(server, "close");
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((port) => this.release(port)));
  }

  /** Null, or why that cannot be. */
  async #listen({ host, port }: ListenAddress): Promise<unknown> {
    // Who asks too early is turned away, as where nobody listens.
    const server = createServer((socket) => socket.destroy());
    server.listen(port, host.replace(/[[\]]/g, ""));
    try {
      await once(server, "listening");
    } catch (error) {
      return error;
    }
    // A start that was given up may hold one more: that keeps nobody alive.
    server.unref();
    this.#servers.set(port, server);
    return null;
  }
}
