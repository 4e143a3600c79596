/**
 * The newest records of the feed, as far as a relay keeps them (X3).
 *
 * A window has every valid record above its floor and up to its head, in its upstream's order. It grows at
 * the head, is cut at the floor, and is dropped whole when its history is another one's. The newest part is
 * also in memory, framed once for all readers that are nearly level. Memory moves after the commit.
 */

import type { RelayedRecord } from "../../core/feed/relayed.ts";
import { assert, must } from "../../core/types/assert.ts";
import { type Entry, Frames, readPage } from "../shared/feed-entries.ts";
import { transact } from "../shared/transact.ts";
import type { RelayLimits } from "./limits.ts";
import {
  deleteThrough,
  deleteWindow,
  entriesAfter,
  insertRecord,
  insertWindow,
  loadWindow,
  oldest,
  oldestBefore,
  updateWindow,
  type WindowState,
  weigh,
} from "./storage/window.ts";

/** Where a new window begins. */
export type Beginning = Pick<WindowState, "era" | "availableFrom" | "generation"> & {
  /** Its floor and, to begin with, its head. */
  readonly at: number;
};

/** Records that go in one transaction when a window is cut. */
const CUT_RECORDS = 2_048;
/** Cursors near the head whose frames are kept for the next reader. */
const FRAMES_KEPT_MAX = 8;

export class Window {
  readonly #storage: DurableObjectStorage;
  readonly #limits: RelayLimits;
  #state: WindowState | null;
  /** Valid, oldest first: all that there is above `#recentFrom`. */
  #recent: RelayedRecord[] = [];
  #recentFrom = 0;
  #recentBytes = 0;
  readonly #frames = new Map<number, Frames>();

  constructor(storage: DurableObjectStorage, limits: RelayLimits) {
    this.#storage = storage;
    this.#limits = limits;
    this.#state = loadWindow(storage.sql);
    this.#forgetRecent();
  }

  get state(): WindowState | null {
    return this.#state;
  }

  drop(): void {
    transact(this.#storage, () => deleteWindow(this.#storage.sql));
    this.#state = null;
    this.#forgetRecent();
  }

  /** Instead of what is there. */
  begin({ era, at, availableFrom, generation }: Beginning): void {
    const empty = { recordCount: 0, recordBytes: 0 };
    const state = { era, floor: at, head: at, availableFrom, generation, ...empty };
    transact(this.#storage, () => {
      deleteWindow(this.#storage.sql);
      insertWindow(this.#storage.sql, state);
    });
    this.#state = state;
    this.#forgetRecent();
  }

  /** What upstream told with a page. */
  learn(availableFrom: number, generation: number): void {
    const state = must(this.#state, "there is a window to learn for");
    if (state.availableFrom === availableFrom && state.generation === generation) return;
    this.#write({ ...state, availableFrom, generation });
  }

  /** False, and nothing is written: the records do not follow the head in rising order. */
  append(records: readonly RelayedRecord[], nowMs: number): boolean {
    const state = must(this.#state, "there is a window to append to");
    const { sql } = this.#storage;
    let { head, generation, recordBytes } = state;
    for (const { offset, text, rollback } of records) {
      if (offset <= head) return false;
      head = offset;
      generation = rollback?.generation ?? generation;
      recordBytes += text.length;
    }
    const recordCount = state.recordCount + records.length;
    const next = { ...state, head, generation, recordCount, recordBytes };
    transact(this.#storage, () => {
      for (const record of records) insertRecord(sql, record, nowMs);
      updateWindow(sql, next);
    });
    this.#state = next;
    for (const record of records) this.#remember(record);
    this.#trimRecent();
    if (this.#isTooLarge()) this.cut(nowMs);
    return true;
  }

  /** What a reader at `cursor` lacks, when all of it is in memory; else null. */
  recentAfter(cursor: number): Frames | null {
    if (cursor < this.#recentFrom) return null;
    const kept = this.#frames.get(cursor);
    if (kept !== undefined) return kept;
    const frames = new Frames(this.#recent.slice(this.#placeAfter(cursor)));
    if (this.#frames.size < FRAMES_KEPT_MAX) this.#frames.set(cursor, frames);
    return frames;
  }

  /** The next page for a reader at `cursor`, which the window covers. */
  page(cursor: number, limit: number): readonly Entry[] {
    const { floor } = must(this.#state, "there is a window to read");
    assert(cursor >= floor, "what lies below the floor is not here");
    const read = (from: number, count: number) => entriesAfter(this.#storage.sql, from, count);
    return readPage(read, { from: cursor, through: Number.MAX_SAFE_INTEGER }, limit);
  }

  /** Deletes what is too old or too much, at most a slice of it. True: there is more to delete. */
  cut(nowMs: number): boolean {
    const state = this.#state;
    if (state === null) return false;
    const { sql } = this.#storage;
    const through = this.#isTooLarge()
      ? oldest(sql, CUT_RECORDS)
      : oldestBefore(sql, nowMs - this.#limits.windowMs, CUT_RECORDS);
    if (through === null) return false;
    const { count, bytes } = weigh(sql, through);
    const recordCount = state.recordCount - count;
    const recordBytes = state.recordBytes - bytes;
    const next = { ...state, floor: through, recordCount, recordBytes };
    transact(this.#storage, () => {
      deleteThrough(sql, through);
      updateWindow(sql, next);
    });
    this.#state = next;
    return count >= CUT_RECORDS;
  }

  #isTooLarge(): boolean {
    const { windowRecordsMax, windowBytesMax } = this.#limits;
    const { recordCount = 0, recordBytes = 0 } = this.#state ?? {};
    return recordCount > windowRecordsMax || recordBytes > windowBytesMax;
  }

  #write(next: WindowState): void {
    transact(this.#storage, () => updateWindow(this.#storage.sql, next));
    this.#state = next;
  }

  /** What a rollback voids goes; earlier rollbacks stay, as in a replay (F3). */
  #remember(record: RelayedRecord): void {
    const { rollback, text } = record;
    if (rollback !== null) {
      this.#recent = this.#recent.filter(
        (one) => one.rollback !== null || one.offset <= rollback.keepThrough,
      );
      this.#recentBytes = this.#recent.reduce((sum, one) => sum + one.text.length, 0);
    }
    this.#recent.push(record);
    this.#recentBytes += text.length;
  }

  /** The newest one stays, however long it is. */
  #trimRecent(): void {
    const { recentRecordsMax, recentBytesMax } = this.#limits;
    let gone = 0;
    while (
      this.#recent.length - gone > 1 &&
      (this.#recent.length - gone > recentRecordsMax || this.#recentBytes > recentBytesMax)
    ) {
      const entry = must(this.#recent[gone], "an entry that is counted is there");
      this.#recentFrom = entry.offset;
      this.#recentBytes -= entry.text.length;
      gone += 1;
    }
    if (gone > 0) this.#recent.splice(0, gone);
    this.#frames.clear();
  }

  #forgetRecent(): void {
    this.#recent = [];
    this.#recentBytes = 0;
    this.#recentFrom = this.#state?.head ?? 0;
    this.#frames.clear();
  }

  /** Index of the first recent entry beyond `cursor`. */
  #placeAfter(cursor: number): number {
    let [low, high] = [0, this.#recent.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#recent[middle]?.offset ?? 0) <= cursor) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
