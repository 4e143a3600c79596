/** The L1 endpoints of a command: which ones, and what to say when they fail. No URL of theirs is said. */

import { judgeUrl, parseRangeCodes } from "../core/config/config.ts";
import { must } from "../core/types/assert.ts";
import { connectL1 } from "../l1/client.ts";
import type { L1 } from "../l1/l1.ts";
import { failover } from "./failover.ts";
import { CommandFailure, type Io, variable } from "./io.ts";

/** A command may wait longer than an alarm. */
const RPC_TIMEOUT_MS = 30_000;

/** All of them as one: where one stops answering, the next is asked. Throws `CommandFailure`. */
export function connect(io: Io, urls: string | undefined): L1 {
  return failover(endpoints(io, urls));
}

/**
 * The first one that answers, to be used from beginning to end: what a flush sees must be of one node's
 * chain and pool (L1). The first of all where none answers, so that its failure is told.
 */
export async function connectOne(io: Io, urls: string | undefined): Promise<L1> {
  const all = endpoints(io, urls);
  for (const one of all) if ((await one.chainId()).ok) return one;
  return must(all[0], "a list that was split has an element");
}

/** As given, else `SEQ_ETH_RPC_URL`; each judged. Throws `CommandFailure`. */
export function rpcUrlsOf(io: Io, urls: string | undefined): readonly string[] {
  const list = urls?.trim() || variable(io, "SEQ_ETH_RPC_URL");
  if (list === undefined) throw new CommandFailure("give --rpc-url or SEQ_ETH_RPC_URL");
  const isInsecureAllowed = ["true", "1"].includes(variable(io, "SEQ_ALLOW_INSECURE_RPC") ?? "");
  const all = list.split(",").map((url) => url.trim());
  for (const url of all) {
    const trust = judgeUrl(url);
    if (trust === null) throw new CommandFailure("the RPC URL is no http or https URL");
    if (trust === "open" && !isInsecureAllowed) {
      throw new CommandFailure("a remote RPC must use https, or set SEQ_ALLOW_INSECURE_RPC");
    }
  }
  return all;
}

/** Whether there is an endpoint to ask, for a command that can do without. */
export function hasRpc(io: Io, urls: string | undefined): boolean {
  return (urls ?? variable(io, "SEQ_ETH_RPC_URL")) !== undefined;
}

function endpoints(io: Io, urls: string | undefined): readonly L1[] {
  const codes = parseRangeCodes(variable(io, "SEQ_LONG_BLOCK_RANGE_ERROR_CODES") ?? null);
  if (codes === null) {
    throw new CommandFailure("SEQ_LONG_BLOCK_RANGE_ERROR_CODES must be codes separated by commas");
  }
  return rpcUrlsOf(io, urls).map((url) =>
    connectL1({ url, timeoutMs: RPC_TIMEOUT_MS, longRangeCodes: codes }),
  );
}

/** Takes the errors of the client and of a replay. */
export function describeL1Error(error: {
  readonly reason: string;
  readonly code: number | null;
}): string {
  return `L1: ${error.reason}${error.code === null ? "" : ` (code ${error.code})`}`;
}
