/** Where a reader may resume, and a reader against a model of the log. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideResume, foldRecord } from "../../src/core/feed/cursor.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { ZERO_ADDRESS } from "../../src/core/types/hex.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

const ERA = "0b3c9f52-54a3-4b8e-9d61-0a2f6f1d7c11";
const OTHER = "0b3c9f52-54a3-4b8e-9d61-0a2f6f1d7c12";

describe("[F5] resuming", () => {
  const history = { head: 100, availableFrom: 40, era: ERA };

  test.each([
    [100, null, "resume"],
    [101, null, "ahead-of-head"],
    [Number.MAX_SAFE_INTEGER, null, "ahead-of-head"],
    [40, null, "resume"],
    [39, null, "history-unavailable"],
    [0, null, "history-unavailable"],
    [70, ERA, "resume"],
    [70, ERA.toUpperCase(), "resume"],
    [70, OTHER, "era-changed"],
    [101, OTHER, "era-changed"],
    [39, OTHER, "era-changed"],
    [101, ERA, "ahead-of-head"],
    [39, ERA, "history-unavailable"],
  ])("from %i with era %s: %s", (fromOffset, era, decision) => {
    expect(decideResume({ fromOffset, era }, history)).toBe(decision);
  });

  test.each([
    [0, "resume"],
    [1, "ahead-of-head"],
  ])("from %i in an empty history: %s", (fromOffset, decision) => {
    const empty = { head: 0, availableFrom: 0, era: ERA };
    expect(decideResume({ fromOffset, era: null }, empty)).toBe(decision);
  });
});

function op(at: number): FeedRecord {
  return {
    kind: "user_op",
    offset: offset(at),
    sender: ZERO_ADDRESS,
    nonce: 0,
    fee: feeExponent(0),
    data: new Uint8Array(),
    safeBlock: blockNumber(0),
    batchNonce: batchNonce(0),
  };
}

function rollback(at: number, keepThrough: number): FeedRecord {
  return { kind: "rollback", offset: offset(at), keepThrough: offset(keepThrough), generation: 1 };
}

const offsetsOf = (records: readonly FeedRecord[]): number[] => records.map((one) => one.offset);

describe("[F3] a rollback", () => {
  test("voids what lies strictly between keep_through and itself", () => {
    const held = [1, 2, 3, 4, 5].map(op);
    expect(offsetsOf(foldRecord(held, rollback(6, 3)))).toEqual([1, 2, 3]);
    expect(offsetsOf(foldRecord(held, rollback(6, 5)))).toEqual([1, 2, 3, 4, 5]);
    expect(offsetsOf(foldRecord(held, rollback(6, 0)))).toEqual([]);
    expect(offsetsOf(foldRecord(held, rollback(4, 1)))).toEqual([1, 4, 5]);
    expect(held).toHaveLength(5);
  });

  test("another record is held at the end", () => {
    const held = [op(1)];
    expect(offsetsOf(foldRecord(held, op(4)))).toEqual([1, 4]);
    expect(held).toHaveLength(1);
  });
});

/** What a sequencer stores: its rows, void or not, and its rollbacks, in one order. */
class Log {
  readonly #entries: { readonly record: FeedRecord; isVoid: boolean }[] = [];
  #head = 0;

  get head(): number {
    return this.#head;
  }

  append(gap: number): void {
    this.#head += 1 + gap;
    this.#entries.push({ record: op(this.#head), isVoid: false });
  }

  rollBack(gap: number, keepThrough: number): void {
    this.#head += 1 + gap;
    for (const entry of this.#entries) {
      if (entry.record.kind !== "rollback" && entry.record.offset > keepThrough)
        entry.isVoid = true;
    }
    this.#entries.push({ record: rollback(this.#head, keepThrough), isVoid: false });
  }

  /** F3: a replay leaves out void rows and sends every rollback beyond the cursor. */
  replay(fromOffset: number): FeedRecord[] {
    return this.#entries
      .filter(({ record, isVoid }) => record.offset > fromOffset && !isVoid)
      .map(({ record }) => record);
  }

  valid(): number[] {
    return offsetsOf(this.replay(0).filter(({ kind }) => kind !== "rollback"));
  }
}

describe("[F3] any cursor a reader ever held resumes correctly", () => {
  const steps = fc.array(
    fc.record({
      gap: fc.nat(2),
      /** Depth of a rollback in offsets, null for an op. */
      depth: fc.option(fc.nat(12), { freq: 3 }),
    }),
    { minLength: 1, maxLength: 40 },
  );

  test("from every moment of every history, also after deeper rollbacks", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const log = new Log();
        const readers: { held: readonly FeedRecord[]; cursor: number }[] = [];
        let held: readonly FeedRecord[] = [];
        let cursor = 0;
        for (const { gap, depth } of all) {
          readers.push({ held, cursor });
          if (depth === null) log.append(gap);
          else log.rollBack(gap, Math.max(0, log.head - depth));
          held = log.replay(cursor).reduce(foldRecord, held);
          cursor = log.head;
          expect(offsetsOf(held)).toEqual(log.valid());
        }
        for (const reader of readers) {
          const resumed = log.replay(reader.cursor).reduce(foldRecord, reader.held);
          expect(offsetsOf(resumed)).toEqual(log.valid());
        }
      }),
      { numRuns: size(200, 20_000) },
    );
  });
});
