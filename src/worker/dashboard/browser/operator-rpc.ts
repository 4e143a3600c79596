/** `POST /operator/rpc` from the page: op-conductor's methods, each candidate asked for itself. */

import type { ConductorServer } from "../../../core/api/conductor-rpc.ts";
import type { Candidate, Command, OperatorState } from "../view/operator-state.ts";

const PATH = "/operator/rpc";
const LIMIT_MS = 10_000;
/** The server's own code for what it refuses: here, that it has no committee. */
const REFUSED = -32_000;

type Reply = { readonly result?: unknown; readonly error?: { code: number; message: string } };

export class OperatorRpc {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  /** Throws what the operator is told, also when the token is not the operator's. */
  async state(): Promise<OperatorState> {
    const [membership] = await this.#call(null, ["conductor_clusterMembership"]);
    if (membership?.error?.code === REFUSED) return { candidates: [] };
    const said = resultOf(membership);
    if (!isMembership(said)) throw new Error("The sequencer's answer is not what it should be.");
    return { candidates: await Promise.all(said.servers.map((one) => this.#candidate(one))) };
  }

  /** Answers what is said of it. Throws what the operator is told when it was not begun. */
  async command(command: Command, { id, addr }: Candidate): Promise<string> {
    if (command === "transfer") {
      const leader = (await this.state()).candidates.find(({ isLeader }) => isLeader === true);
      if (leader === undefined) throw new Error("no candidate of this deployment leads");
      const call = { method: "conductor_transferLeaderToServer", params: [id, addr] };
      resultOf((await this.#call(leader.id, [call]))[0]);
      return `The transfer to ${id} has begun.`;
    }
    resultOf((await this.#call(id, [`conductor_${command}`]))[0]);
    return command === "pause" ? `${id} is paused.` : `${id} is resumed.`;
  }

  /** One of another deployment cannot be asked here. */
  async #candidate({ id, addr }: ConductorServer): Promise<Candidate> {
    const methods = ["leader", "paused", "stopped", "sequencerHealthy"];
    try {
      const replies = await this.#call(
        id,
        methods.map((name) => `conductor_${name}`),
      );
      const [isLeader, isPaused, isStopped, isHealthy] = replies.map(
        (reply) => reply.result === true,
      );
      return {
        ...{ id, addr, isLeader: isLeader ?? null, isPaused: isPaused ?? null },
        ...{ isStopped: isStopped ?? null, isHealthy: isHealthy ?? null },
      };
    } catch (error) {
      if (!(error instanceof NoSuchCandidate)) throw error;
      return { id, addr, isLeader: null, isPaused: null, isStopped: null, isHealthy: null };
    }
  }

  async #call(
    candidate: string | null,
    calls: readonly (string | { method: string; params: unknown[] })[],
  ): Promise<readonly Reply[]> {
    const body = calls.map((call, id) => ({
      ...{ jsonrpc: "2.0", id },
      ...(typeof call === "string" ? { method: call, params: [] } : call),
    }));
    const query = candidate === null ? "" : `?candidate=${encodeURIComponent(candidate)}`;
    const response = await fetch(`${PATH}${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    if (response.status === 401) throw new Error("That is not the operator's token.");
    if (response.status === 404 && candidate !== null) throw new NoSuchCandidate();
    if (response.status === 404) throw new Error("This deployment has no operator token set.");
    if (!response.ok) throw new Error(`The sequencer answered with status ${response.status}.`);
    const replies: readonly Reply[] = await response.json();
    return replies;
  }
}

class NoSuchCandidate extends Error {}

/** Throws the error of the reply, in the words of its server. */
function resultOf(reply: Reply | undefined): unknown {
  if (reply === undefined) throw new Error("The sequencer gave no answer.");
  if (reply.error !== undefined) throw new Error(reply.error.message);
  return reply.result;
}

function isMembership(value: unknown): value is { readonly servers: readonly ConductorServer[] } {
  return (
    typeof value === "object" &&
    value !== null &&
    "servers" in value &&
    Array.isArray(value.servers)
  );
}
