/** A client of the feed's socket: what it received, and waiting for more without a clock. */

import { expect } from "vitest";
import { type FeedRecord, parseRecord } from "../../../src/core/feed/record.ts";

export type Reader = {
  readonly socket: WebSocket;
  readonly texts: readonly string[];
  /** Offsets of all records so far; arrays of records are unpacked. */
  offsets(): readonly number[];
  records(): readonly FeedRecord[];
  /** Resolves when `isDone`, which is asked after each message and at the close. */
  until(isDone: () => boolean): Promise<void>;
  readonly closed: { code: number; reason: string } | null;
};

export function read(response: Response): Reader {
  const socket = response.webSocket ?? expect.unreachable("the request was upgraded");
  const texts: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const one of waiting) one();
  };
  const records = () =>
    texts
      .flatMap((text) => (text.startsWith("[") ? unpack(text) : [text]))
      .map((text) => {
        const record = parseRecord(text);
        return record.ok ? record.value : expect.unreachable(record.error);
      });
  const reader = {
    socket,
    texts,
    closed: null as { code: number; reason: string } | null,
    records,
    offsets: () => records().map((record) => record.offset as number),
    until: (isDone: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!isDone()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
  socket.addEventListener("message", (event) => {
    texts.push(String(event.data));
    wake();
  });
  socket.addEventListener("close", (event) => {
    reader.closed = { code: event.code, reason: event.reason };
    wake();
  });
  socket.accept();
  return reader;
}

function unpack(text: string): readonly string[] {
  const records: readonly unknown[] = JSON.parse(text);
  return records.map((record) => JSON.stringify(record));
}
