/** `GET /feed` (F7): a page of records, checked, so that whoever reads page by page gets on. */

import { type FeedRecord, recordOf } from "../core/feed/record.ts";
import { badAnswer } from "./bodies.ts";
import type { FeedSlice, FeedSliceOptions } from "./client-types.ts";
import { counterOf, type Json, textOf } from "./json.ts";

export function slicePath({ fromOffset = 0, limit, era }: FeedSliceOptions): string {
  const query = new URLSearchParams({ from_offset: String(fromOffset) });
  if (limit !== undefined) query.set("limit", String(limit));
  if (era !== undefined) query.set("era", era);
  return `/feed?${query.toString()}`;
}

/** Throws `BAD_ANSWER` unless every record lies beyond the one before it. */
export function sliceOf(body: Json, fromOffset: number): FeedSlice {
  const [era, generation] = [textOf(body["era"]), counterOf(body["generation"])];
  const [availableFrom, head] = [counterOf(body["available_from"]), counterOf(body["head"])];
  if (era === null || generation === null || availableFrom === null || head === null) {
    throw badAnswer("a page of the feed");
  }
  const records = recordsOf(body["records"], fromOffset);
  const nextOffset = records.at(-1)?.offset ?? fromOffset;
  return { era, generation, availableFrom, head, records, nextOffset };
}

function recordsOf(value: unknown, fromOffset: number): readonly FeedRecord[] {
  if (!Array.isArray(value)) throw badAnswer("a page of the feed");
  const records: FeedRecord[] = [];
  let before = fromOffset;
  for (const one of value) {
    const record = recordOf(one);
    if (!record.ok || record.value.offset <= before) throw badAnswer("a page of the feed");
    before = record.value.offset;
    records.push(record.value);
  }
  return records;
}
