/**
 * One socket of the feed, as a queue that its reader empties.
 *
 * A browser cannot slow a socket down. What is bounded is the queue: a socket whose reader is more than
 * that behind is closed, and its reader reads what it missed in pages, at its own pace. The sequencer is
 * told with an ack (F6) of what the reader has taken and dealt with, never of what merely arrived.
 */

import type { FeedEvent, SocketHandle } from "./client-types.ts";
import { BatonError } from "./errors.ts";
import { parseFeedMessage } from "./feed-message.ts";
import type { Network } from "./transport.ts";

/** Half of what a sequencer leaves unanswered before it closes the socket (F6). */
const QUEUE_CHARS_MAX = 4 * 1024 * 1024;
/** Often enough to be one of a relay's thousands (X3): what it leaves unanswered counts with all of theirs. */
const ACK_CHARS = 4 * 1024;

type Queued = { readonly event: FeedEvent; readonly chars: number };

export class LiveFeed {
  readonly #socket: SocketHandle;
  #queue: Queued[] = [];
  #taken = 0;
  #queuedChars = 0;
  #isEnded = false;
  #failure: BatonError | null = null;
  #wake: (() => void) | null = null;
  #last: Queued | null = null;
  #unackedChars = 0;

  constructor(network: Network, url: string) {
    this.#socket = network.connect(url, {
      message: (text) => this.#receive(text),
      closed: () => this.#end(),
    });
  }

  /**
   * The next event; null when there is none for `idleMs`; `undefined` after the last one of a socket that
   * was closed. Calling it says that the event before was dealt with. Throws the signal's reason, and
   * `BAD_ANSWER` behind the last good event when something else was sent.
   */
  async next(
    idleMs: number,
    signal: AbortSignal | undefined,
  ): Promise<FeedEvent | null | undefined> {
    this.#ack();
    if (this.#taken === this.#queue.length && !this.#isEnded) await this.#wait(idleMs, signal);
    signal?.throwIfAborted();
    const queued = this.#take();
    if (queued !== undefined) return queued.event;
    if (this.#failure !== null) throw this.#failure;
    return this.#isEnded ? undefined : null;
  }

  close(): void {
    this.#end();
  }

  #take(): Queued | undefined {
    const queued = this.#queue[this.#taken];
    if (queued === undefined) return undefined;
    this.#taken += 1;
    this.#queuedChars -= queued.chars;
    // Not one by one, which would move all the others each time; and not only when all are taken, which
    // may never be.
    if (this.#taken > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#taken);
      this.#taken = 0;
    }
    this.#last = queued;
    return queued;
  }

  #ack(): void {
    const last = this.#last;
    if (last === null) return;
    this.#last = null;
    this.#unackedChars += last.chars;
    if (this.#unackedChars < ACK_CHARS || this.#isEnded || !("offset" in last.event)) return;
    this.#unackedChars = 0;
    this.#socket.send(JSON.stringify({ ack: last.event.offset }));
  }

  #receive(text: string): void {
    // What a closed socket still had on the way is read again, in its place.
    if (this.#isEnded) return;
    const events = parseFeedMessage(text);
    if (!events.ok) {
      this.#failure = new BatonError("BAD_ANSWER", `the feed sent no record: ${events.error}`);
      this.#end();
      return;
    }
    const chars = Math.ceil(text.length / Math.max(events.value.length, 1));
    for (const event of events.value) this.#queue.push({ event, chars });
    this.#queuedChars += chars * events.value.length;
    if (this.#queuedChars > QUEUE_CHARS_MAX) this.#end();
    this.#wake?.();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#socket.close();
    this.#wake?.();
  }

  /** Until something arrives, the socket ends, the signal aborts or the time is over. */
  #wait(idleMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(wake, idleMs);
      this.#wake = wake;
      signal?.addEventListener("abort", wake);
      if (signal?.aborted === true) wake();
    });
  }
}
