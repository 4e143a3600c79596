/**
 * What the submitter's account holds, asked of L1 about once a minute.
 *
 * In memory only, and nothing is decided on it: it is for whoever pays. A tick asks and does not wait, so
 * an endpoint that hangs costs nothing but the number's age; one question is under way at a time, each
 * bounded by the timeout of a call. A failure keeps what was known.
 */

import type { Address } from "../../core/types/hex.ts";
import type { UnixMs } from "../../core/types/units.ts";
import type { L1 } from "../../l1/l1.ts";

const BALANCE_INTERVAL_MS = 60_000;

export type Balance = { readonly wei: bigint; readonly atMs: UnixMs };

export class SubmitterBalance {
  readonly #now: () => UnixMs;
  #known: Balance | null = null;
  #askedAtMs: UnixMs | null = null;
  #isAsking = false;

  constructor(now: () => UnixMs) {
    this.#now = now;
  }

  get known(): Balance | null {
    return this.#known;
  }

  /** Call it with every tick; it asks when that is due, and never throws. */
  refresh(account: Address, connect: () => L1): void {
    const nowMs = this.#now();
    // A clock that went back must not stop the questions for as long as it is behind.
    const isFresh =
      this.#askedAtMs !== null && Math.abs(nowMs - this.#askedAtMs) < BALANCE_INTERVAL_MS;
    if (this.#isAsking || isFresh) return;
    this.#askedAtMs = nowMs;
    this.#isAsking = true;
    void this.#ask(account, connect);
  }

  async #ask(account: Address, connect: () => L1): Promise<void> {
    try {
      const balance = await connect().balance(account);
      if (balance.ok) this.#known = { wei: balance.value, atMs: this.#now() };
    } finally {
      this.#isAsking = false;
    }
  }
}
