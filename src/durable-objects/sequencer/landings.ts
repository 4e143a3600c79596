/**
 * The submitter's own landings between the safe head and the latest block, kept from tick to tick.
 *
 * A busy sequencer has a hundred batches in those blocks, and they are the same ones every tick: only
 * blocks that are new are read. The block read last must still be on the chain, by its hash; after a
 * reorganisation everything is read again. Memory only: a wake-up starts empty.
 */

import { landedNonce } from "../../core/submission/landed.ts";
import type { Address, Hash32 } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type BlockNumber, blockNumber } from "../../core/types/units.ts";
import type { L1, L1Block, L1Error } from "../../l1/l1.ts";

export type LandedBatch = {
  readonly blockNumber: BlockNumber;
  readonly transactionHash: Hash32;
  /** Null where the bytes are no batch. */
  readonly nonce: bigint | null;
};

/** Whose landings, and where. */
export type Source = {
  readonly inputBox: Address;
  readonly app: Address;
  readonly submitter: Address;
};

type Range = { readonly from: BlockNumber; readonly latest: L1Block };

export class Landings {
  /** The newest block that `#known` covers. */
  #tip: L1Block | null = null;
  #known: readonly LandedBatch[] = [];

  /** Landings of the blocks from `from` to `latest`, in chain order. */
  async read(
    l1: L1,
    source: Source,
    range: Range,
  ): Promise<Result<readonly LandedBatch[], L1Error>> {
    const start = await this.#firstUnread(l1, range);
    if (!start.ok) return start;
    const kept =
      start.value > range.from
        ? this.#known.filter((batch) => batch.blockNumber >= range.from)
        : [];
    const fresh = await readNew(l1, source, { from: start.value, latest: range.latest });
    if (!fresh.ok) return fresh;
    const { landings, tip } = fresh.value;
    this.#tip = tip;
    this.#known = [...kept, ...landings];
    // A view that ends early would show landed batches as missing: the next tick reads on from here.
    if (tip.number < range.latest.number) return err({ reason: "behind", code: null });
    return ok(this.#known);
  }

  /** The first block of the range that `#known` does not cover. */
  async #firstUnread(l1: L1, { from, latest }: Range): Promise<Result<BlockNumber, L1Error>> {
    const tip = this.#tip;
    if (tip === null || tip.number < from || tip.number > latest.number) return ok(from);
    const there = tip.number === latest.number ? ok(latest) : await l1.block(tip.number);
    if (!there.ok) return there;
    return ok(there.value.hash === tip.hash ? blockNumber(tip.number + 1) : from);
  }
}

/** Landings up to the block `tip`: the latest one, or the one at which the reading's budget ran out. */
async function readNew(
  l1: L1,
  source: Source,
  { from, latest }: Range,
): Promise<Result<{ readonly landings: readonly LandedBatch[]; readonly tip: L1Block }, L1Error>> {
  if (from > latest.number) return ok({ landings: [], tip: latest });
  const { inputBox, app, submitter } = source;
  const read = await l1.inputs({ inputBox, app, from, to: latest.number, sender: submitter });
  if (!read.ok) return read;
  const { inputs, end } = read.value;
  const tip = end === latest.number ? ok(latest) : await l1.block(end);
  if (!tip.ok) return tip;
  const landings = inputs.map((input) => ({
    blockNumber: input.blockNumber,
    transactionHash: input.transactionHash,
    nonce: landedNonce(input.payload),
  }));
  return ok({ landings, tip: tip.value });
}
