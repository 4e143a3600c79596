/** The L1 endpoint of a command: which one, and what to say when it fails. Its URL is never said. */

import { judgeUrl, parseRangeCodes } from "../core/config/config.ts";
import { connectL1 } from "../l1/client.ts";
import type { L1 } from "../l1/l1.ts";
import { CommandFailure, type Io, variable } from "./io.ts";

/** A command may wait longer than an alarm. */
const RPC_TIMEOUT_MS = 30_000;

/** `url` is the flag; without it the first of `SEQ_ETH_RPC_URL`. Throws `CommandFailure`. */
export function connect(io: Io, url: string | undefined): L1 {
  const chosen = (url ?? variable(io, "SEQ_ETH_RPC_URL"))?.split(",")[0]?.trim();
  if (chosen === undefined) throw new CommandFailure("give --rpc-url or SEQ_ETH_RPC_URL");
  const trust = judgeUrl(chosen);
  if (trust === null) throw new CommandFailure("the RPC URL is no http or https URL");
  const isInsecureAllowed = ["true", "1"].includes(variable(io, "SEQ_ALLOW_INSECURE_RPC") ?? "");
  if (trust === "open" && !isInsecureAllowed) {
    throw new CommandFailure("a remote RPC must use https, or set SEQ_ALLOW_INSECURE_RPC");
  }
  const codes = parseRangeCodes(variable(io, "SEQ_LONG_BLOCK_RANGE_ERROR_CODES") ?? null);
  if (codes === null) {
    throw new CommandFailure("SEQ_LONG_BLOCK_RANGE_ERROR_CODES must be codes separated by commas");
  }
  return connectL1({ url: chosen, timeoutMs: RPC_TIMEOUT_MS, longRangeCodes: codes });
}

/** Takes the errors of the client and of a replay. */
export function describeL1Error(error: {
  readonly reason: string;
  readonly code: number | null;
}): string {
  return `L1: ${error.reason}${error.code === null ? "" : ` (code ${error.code})`}`;
}
