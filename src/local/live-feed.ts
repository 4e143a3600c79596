/** The live feed as a program reads it: a socket, and the records that came. */

import { type FeedRecord, parseRecord } from "../core/feed/record.ts";

/** The feed from an offset on, kept in memory for the minute that the demo takes. */
export class LiveFeed {
  readonly #records: FeedRecord[] = [];
  readonly #socket: WebSocket;

  constructor(url: string, fromOffset: number) {
    this.#socket = new WebSocket(
      `${url.replace("http", "ws")}/ws/subscribe?from_offset=${fromOffset}`,
    );
    this.#socket.onmessage = ({ data }) => {
      const parsed = parseRecord(String(data));
      if (parsed.ok) this.#records.push(parsed.value);
    };
  }

  find(isWanted: (record: FeedRecord) => boolean): Promise<FeedRecord | null> {
    return Promise.resolve(this.#records.find(isWanted) ?? null);
  }

  close(): void {
    this.#socket.close();
  }
}
