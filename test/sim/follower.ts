/**
 * Readers of the feed: one that is told everything at once, and some that are cut off and resume.
 *
 * The first is the truth that the others are compared with: it holds what left the object, record by
 * record, and what was promised can be looked up in it even after retention deleted the rows.
 */

import { foldRecord } from "../../src/core/feed/cursor.ts";
import { type FeedRecord, formatRecord, parseRecord } from "../../src/core/feed/record.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import { type Offset, offset } from "../../src/core/types/units.ts";
import {
  finalizedSnapshot,
  loadState,
} from "../../src/durable-objects/sequencer/storage/snapshots.ts";
import type { SimObject } from "./object.ts";
import type { ObjectParts } from "./parts.ts";
import type { Random } from "./random.ts";

export type Rollback = FeedRecord & { readonly kind: "rollback" };

/** Everything that was ever published, in order. */
export class Archive {
  readonly #records: FeedRecord[] = [];
  /** What is valid of the first so many records. */
  #held: readonly FeedRecord[] = [];
  #folded = 0;
  readonly rollbacks: Rollback[] = [];

  /** Asserts that offsets go on without a gap (F1). */
  add(records: readonly FeedRecord[]): void {
    for (const record of records) {
      assert(record.offset === this.#records.length + 1, "F1: the next record has the next offset");
      this.#records.push(record);
      if (record.kind !== "rollback") continue;
      this.#held = foldRecord(this.valid(), record);
      this.rollbacks.push(record);
      this.#folded = this.#records.length;
    }
  }

  at(where: Offset): FeedRecord | null {
    return this.#records[where - 1] ?? null;
  }

  get head(): number {
    return this.#records.length;
  }

  /** What no rollback voided, in order. */
  valid(): readonly FeedRecord[] {
    return [...this.#held, ...this.#records.slice(this.#folded)];
  }

  /** The rollback that voided the record; null when none did. */
  voiding(where: Offset): Rollback | null {
    return this.rollbacks.find((one) => one.keepThrough < where && where < one.offset) ?? null;
  }
}

/** A reader that asks for pages, with long silences. */
export class Follower {
  readonly #object: SimObject;
  readonly #random: Random;
  #held: readonly FeedRecord[] = [];
  #cursor: Offset = offset(0);
  /** The state that it began with, when it could not resume; its records go on from there. */
  base: { readonly state: Uint8Array; readonly from: Offset } | null = null;
  #isBusy = false;
  rebases = 0;

  constructor(object: SimObject, random: Random) {
    this.#object = object;
    this.#random = random;
  }

  get held(): readonly FeedRecord[] {
    return this.#held;
  }

  get cursor(): number {
    return this.#cursor;
  }

  async poll(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const limit = this.#random.pick([1, 7, 64, 1_000]);
    const from = this.#cursor;
    await this.#object.request(
      `page from ${from}`,
      (parts) => readPage(parts, from, limit),
      (page) => {
        this.#isBusy = false;
        if (page !== null) this.#take(page);
      },
    );
  }

  #take(page: Page): void {
    if (page.kind === "later") return;
    if (page.kind === "rebase") {
      this.rebases += 1;
      this.base = page;
      this.#held = [];
      this.#cursor = page.from;
      return;
    }
    for (const text of page.texts) {
      const parsed = parseRecord(text);
      assert(parsed.ok, "F2: a record parses");
      const record = parsed.value;
      assert(record.offset > this.#cursor, "F3: a reader sees no record twice");
      assert(formatRecord(record) === text, "F2: a record's text is canonical");
      this.#held = foldRecord(this.#held, record);
      this.#cursor = record.offset;
    }
  }
}

type Page =
  | { readonly kind: "records"; readonly texts: readonly string[] }
  | { readonly kind: "rebase"; readonly state: Uint8Array; readonly from: Offset }
  | { readonly kind: "later" };

/** A page, or, when the history is gone (F8), the finalized state to go on from. */
function readPage(parts: ObjectParts, from: Offset, limit: number): Page {
  const { sql } = parts.runtime;
  if (parts.memory.get() === null) return { kind: "later" };
  const page = parts.feed.page({ fromOffset: from, limit, era: null });
  if (page.ok) return { kind: "records", texts: page.value.records };
  assert(page.error.code === "HISTORY_UNAVAILABLE", "F5: a cursor once held resumes");
  const snapshot = must(finalizedSnapshot(sql), "F8: what is deleted is in an accepted snapshot");
  return { kind: "rebase", state: loadState(sql, snapshot), from: snapshot.l2TxIndex };
}
