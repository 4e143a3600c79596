/** One page of the feed as text: read from the rows, cut by bytes, framed for the reader (F1, F6). */

import { utf8ToBytes } from "@noble/hashes/utils.js";
import { formatRecord } from "../../core/feed/record.ts";
import { SOCKET_MESSAGE_BYTES_MAX } from "../../core/types/protocol.ts";
import type { Offset } from "../../core/types/units.ts";
import { recordsAfter } from "./storage/egress.ts";

/** A record with its wire text, formatted once for all readers. */
export type Entry = { readonly offset: Offset; readonly text: string };

/** F6: one catch-up page, per ack or per second. */
const PAGE_BYTES_MAX = 1024 * 1024;
/** Rows of one read: what is read beyond the page's bytes is thrown away. */
const READ_RECORDS = 128;
/** `batch=1`: records of one text frame. */
const FRAME_RECORDS_MAX = 256;

/** Text is measured as the UTF-8 that was sent, and only encoded when its length does not decide. */
export function isTooBig(message: string | ArrayBuffer): boolean {
  if (typeof message !== "string") return message.byteLength > SOCKET_MESSAGE_BYTES_MAX;
  if (message.length > SOCKET_MESSAGE_BYTES_MAX) return true;
  return utf8ToBytes(message).length > SOCKET_MESSAGE_BYTES_MAX;
}

/**
 * Valid records after `from` up to `through`: at most `limit`, and at most 1 MiB of text but for a first
 * long one.
 */
export function readPage(
  sql: SqlStorage,
  { from, through }: { readonly from: Offset; readonly through: number },
  limit: number,
): readonly Entry[] {
  const entries: Entry[] = [];
  let bytes = 0;
  for (let cursor = from; entries.length < limit; ) {
    const step = Math.min(READ_RECORDS, limit - entries.length);
    const records = recordsAfter(sql, cursor, step);
    for (const record of records) {
      if (record.offset > through) return entries;
      const text = formatRecord(record);
      bytes += text.length + 1;
      if (entries.length > 0 && bytes > PAGE_BYTES_MAX) return entries;
      entries.push({ offset: record.offset, text });
      cursor = record.offset;
    }
    if (records.length < step) break;
  }
  return entries;
}

export function* batched(entries: readonly Entry[]): Generator<string> {
  for (let i = 0; i < entries.length; i += FRAME_RECORDS_MAX) {
    const part = entries.slice(i, i + FRAME_RECORDS_MAX);
    yield `[${part.map((entry) => entry.text).join(",")}]`;
  }
}
