/** Records of the feed as the texts that readers are sent: measured, cut into pages, framed (F1, F6). */

import { utf8ToBytes } from "@noble/hashes/utils.js";
import { SOCKET_MESSAGE_BYTES_MAX } from "../../core/types/protocol.ts";

/** A record with its wire text, formatted once for all readers. */
export type Entry = { readonly offset: number; readonly text: string };

/** F6: one catch-up page, per message of the reader or per second. */
export const PAGE_BYTES_MAX = 1024 * 1024;
export const PAGE_RECORDS_MAX = 4_096;
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

/** A few valid entries after `from`, oldest first; fewer than `limit` only when there are no more. */
export type ReadEntries = (from: number, limit: number) => readonly Entry[];

/**
 * What `read` finds after `from` up to `through`: at most `limit` entries, and at most 1 MiB of text but
 * for a first long one.
 */
export function readPage(
  read: ReadEntries,
  { from, through }: { readonly from: number; readonly through: number },
  limit: number,
): readonly Entry[] {
  const entries: Entry[] = [];
  let bytes = 0;
  for (let cursor = from; entries.length < limit; ) {
    const step = Math.min(READ_RECORDS, limit - entries.length);
    const part = read(cursor, step);
    for (const entry of part) {
      if (entry.offset > through) return entries;
      bytes += entry.text.length + 1;
      if (entries.length > 0 && bytes > PAGE_BYTES_MAX) return entries;
      entries.push(entry);
      cursor = entry.offset;
    }
    if (part.length < step) break;
  }
  return entries;
}

/** Entries that go to several readers: framed once for all of a kind. */
export class Frames {
  readonly entries: readonly Entry[];
  #arrays: readonly string[] | null = null;

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
  }

  /** Text frames: arrays of records with `batch=1`, else one record each. */
  of(isBatched: boolean): readonly string[] {
    if (!isBatched) return this.entries.map((entry) => entry.text);
    this.#arrays ??= [...arraysOf(this.entries)];
    return this.#arrays;
  }
}

function* arraysOf(entries: readonly Entry[]): Generator<string> {
  for (let i = 0; i < entries.length; i += FRAME_RECORDS_MAX) {
    const part = entries.slice(i, i + FRAME_RECORDS_MAX);
    yield `[${part.map((entry) => entry.text).join(",")}]`;
  }
}
