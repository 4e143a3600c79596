/** The configured L1 endpoints, one at a time: the next one after a failure (L4). */

import type { L1, L1Error } from "../../l1/l1.ts";
import type { Runtime } from "./runtime.ts";

/** L4: one RPC inside an alarm. */
const RPC_TIMEOUT_MS = 5_000;

export class Endpoints {
  readonly #runtime: Runtime;
  #index = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** From now on the next endpoint of the list is used. */
  next(): void {
    this.#index++;
  }

  readonly connect = (): L1 => {
    const { connect, config } = this.#runtime;
    const { secrets, longRangeCodes } = config;
    const url = secrets.rpcUrls[this.#index % secrets.rpcUrls.length] ?? "";
    return connect({ url, timeoutMs: RPC_TIMEOUT_MS, longRangeCodes });
  };
}

/** Nothing was said about the chain: no answer, or an endpoint's error, such as a used-up quota. */
export function isSilence({ reason }: L1Error): boolean {
  return reason === "unreachable" || reason === "timeout" || reason === "rpc-error";
}
