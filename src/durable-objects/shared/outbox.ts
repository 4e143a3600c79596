/**
 * What waits to be sent to one peer: bounded, the newest first to stay.
 *
 * Messages are best effort, so a peer that is slow or gone costs a bounded number of calls and bytes,
 * and what it missed is sent again by whoever needs its answer. Nothing here throws.
 */

import type { ObjectTime } from "./committee-clock.ts";
import { within } from "./within.ts";

/** Calls to one peer at a time: about the messages of one round trip between regions. */
const IN_FLIGHT_MAX = 16;
/** Messages that wait for one of them to end; the oldest is dropped beyond it. */
const WAITING_MAX = 64;
const BYTES_MAX = 8 * 1024 * 1024;
export const SEND_TIMEOUT_MS = 5_000;

type Item<T> = { readonly message: T; readonly bytes: number };

export class Outbox<T> {
  readonly #send: (message: T) => Promise<void>;
  readonly #onReachable: (isReachable: boolean) => void;
  readonly #later: ObjectTime["later"];
  readonly #waiting: Item<T>[] = [];
  #inFlight = 0;
  #bytes = 0;
  #isReachable = true;

  /** `onReachable` is told when the peer stops answering, and when it answers again. */
  constructor(
    send: (message: T) => Promise<void>,
    onReachable: (isReachable: boolean) => void,
    later: ObjectTime["later"],
  ) {
    this.#send = send;
    this.#onReachable = onReachable;
    this.#later = later;
  }

  push(message: T, bytes: number): void {
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
    while (this.#waiting.length > WAITING_MAX || this.#isTooMuch()) this.#drop();
    this.#pump();
  }

  /** The newest one may exceed the bound alone: else it would never leave. */
  #isTooMuch(): boolean {
    return this.#bytes > BYTES_MAX && this.#waiting.length > 1;
  }

  #drop(): void {
    this.#bytes -= this.#waiting.shift()?.bytes ?? 0;
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT_MAX) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      this.#inFlight += 1;
      void this.#deliver(item);
    }
  }

  async #deliver({ message, bytes }: Item<T>): Promise<void> {
    const isSent = (await within(this.#try(message), SEND_TIMEOUT_MS, this.#later)) ?? false;
    this.#inFlight -= 1;
    this.#bytes -= bytes;
    if (isSent !== this.#isReachable) {
      this.#isReachable = isSent;
      this.#onReachable(isSent);
    }
    this.#pump();
  }

  async #try(message: T): Promise<boolean> {
    try {
      await this.#send(message);
      return true;
    } catch {
      // A peer that is gone, restarts or refuses: `onReachable` tells, and the message is lost.
      return false;
    }
  }
}
