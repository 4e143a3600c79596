/** Messages handled one after the other, to the end of each; beyond a bound they are dropped. */

import type { Message } from "./messages.ts";

/** Messages that wait; whoever sent more sends again. */
const INBOX_MAX = 256;

export class Inbox {
  readonly #handle: (from: string, message: Message) => Promise<void>;
  readonly #fail: (error: unknown) => void;
  readonly #waiting: { readonly from: string; readonly message: Message }[] = [];
  #isBusy = false;
  #isClosed = false;

  constructor(
    handle: (from: string, message: Message) => Promise<void>,
    fail: (error: unknown) => void,
  ) {
    this.#handle = handle;
    this.#fail = fail;
  }

  readonly receive = (from: string, message: Message): void => {
    if (this.#isClosed || this.#waiting.length >= INBOX_MAX) return;
    this.#waiting.push({ from, message });
    if (!this.#isBusy) void this.#work();
  };

  close(): void {
    this.#isClosed = true;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#isClosed) break;
      try {
        await this.#handle(next.from, next.message);
      } catch (error) {
        // What is thrown here is a store or a bug: the owner stops, and takes no more.
        this.#fail(error);
      }
    }
    this.#isBusy = false;
  }
}
