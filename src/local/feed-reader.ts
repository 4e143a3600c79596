/** Follows the feed over a WebSocket and hands out the first record that somebody waits for. */

import { type FeedRecord, parseRecord } from "../core/feed/record.ts";
import { LocalFailure } from "./failure.ts";

type Waiting = {
  readonly wants: (record: FeedRecord) => boolean;
  readonly resolve: (record: FeedRecord) => void;
  readonly reject: (error: Error) => void;
};

export class FeedReader {
  readonly #socket: WebSocket;
  readonly #seen: FeedRecord[] = [];
  #waiting: Waiting | null = null;
  #ended: Error | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)));
    socket.addEventListener("close", () => {
      this.#ended = new LocalFailure("the feed's connection was closed");
      this.#waiting?.reject(this.#ended);
    });
  }

  /** Everything after `fromOffset`. Throws `LocalFailure` when the sequencer does not take it. */
  static open(url: string, fromOffset: number): Promise<FeedReader> {
    const address = `${url.replace(/^http/, "ws")}/ws/subscribe?from_offset=${fromOffset}`;
    const socket = new WebSocket(address);
    const reader = new FeedReader(socket);
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(reader), { once: true });
      socket.addEventListener("error", () => reject(new LocalFailure("the feed cannot be read")), {
        once: true,
      });
    });
  }

  /** The first record that `wants` approves, among those received and those to come. */
  find(wants: (record: FeedRecord) => boolean): Promise<FeedRecord> {
    const found = this.#seen.find(wants);
    if (found !== undefined) return Promise.resolve(found);
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = { wants, resolve, reject };
    });
  }

  close(): void {
    this.#socket.close();
  }

  #receive(text: string): void {
    const record = parseRecord(text);
    if (!record.ok) return;
    this.#seen.push(record.value);
    if (this.#waiting?.wants(record.value) === true) this.#waiting.resolve(record.value);
  }
}
