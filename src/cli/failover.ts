/**
 * Several endpoints of one chain as one: the one that answered last is asked first, and the next when it
 * fails in a way that another may not.
 *
 * Safe for reading, because whoever reads compares: a slice with the block that is held, a count with
 * InputBox's own. An endpoint of another chain than the first that answered is never used. Not for a
 * flush, which must see one node's pool from beginning to end (`connectOne`).
 */

import { must } from "../core/types/assert.ts";
import type { Result } from "../core/types/result.ts";
import { err } from "../core/types/result.ts";
import { l1Error } from "../l1/errors.ts";
import type { L1, L1Error } from "../l1/l1.ts";

/** Another endpoint may answer, where one failed like this. */
const ELSEWHERE: readonly L1Error["reason"][] = [
  "unreachable",
  "timeout",
  "rpc-error",
  "incomplete",
  "behind",
  "wrong-chain",
];

type Ask<T> = (l1: L1) => Promise<Result<T, L1Error>>;

export function failover(endpoints: readonly L1[]): L1 {
  const pool = new Pool(endpoints);
  return {
    chainId: () => pool.ask((l1) => l1.chainId()),
    discover: (app) => pool.ask((l1) => l1.discover(app)),
    block: (tag) => pool.ask((l1) => l1.block(tag)),
    inputs: (query) => pool.ask((l1) => l1.inputs(query)),
    inputCount: (inputBox, app, at) => pool.ask((l1) => l1.inputCount(inputBox, app, at)),
    transactionCount: (account, tag) => pool.ask((l1) => l1.transactionCount(account, tag)),
    balance: (account) => pool.ask((l1) => l1.balance(account)),
    feeHistory: () => pool.ask((l1) => l1.feeHistory()),
    estimateGas: (from, call) => pool.ask((l1) => l1.estimateGas(from, call)),
    estimateNoOpGas: (account) => pool.ask((l1) => l1.estimateNoOpGas(account)),
    broadcast: (raw) => pool.ask((l1) => l1.broadcast(raw)),
    receiptBlock: (hash) => pool.ask((l1) => l1.receiptBlock(hash)),
  };
}

class Pool {
  readonly #endpoints: readonly L1[];
  #current = 0;
  /** Of the first endpoint that answered. */
  #chainId: number | null = null;

  constructor(endpoints: readonly L1[]) {
    this.#endpoints = endpoints;
  }

  /** The answer of the first that gives one, else the failure of the one that was asked first. */
  async ask<T>(ask: Ask<T>): Promise<Result<T, L1Error>> {
    const first = this.#current;
    let failure: Result<T, L1Error> | null = null;
    for (let i = 0; i < this.#endpoints.length; i++) {
      const at = (first + i) % this.#endpoints.length;
      const answer = await this.#askOne(must(this.#endpoints[at], "an index of the list"), ask);
      if (answer.ok || !ELSEWHERE.includes(answer.error.reason)) {
        this.#current = at;
        return answer;
      }
      failure ??= answer;
    }
    return must(failure, "there is at least one endpoint");
  }

  async #askOne<T>(l1: L1, ask: Ask<T>): Promise<Result<T, L1Error>> {
    // The client asks once for each endpoint and keeps what it was told.
    const chainId = await l1.chainId();
    if (!chainId.ok) return chainId;
    this.#chainId ??= chainId.value;
    return chainId.value === this.#chainId ? ask(l1) : err(l1Error("wrong-chain"));
  }
}
