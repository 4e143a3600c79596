/**
 * Clients that wait for the certificate of their op's chunk (C2): a bounded number, for a bounded time.
 *
 * The op is ordered already, so whoever cannot wait, or waited in vain, is answered with what there is.
 * Waiting is in memory only: when the object dies the client asks again and gets the newest receipt.
 */

import type { OrderedReceipt, Receipt } from "../../core/consensus/receipt.ts";
import { certify } from "./receipts.ts";
import type { Runtime } from "./runtime.ts";

/** Clients at one time; each keeps a receipt of some kilobytes and a timer. */
export const WAITERS_MAX = 1_024;
/** C2: how long an answer is held at most. */
export const CERTIFIED_WAIT_MS = 10_000;

type Waiter = { readonly receipt: OrderedReceipt; readonly answer: (receipt: Receipt) => void };

export class Waiters {
  readonly #runtime: Pick<Runtime, "sql" | "later">;
  readonly #wanted: (height: number) => void;
  readonly #waiting = new Set<Waiter>();

  /** `wanted`: a client waits for the certificate of this height. */
  constructor(runtime: Pick<Runtime, "sql" | "later">, wanted: (height: number) => void) {
    this.#runtime = runtime;
    this.#wanted = wanted;
  }

  /** The certified receipt, or this one after `CERTIFIED_WAIT_MS`, or at once when too many wait. */
  wait(receipt: Receipt, certifiedHeight: number): Promise<Receipt> {
    if (receipt.tier === "certified" || this.#waiting.size >= WAITERS_MAX) {
      return Promise.resolve(receipt);
    }
    // The certificate may have come between the answer of the lane and this call.
    if (receipt.header.header.height <= certifiedHeight) {
      return Promise.resolve(certify(this.#runtime.sql, [receipt])[0] ?? receipt);
    }
    return new Promise((resolve) => {
      const cancel = this.#runtime.later(() => waiter.answer(receipt), CERTIFIED_WAIT_MS);
      const waiter: Waiter = {
        receipt,
        answer: (answered) => {
          cancel();
          this.#waiting.delete(waiter);
          resolve(answered);
        },
      };
      this.#waiting.add(waiter);
      this.#wanted(receipt.header.header.height);
    });
  }

  /** A certificate of this height was stored. */
  certified(height: number): void {
    const due = [...this.#waiting].filter(({ receipt }) => receipt.header.header.height <= height);
    if (due.length === 0) return;
    const receipts = certify(
      this.#runtime.sql,
      due.map(({ receipt }) => receipt),
    );
    for (const [i, { receipt, answer }] of due.entries()) answer(receipts[i] ?? receipt);
  }

  /** Nothing is certified here any more: nobody waits in vain. */
  endAll(): void {
    for (const { receipt, answer } of this.#waiting) answer(receipt);
  }

  get size(): number {
    return this.#waiting.size;
  }
}
