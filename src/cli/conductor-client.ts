/** The conductor's calls as an operator makes them: JSON-RPC over `POST /operator/rpc` (C6). */

import { CommandFailure } from "./io.ts";
import { describeRefusal, type SequencerClient } from "./sequencer-client.ts";

export type Server = { readonly id: string; readonly addr: string };
export type Membership = { readonly servers: readonly Server[]; readonly version: number };

/** Every method throws `CommandFailure` when the call is refused, with the conductor's own words. */
export class ConductorClient {
  readonly #client: SequencerClient;
  readonly #path: string;

  /** Of one candidate; undefined: the deployment's first. */
  constructor(client: SequencerClient, candidate: string | undefined) {
    this.#client = client;
    const query = candidate === undefined ? "" : `?candidate=${encodeURIComponent(candidate)}`;
    this.#path = `/operator/rpc${query}`;
  }

  /** Who leads the newest epoch that the candidate knows. */
  async leader(): Promise<Server> {
    const server = serverOf(await this.#call("leaderWithID"));
    if (server === null) throw malformed();
    return server;
  }

  async membership(): Promise<Membership> {
    const said = await this.#call("clusterMembership");
    if (typeof said !== "object" || said === null) throw malformed();
    const [servers, version]: unknown[] = [
      Reflect.get(said, "servers"),
      Reflect.get(said, "version"),
    ];
    const known = Array.isArray(servers) ? servers.map(serverOf) : [null];
    const all = known.filter((server) => server !== null);
    if (all.length !== known.length || typeof version !== "number") throw malformed();
    return { servers: all, version };
  }

  /** A yes or a no: `active`, `paused`, `stopped`, `leader`, `sequencerHealthy`. */
  async is(what: string): Promise<boolean> {
    const said = await this.#call(what);
    if (typeof said !== "boolean") throw malformed();
    return said;
  }

  /** `pause`, `resume`, `stop`, `transferLeader`, `transferLeaderToServer`. */
  async command(what: string, params: readonly string[] = []): Promise<void> {
    await this.#call(what, params);
  }

  async #call(method: string, params: readonly string[] = []): Promise<unknown> {
    const request = { jsonrpc: "2.0", id: 1, method: `conductor_${method}`, params };
    const answer = await this.#client.postJson(this.#path, JSON.stringify(request));
    const { status, body } = answer;
    if (status !== 200) throw new CommandFailure(describeRefusal("/operator/rpc", answer));
    const error: unknown = body["error"];
    if (error === undefined) return body["result"];
    const message: unknown =
      typeof error === "object" && error !== null ? Reflect.get(error, "message") : null;
    throw new CommandFailure(
      typeof message === "string" ? `refused: ${message.slice(0, 200)}` : "refused",
    );
  }
}

function serverOf(value: unknown): Server | null {
  if (typeof value !== "object" || value === null) return null;
  const [id, addr]: unknown[] = [Reflect.get(value, "id"), Reflect.get(value, "addr")];
  return typeof id === "string" && typeof addr === "string" ? { id, addr } : null;
}

const malformed = () => new CommandFailure("/operator/rpc has not the shape of a conductor");
