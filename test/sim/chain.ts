/**
 * The simulated L1: blocks, forks above the safe head, InputBox's inputs and one account's nonce.
 *
 * It holds what a full node would tell and nothing of who asks. Blocks are immutable and linked, so an
 * endpoint that is behind, or on a fork that lost, is only a pointer to another block.
 */

import type { FeeHistory } from "../../src/core/submission/fees.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import { type Hash32, hash32 } from "../../src/core/types/hex.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import type { L1Block, ObservedInput } from "../../src/l1/l1.ts";
import type { DirectInput, PoolTransaction } from "./mempool.ts";

export const FIRST_BLOCK = 2_000;
const GWEI = 1_000_000_000n;
/** Before every other block that a chain begins with. */
const FIRST_BLOCK_AGE_MS = 86_400_000;
const REWARD_WEI = 2n * GWEI;

export type SimBlock = L1Block & {
  readonly parent: SimBlock | null;
  readonly inputs: readonly ObservedInput[];
  /** Inputs of the chain up to and including this block. */
  readonly inputCount: number;
  /** The submitter's account nonce after this block. */
  readonly walletNonce: number;
  readonly baseFeeWei: bigint;
  /** What this block took, to give it back when the block is reorganised away. */
  readonly took: Contents;
};

/** What a block is made of, in order. */
export type Contents = readonly (
  | { readonly kind: "direct"; readonly input: DirectInput }
  | {
      readonly kind: "transaction";
      readonly transaction: PoolTransaction;
      readonly reverts: boolean;
    }
)[];

/** What one endpoint shows. */
export type View = { readonly head: SimBlock; readonly safe: SimBlock };

export class Chain {
  /** The canonical chain, by number from `FIRST_BLOCK` on. */
  readonly #canon: SimBlock[] = [];
  readonly #startS: number;
  #safe: SimBlock;
  #hashes = 0;
  #transactions = 0;

  constructor(startS: number) {
    this.#startS = startS;
    this.#safe = this.append([], -FIRST_BLOCK_AGE_MS, 20n * GWEI);
  }

  get head(): SimBlock {
    return must(this.#canon.at(-1), "a chain has a block");
  }

  get safe(): SimBlock {
    return this.#safe;
  }

  append(took: Contents, atMs: number, baseFeeWei: bigint): SimBlock {
    const parent = this.#canon.at(-1) ?? null;
    const number = blockNumber(parent === null ? FIRST_BLOCK : parent.number + 1);
    const timestamp = Math.max(
      (parent?.timestamp ?? 0) + 1,
      this.#startS + Math.floor(atMs / 1000),
    );
    let walletNonce = parent?.walletNonce ?? 0;
    const inputs: ObservedInput[] = [];
    const firstIndex = parent?.inputCount ?? 0;
    for (const one of took) {
      const at = {
        index: firstIndex + inputs.length,
        blockNumber: number,
        blockTimestamp: timestamp,
      };
      if (one.kind === "direct") {
        inputs.push({ ...one.input, ...at, transactionHash: this.#newTransactionHash() });
        continue;
      }
      const { transaction } = one;
      assert(transaction.walletNonce === walletNonce, "an account's transactions have no gap");
      walletNonce += 1;
      if (transaction.payload === null || one.reverts) continue;
      const { sender, payload, hash } = transaction;
      inputs.push({ sender, payload, transactionHash: hash, ...at });
    }
    const inputCount = firstIndex + inputs.length;
    const hash = this.#newHash();
    const fields = { number, hash, timestamp, parent, inputs, inputCount, walletNonce, baseFeeWei };
    const block: SimBlock = { ...fields, took };
    this.#canon.push(block);
    return block;
  }

  /** Takes the newest `depth` blocks away, none at or below the safe head; the oldest first. */
  retreat(depth: number): readonly SimBlock[] {
    const most = this.head.number - this.#safe.number;
    const count = Math.min(depth, most);
    return count <= 0 ? [] : this.#canon.splice(-count);
  }

  /** Moves the safe head up to `number`, if it is beyond. */
  makeSafe(number: number): void {
    if (number > this.#safe.number) this.#safe = this.canonical(number);
  }

  canonical(number: number): SimBlock {
    return must(this.#canon[number - FIRST_BLOCK], "the chain has the block");
  }

  /** The block of this number as `view` has it; null beyond its head or before the first block. */
  blockAt(view: View, number: number): SimBlock | null {
    if (number > view.head.number || number < FIRST_BLOCK) return null;
    let block = view.head;
    while (block.number > number) {
      if (this.#canon[block.number - FIRST_BLOCK] === block) return this.canonical(number);
      block = must(block.parent, "a block above the first has a parent");
    }
    return block;
  }

  feeHistory(view: View): FeeHistory {
    return { baseFeeWei: view.head.baseFeeWei, rewardsWei: [0n, REWARD_WEI, REWARD_WEI / 2n] };
  }

  #newHash(): Hash32 {
    this.#hashes += 1;
    return hash32(`0xb10c${this.#hashes.toString(16).padStart(60, "0")}`);
  }

  #newTransactionHash(): Hash32 {
    this.#transactions += 1;
    return hash32(`0xd12ec7${this.#transactions.toString(16).padStart(58, "0")}`);
  }
}
