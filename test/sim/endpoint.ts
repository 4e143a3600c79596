/**
 * One Ethereum endpoint's honest answers, at one moment, from the blocks and transactions that it has.
 *
 * Synchronous and without faults of its own but for what a real node may do: be behind, be on a fork
 * that lost, or not know a transaction. Delays, errors and lost answers are the wire's (`wire.ts`).
 */

import { assert } from "../../src/core/types/assert.ts";
import { type Address, address, type Hash32 } from "../../src/core/types/hex.ts";
import { err, ok, type Result } from "../../src/core/types/result.ts";
import { type BlockNumber, blockNumber } from "../../src/core/types/units.ts";
import type { InputQuery, InputSlice, L1Block, L1Error } from "../../src/l1/l1.ts";
import { CHAIN_ID } from "../support/l1-ledger.ts";
import { FIRST_BLOCK, type SimBlock, type View } from "./chain.ts";
import type { L1World } from "./l1-world.ts";
import type { NodePool, PoolTransaction } from "./mempool.ts";

export const INPUT_BOX: Address = address(`0x${"1b".repeat(20)}`);
export const INPUT_BOX_BLOCK: BlockNumber = blockNumber(FIRST_BLOCK + 1);

const STATE_BLOCKS = 128;

type Answer<T> = Result<T, L1Error>;

const failed = (reason: L1Error["reason"], code: number | null = null): Answer<never> =>
  err({ reason, code });

export class Endpoint {
  readonly pool: NodePool;
  readonly #world: L1World;
  /** Set while the node is stuck: it shows what it had then. */
  #stuck: View | null = null;
  isDown = false;

  constructor(world: L1World, pool: NodePool) {
    this.#world = world;
    this.pool = pool;
  }

  stick(): void {
    this.#stuck = this.#view;
  }

  unstick(): void {
    this.#stuck = null;
  }

  chainId(): Answer<number> {
    return ok(CHAIN_ID);
  }

  discover(): Answer<{ inputBox: Address; inputBoxBlock: BlockNumber }> {
    return ok({ inputBox: INPUT_BOX, inputBoxBlock: INPUT_BOX_BLOCK });
  }

  block(tag: "safe" | "latest" | BlockNumber): Answer<L1Block> {
    const view = this.#view;
    const block = tag === "latest" ? view.head : tag === "safe" ? view.safe : this.#at(tag);
    return block === null ? failed("behind") : ok(shown(block));
  }

  /** All inputs of the range that this node has; the caller checks that they are enough. */
  inputs(query: InputQuery): Answer<InputSlice> {
    const found: InputSlice["inputs"][number][] = [];
    for (let number = Math.max(query.from, FIRST_BLOCK); number <= query.to; number++) {
      const block = this.#at(number);
      if (block === null) break;
      found.push(...block.inputs);
    }
    return ok({ inputs: found, end: query.to });
  }

  inputCount(at: BlockNumber): Answer<number> {
    const block = this.#at(at);
    if (block === null || !this.keepsState(at)) return failed("rpc-error", -32000);
    return ok(block.inputCount);
  }

  /** Of older blocks a node keeps logs, and no state to call a contract in. */
  keepsState(at: BlockNumber): boolean {
    const { head, safe } = this.#view;
    return at >= Math.min(safe.number, head.number - STATE_BLOCKS);
  }

  transactionCount(tag: "latest" | "safe" | "pending" | BlockNumber): Answer<number> {
    const { head, safe } = this.#view;
    if (tag === "safe") return ok(safe.walletNonce);
    if (tag === "latest") return ok(head.walletNonce);
    if (tag === "pending") return ok(this.pool.pendingNonce(head.walletNonce));
    const block = this.#at(tag);
    return block === null ? failed("rpc-error", -32000) : ok(block.walletNonce);
  }

  feeHistory() {
    return ok(this.#world.chain.feeHistory(this.#view));
  }

  broadcast(transaction: PoolTransaction): Answer<Hash32> {
    if (this.#world.switches.isPoor) return failed("insufficient-funds", -32000);
    const verdict = this.pool.offer(transaction, this.#view.head.walletNonce);
    if (verdict !== "taken" && verdict !== "already-known") return failed(verdict, -32000);
    this.#world.relay(transaction);
    return verdict === "taken" ? ok(transaction.hash) : failed(verdict, -32000);
  }

  receiptBlock(hash: Hash32): Answer<BlockNumber | null> {
    for (let block: SimBlock | null = this.#view.head; block !== null; block = block.parent) {
      const isHere = block.took.some(
        (one) => one.kind === "transaction" && one.transaction.hash === hash,
      );
      if (isHere) return ok(block.number);
    }
    return ok(null);
  }

  get #view(): View {
    const { head, safe } = this.#world.chain;
    return this.#stuck ?? { head, safe };
  }

  #at(number: number): SimBlock | null {
    assert(number >= FIRST_BLOCK, "nobody asks before the deployment");
    return this.#world.chain.blockAt(this.#view, number);
  }
}

function shown({ number, hash, timestamp }: SimBlock): L1Block {
  return { number, hash, timestamp };
}
