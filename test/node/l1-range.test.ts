/** Halving of ranges by code, call by call, and where a slice ends when its budget does. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockNumber } from "../../src/core/types/units.ts";
import { l1Error, rangeError } from "../../src/l1/errors.ts";
import type { L1Error } from "../../src/l1/l1.ts";
import { type RangeFetch, type RangeItem, readRange } from "../../src/l1/range.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/l1.json" with { type: "json" };

const LONG_RANGE_CODES = [-32005, -32012, -32600, -32602, -32616];
const AMPLE = { calls: 64, bytes: 1 << 24 };

function range(start: number, end: number) {
  return { start: blockNumber(start), end: blockNumber(end) };
}

function items(...entries: readonly (readonly [block: number, bytes: number])[]): RangeItem[] {
  return entries.map(([block, bytes]) => ({ block: blockNumber(block), bytes }));
}

/** A provider that holds `all` and answers at most `blocksMax` blocks at once; it notes each call. */
function provider(all: readonly RangeItem[], blocksMax: number) {
  const calls: [number, number][] = [];
  const fetch: RangeFetch<RangeItem> = ({ start, end }) => {
    calls.push([start, end]);
    if (end - start + 1 > blocksMax) {
      return Promise.resolve({ ok: false, error: l1Error("range-too-long", -32005) });
    }
    const value = all.filter((item) => item.block >= start && item.block <= end);
    return Promise.resolve({ ok: true, value });
  };
  return { calls, fetch };
}

describe("readRange, calls of P§6.3", () => {
  test.each(vectors.partition)("[L1] $name", async ({ start, end, fail, code, calls, ok }) => {
    const error = l1Error(code === null ? "unreachable" : "rpc-error", code);
    const made: [number, number][] = [];
    const result = await readRange(range(start, end), AMPLE, (part) => {
      made.push([part.start, part.end]);
      const fails = fail.some(([from, to]) => from === part.start && to === part.end);
      return Promise.resolve(
        fails
          ? { ok: false, error: rangeError(error, LONG_RANGE_CODES) }
          : { ok: true, value: items([part.start, 1]) },
      );
    });
    expect(made).toEqual(calls);
    expect(result.ok).toBe(ok);
    if (result.ok) expect(result.value.end).toBe(end);
  });

  test.each([
    { code: -32005, reason: "range-too-long" },
    { code: -32000, reason: "rpc-error" },
  ])("[L1] code $code decides, not the text: $reason", ({ code, reason }) => {
    expect(rangeError(l1Error("rpc-error", code), LONG_RANGE_CODES)).toEqual({ reason, code });
  });

  test("[L1] the second half fails: the slice fails, with that error", async () => {
    const errors: Record<string, L1Error> = {
      "1-4": l1Error("range-too-long", -32005),
      "3-4": l1Error("timeout"),
    };
    const result = await readRange(range(1, 4), AMPLE, ({ start, end }) => {
      const error = errors[`${start}-${end}`];
      return Promise.resolve(error ? { ok: false, error } : { ok: true, value: [] });
    });
    expect(result).toEqual({ ok: false, error: { reason: "timeout", code: null } });
  });

  test("[L1] the widest slice reaches a single block within the calls of its budget", async () => {
    const { calls, fetch } = provider([], 1);
    const result = await readRange(range(0, 9999), AMPLE, fetch);
    expect(calls).toHaveLength(AMPLE.calls);
    expect(result).toMatchObject({ ok: true, value: { items: [] } });
    expect(result.ok && result.value.end).toBe(26);
  });
});

describe("readRange, budget of calls", () => {
  const all = items([1, 1], [2, 1], [3, 1], [4, 1]);

  test.each([
    // One call fails, two read a half each.
    { calls: 3, end: 4, blocks: [1, 2, 3, 4] },
    { calls: 2, end: 2, blocks: [1, 2] },
  ])("[L1] $calls calls read up to block $end", async ({ calls, end, blocks }) => {
    const { fetch } = provider(all, 2);
    const result = await readRange(range(1, 4), { ...AMPLE, calls }, fetch);
    expect(result).toMatchObject({ ok: true, value: { end } });
    expect(result.ok && result.value.items.map((item) => item.block)).toEqual(blocks);
  });

  test("[L1] calls that end before any block was read are an error", async () => {
    const { fetch } = provider(all, 2);
    const result = await readRange(range(1, 4), { ...AMPLE, calls: 1 }, fetch);
    expect(result).toEqual({ ok: false, error: { reason: "range-too-long", code: null } });
  });
});

describe("readRange, budget of bytes", () => {
  test.each([
    { bytes: 100, end: 9, blocks: [2, 2, 5] },
    { bytes: 99, end: 4, blocks: [2, 2] },
    { bytes: 60, end: 4, blocks: [2, 2] },
  ])("[L1] $bytes bytes: the slice ends at block $end", async ({ bytes, end, blocks }) => {
    const { fetch } = provider(items([2, 30], [2, 30], [5, 40]), 100);
    const result = await readRange(range(1, 9), { ...AMPLE, bytes }, fetch);
    expect(result).toMatchObject({ ok: true, value: { end } });
    expect(result.ok && result.value.items.map((item) => item.block)).toEqual(blocks);
  });

  test("[L1] a slice never ends inside a block", async () => {
    const { fetch } = provider(items([2, 30], [5, 40], [5, 40]), 100);
    const result = await readRange(range(1, 9), { ...AMPLE, bytes: 80 }, fetch);
    expect(result).toEqual({ ok: true, value: { items: items([2, 30]), end: 4 } });
  });

  test("[L1] a block above the whole budget is taken whole when it is the first with items", async () => {
    const { fetch } = provider(items([5, 200], [6, 1]), 100);
    const result = await readRange(range(1, 9), { ...AMPLE, bytes: 100 }, fetch);
    expect(result).toEqual({ ok: true, value: { items: items([5, 200]), end: 5 } });
  });

  test("[L1] a full budget makes no further call", async () => {
    const { calls, fetch } = provider(items([1, 100], [3, 1]), 2);
    const result = await readRange(range(1, 4), { ...AMPLE, bytes: 100 }, fetch);
    expect(calls).toEqual([
      [1, 4],
      [1, 2],
    ]);
    expect(result).toEqual({ ok: true, value: { items: items([1, 100]), end: 2 } });
  });
});

describe("readRange, slice after slice", () => {
  const chain = fc
    .array(fc.record({ gap: fc.nat(5), bytes: fc.integer({ min: 1, max: 150 }) }), {
      maxLength: 40,
    })
    .map((steps) => {
      let block = 0;
      return steps.map(({ gap, bytes }) => {
        block += gap;
        return { block: blockNumber(block), bytes };
      });
    });

  test("[L1] every item is read once, in order, in whole blocks, in finitely many slices", async () => {
    const options = fc.record({ blocksMax: fc.integer({ min: 1, max: 60 }), bytes: fc.nat(200) });
    await fc.assert(
      fc.asyncProperty(chain, options, async (all, { blocksMax, bytes }) => {
        const last = (all.at(-1)?.block ?? 0) + 1;
        const { fetch } = provider(all, blocksMax);
        const read: RangeItem[] = [];
        let from = 0;
        for (let slices = 0; from <= last; slices++) {
          expect(slices).toBeLessThanOrEqual(last + 1);
          const slice = await readRange(range(from, last), { calls: 12, bytes }, fetch);
          if (!slice.ok) throw new Error(slice.error.reason);
          expect(slice.value.end).toBeGreaterThanOrEqual(from);
          read.push(...slice.value.items);
          from = slice.value.end + 1;
        }
        expect(read).toEqual(all);
      }),
      { numRuns: size(300, 10_000) },
    );
  });
});
