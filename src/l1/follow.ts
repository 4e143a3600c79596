/**
 * Following the safe head: the next slice of inputs beyond what a reader holds, whole or not at all (L1).
 *
 * The sequencer commits what it gets here, and whoever replays L1 folds it: both read the same inputs
 * because they read them here. Keeps no state and repeats nothing. A provider that is behind what the
 * reader holds, or shows another hash there, is an error to ask again after, never an answer.
 */

import type { Address, Hash32 } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { type BlockNumber, blockNumber } from "../core/types/units.ts";
import { l1Error } from "./errors.ts";
import type { L1, L1Block, L1Error, ObservedInput } from "./l1.ts";

/** Whose inputs. */
export type InputSource = {
  readonly inputBox: Address;
  readonly app: Address;
  /** The block that InputBox was deployed in: there is no input before it. */
  readonly inputBoxBlock: BlockNumber;
};

/** What a reader has: every input up to the end of its head, which is null before the first slice. */
export type Held = {
  readonly head: { readonly blockNumber: BlockNumber; readonly blockHash: Hash32 } | null;
  readonly inputCount: number;
};

export type SliceLimits = {
  readonly blocks: number;
  /** A slice that would pass this block ends at it; null: none is special. */
  readonly stopAt: BlockNumber | null;
  /** No slice passes this block; null: the safe head is the end. */
  readonly blockMax: BlockNumber | null;
};

/** The inputs after the reader's head up to the end of `end`. */
export type FollowedSlice = { readonly inputs: readonly ObservedInput[]; readonly end: L1Block };

export type Followed = {
  /** Null when the reader's head is the safe head, or as far as it may read. */
  readonly slice: FollowedSlice | null;
  readonly reachedSafeHead: boolean;
};

/** One slice of at most `limits.blocks` blocks. Errors: `behind`, `reorged`, `incomplete`, and the client's. */
export async function readNextSlice(
  l1: L1,
  source: InputSource,
  held: Held,
  limits: SliceLimits,
): Promise<Result<Followed, L1Error>> {
  const safe = await l1.block("safe");
  if (!safe.ok) return safe;
  const sameChain = await compareWithHeld(l1, held, safe.value);
  if (!sameChain.ok) return sameChain;
  if (held.head?.blockNumber === safe.value.number)
    return ok({ slice: null, reachedSafeHead: true });
  const from = held.head === null ? source.inputBoxBlock : blockNumber(held.head.blockNumber + 1);
  if (limits.blockMax !== null && limits.blockMax < from)
    return ok({ slice: null, reachedSafeHead: false });
  // A safe head below the InputBox's block holds no input yet.
  if (safe.value.number < from) return err(l1Error("behind"));
  const to = lastBlock(from, safe.value.number, limits);
  const slice = await readWhole(l1, { source, from, to, safe: safe.value, held });
  if (!slice.ok) return slice;
  const reachedSafeHead = slice.value.end.number === safe.value.number;
  return ok({ slice: slice.value, reachedSafeHead });
}

/** The reader's head must be on the provider's chain, at or below its safe head. */
async function compareWithHeld(
  l1: L1,
  { head }: Held,
  safe: L1Block,
): Promise<Result<null, L1Error>> {
  if (head === null) return ok(null);
  if (safe.number < head.blockNumber) return err(l1Error("behind"));
  let there = safe;
  if (safe.number > head.blockNumber) {
    const block = await l1.block(head.blockNumber);
    if (!block.ok) return block;
    there = block.value;
  }
  return there.hash === head.blockHash ? ok(null) : err(l1Error("reorged"));
}

function lastBlock(from: BlockNumber, safe: BlockNumber, limits: SliceLimits): BlockNumber {
  const { stopAt, blockMax } = limits;
  const to = blockNumber(Math.min(safe, from + limits.blocks - 1, blockMax ?? safe));
  return stopAt !== null && from <= stopAt && stopAt < to ? stopAt : to;
}

/** Reads the slice and checks that it is complete: indices without a gap, and the count at its end. */
async function readWhole(
  l1: L1,
  query: {
    readonly source: InputSource;
    readonly from: BlockNumber;
    readonly to: BlockNumber;
    readonly safe: L1Block;
    readonly held: Held;
  },
): Promise<Result<FollowedSlice, L1Error>> {
  const { inputBox, app } = query.source;
  const { from, to, safe } = query;
  const read = await l1.inputs({ inputBox, app, from, to, sender: null });
  if (!read.ok) return read;
  const { inputs, end } = read.value;
  const expected = query.held.inputCount;
  if (inputs.some((input, i) => input.index !== expected + i)) return err(l1Error("incomplete"));
  const isAtSafeHead = end === safe.number;
  const block = isAtSafeHead ? ok(safe) : await l1.block(end);
  if (!block.ok) return block;
  const count = await l1.inputCount(inputBox, app, end);
  // A node may keep no state of so old a block; what it left out shows in the slices after it.
  const isUnknown = !isAtSafeHead && !count.ok && count.error.reason === "rpc-error";
  if (!count.ok) return isUnknown ? ok({ inputs, end: block.value }) : count;
  return count.value === expected + inputs.length
    ? ok({ inputs, end: block.value })
    : err(l1Error("incomplete"));
}
