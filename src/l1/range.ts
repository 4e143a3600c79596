/**
 * Reads a block range in as few calls as the endpoint allows: a range that is too long is halved
 * (P§6.3), and a slice ends where its budget does (L1).
 *
 * Knows nothing of logs: items have a block and a size. A slice always ends at a block's last item,
 * and the first block that holds any item is taken whole whatever its size, so the next slice
 * starts beyond it and reading always moves on.
 */

import { assert } from "../core/types/assert.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { type BlockNumber, blockNumber } from "../core/types/units.ts";
import type { L1Error } from "./l1.ts";

/** Both ends inclusive. */
export type BlockRange = { readonly start: BlockNumber; readonly end: BlockNumber };

export type RangeItem = { readonly block: BlockNumber; readonly bytes: number };

/** Items of `range`, ascending by block. `range-too-long` is the one error that halves the range. */
export type RangeFetch<Item extends RangeItem> = (
  range: BlockRange,
) => Promise<Result<readonly Item[], L1Error>>;

export type RangeBudget = { readonly calls: number; readonly bytes: number };

/** Items of the blocks up to `end`, which is the range's own end unless the budget ran out. */
export type RangeSlice<Item extends RangeItem> = {
  readonly items: readonly Item[];
  readonly end: BlockNumber;
};

/**
 * An empty range (`start` is one above `end`) makes no call. The first error that halving cannot
 * mend fails the slice, so what was read before it is read again.
 */
export async function readRange<Item extends RangeItem>(
  range: BlockRange,
  budget: RangeBudget,
  fetch: RangeFetch<Item>,
): Promise<Result<RangeSlice<Item>, L1Error>> {
  const taken = new Taken<Item>(budget.bytes);
  const pending = range.start > range.end ? [] : [range];
  let end: BlockNumber | null = null;
  for (let calls = 0; calls < budget.calls && !taken.isFull; calls++) {
    const next = pending.pop();
    if (next === undefined) break;
    const fetched = await fetch(next);
    if (fetched.ok) {
      end = taken.take(fetched.value, next);
    } else {
      if (fetched.error.reason !== "range-too-long" || next.start === next.end) return fetched;
      pending.push(...halves(next).toReversed());
    }
  }
  if (pending.length === 0 && !taken.isFull) return ok({ items: taken.items, end: range.end });
  if (end === null) return err({ reason: "range-too-long", code: null });
  return ok({ items: taken.items, end });
}

/** Collects whole blocks until the next one would pass `bytesMax`. */
class Taken<Item extends RangeItem> {
  readonly items: Item[] = [];
  isFull = false;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes what fits of `items`, which are all of `range`, and returns the last block that is whole. */
  take(items: readonly Item[], range: BlockRange): BlockNumber {
    let from = 0;
    while (from < items.length) {
      const block = items[from]?.block ?? range.start;
      assert(block >= range.start && block <= range.end, "items lie in the range asked for");
      const to = endOfBlock(items, from);
      const blockItems = items.slice(from, to);
      const bytes = blockItems.reduce((sum, item) => sum + item.bytes, 0);
      if (this.items.length > 0 && this.#bytes + bytes > this.#bytesMax) {
        this.isFull = true;
        return blockNumber(block - 1);
      }
      this.items.push(...blockItems);
      this.#bytes += bytes;
      from = to;
    }
    this.isFull = this.#bytes >= this.#bytesMax;
    return range.end;
  }
}

/** Index after the last item of the block that starts at `from`. */
function endOfBlock(items: readonly RangeItem[], from: number): number {
  let to = from + 1;
  while (to < items.length && items[to]?.block === items[from]?.block) to++;
  return to;
}

function halves({ start, end }: BlockRange): [BlockRange, BlockRange] {
  const middle = start + Math.floor((end - start) / 2);
  return [
    { start, end: blockNumber(middle) },
    { start: blockNumber(middle + 1), end },
  ];
}
