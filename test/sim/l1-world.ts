/**
 * L1 as it goes on by itself: a slot every twelve seconds, fees that move, blocks that become safe.
 *
 * Faults set the switches below; nothing here knows when or why. What the sequencer's endpoints show of
 * it is `endpoint.ts`.
 */

import { must } from "../../src/core/types/assert.ts";
import type { Address, Hash32 } from "../../src/core/types/hex.ts";
import type { Audit } from "./audit.ts";
import { Chain, type Contents } from "./chain.ts";
import { Builder, type DirectInput, NodePool, type PoolTransaction } from "./mempool.ts";
import { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

export const SLOT_MS = 12_000;
const GWEI = 1_000_000_000n;
const BASE_FEE_TARGET_WEI = 20n * GWEI;
/** How often a node announces again what it still holds. */
const GOSSIP_MS = 300_000;
const TRANSACTIONS_PER_BLOCK = 8;

export type L1Parameters = {
  /** Blocks between the latest block and the newest that can be safe. */
  readonly safeLag: number;
  /** The safe head moves this many blocks at a time. */
  readonly epoch: number;
  readonly endpoints: number;
  readonly missedSlots: number;
};

/** What faults turn, each back to this when it ends. */
export type L1Switches = {
  isStalled: boolean;
  isSafeStalled: boolean;
  /** No transaction of the submitter is mined. */
  isCensoring: boolean;
  feeFactor: bigint;
  /** The submitter cannot pay for what it sends. */
  isPoor: boolean;
  /** Chance that a mined batch transaction fails and leaves no input. */
  reverts: number;
  /** Chance that a broadcast transaction never reaches a builder. */
  drops: number;
  /** Mean delay of a transaction before a builder takes it. */
  inclusionMs: number;
};

export class L1World {
  readonly chain: Chain;
  readonly builder: Builder;
  readonly pools: readonly NodePool[];
  readonly switches: L1Switches = {
    isStalled: false,
    isSafeStalled: false,
    isCensoring: false,
    feeFactor: 1n,
    isPoor: false,
    reverts: 0,
    drops: 0,
    inclusionMs: 8_000,
  };
  readonly #parameters: L1Parameters;
  readonly #timeline: Timeline;
  readonly #audit: Audit;
  readonly #random: Random;
  #baseFeeWei = BASE_FEE_TARGET_WEI;

  constructor(of: {
    readonly seed: number;
    readonly startMs: number;
    readonly parameters: L1Parameters;
    readonly timeline: Timeline;
    readonly audit: Audit;
  }) {
    const { seed, startMs, parameters, timeline } = of;
    this.#parameters = parameters;
    this.#timeline = timeline;
    this.#audit = of.audit;
    this.#random = new Random(seed, "l1");
    this.chain = new Chain(Math.floor(startMs / 1000));
    this.builder = new Builder(new Random(seed, "builder"));
    this.pools = Array.from({ length: parameters.endpoints }, () => new NodePool());
    // The chain is older than the deployment, so that there is a safe head from the first moment.
    for (let i = parameters.safeLag + 2 * parameters.epoch; i > 0; i--) this.#mine(-i * SLOT_MS);
    timeline.after(SLOT_MS, () => this.#slot());
    timeline.after(GOSSIP_MS, () => this.#gossip());
  }

  /** The newest `depth` blocks are replaced by others, and the chain grows past where it was. */
  reorganise(depth: number): void {
    const gone = this.chain.retreat(depth);
    this.#audit.note(this.#timeline.nowMs, `reorg ${gone.length}`);
    for (const block of gone) for (const one of block.took) this.#giveBack(one);
    for (let i = 0; i < gone.length; i++) this.#mine(this.#timeline.nowMs - SLOT_MS);
  }

  /** What reached a node is soon in a builder's hands, unless it is dropped. */
  relay(transaction: PoolTransaction): void {
    const { drops, inclusionMs } = this.switches;
    if (this.#random.chance(drops)) {
      this.#audit.note(this.#timeline.nowMs, `dropped ${shortHash(transaction.hash)}`);
      return;
    }
    this.builder.add(transaction, this.#timeline.nowMs + this.#random.waitMs(inclusionMs));
  }

  send(input: DirectInput): void {
    this.builder.addDirect(input, this.#timeline.nowMs + this.#random.waitMs(SLOT_MS));
  }

  /** A transaction that a node holds reaches a builder in the end; one that all forgot does not. */
  #gossip(): void {
    this.#timeline.after(GOSSIP_MS, () => this.#gossip());
    for (const pool of this.pools) {
      for (const transaction of pool.all) {
        if (!this.builder.has(transaction.hash)) this.relay(transaction);
      }
    }
  }

  #slot(): void {
    this.#timeline.after(SLOT_MS, () => this.#slot());
    if (this.switches.isStalled || this.#random.chance(this.#parameters.missedSlots)) return;
    this.#mine(this.#timeline.nowMs);
  }

  #mine(nowMs: number): void {
    const took = this.#contents(nowMs);
    const block = this.chain.append(took, nowMs, this.#nextBaseFee());
    for (const pool of this.pools) pool.prune(block.walletNonce);
    if (!this.switches.isSafeStalled) {
      const { safeLag, epoch } = this.#parameters;
      this.chain.makeSafe(Math.floor((block.number - safeLag) / epoch) * epoch);
      this.builder.prune(this.chain.safe.walletNonce);
    }
    if (took.length > 0) {
      const what = took.map((one) => (one.kind === "direct" ? "d" : describe(one))).join(" ");
      this.#audit.note(this.#timeline.nowMs, `block ${block.number}: ${what}`);
    }
  }

  #contents(nowMs: number): Contents {
    const directs: Contents = this.builder
      .takeDirects(nowMs)
      .map((input) => ({ kind: "direct", input }));
    const own = this.switches.isCensoring ? [] : this.#ownTransactions(nowMs);
    return interleave(this.#random, directs, own);
  }

  #ownTransactions(nowMs: number): Contents {
    const took: Contents[number][] = [];
    const baseFeeWei = this.chain.head.baseFeeWei;
    let nonce = this.chain.head.walletNonce;
    while (took.length < TRANSACTIONS_PER_BLOCK) {
      const transaction = this.builder.choose(nonce, baseFeeWei, nowMs);
      if (transaction === null) break;
      const reverts = transaction.payload !== null && this.#random.chance(this.switches.reverts);
      took.push({ kind: "transaction", transaction, reverts });
      nonce += 1;
    }
    return took;
  }

  #giveBack(one: Contents[number]): void {
    const { nowMs } = this.#timeline;
    if (one.kind === "direct") {
      this.builder.addDirect(one.input, nowMs + this.#random.waitMs(3 * SLOT_MS));
      return;
    }
    this.builder.delay(one.transaction.hash, nowMs + this.#random.waitMs(3 * SLOT_MS));
    // A node usually takes back what a reorganisation sets free.
    for (const pool of this.pools) {
      if (this.#random.chance(0.8)) pool.offer(one.transaction, 0);
    }
  }

  /** A walk that stays between an eighth of the target and eight times as much. */
  #nextBaseFee(): bigint {
    const step = BigInt(this.#random.between(-125, 125));
    const walked = this.#baseFeeWei + (this.#baseFeeWei * step) / 1_000n;
    const least = BASE_FEE_TARGET_WEI / 8n;
    const most = BASE_FEE_TARGET_WEI * 8n;
    this.#baseFeeWei = walked < least ? least : walked > most ? most : walked;
    return this.#baseFeeWei * this.switches.feeFactor;
  }
}

function interleave(random: Random, a: Contents, b: Contents): Contents {
  const rest: readonly [Contents[number][], Contents[number][]] = [[...a], [...b]];
  const mixed: Contents[number][] = [];
  while (rest[0].length + rest[1].length > 0) {
    const side = random.below(rest[0].length + rest[1].length) < rest[0].length ? 0 : 1;
    mixed.push(must(rest[side].shift(), "the side is not empty"));
  }
  return mixed;
}

function describe(one: Contents[number] & { kind: "transaction" }): string {
  const { transaction, reverts } = one;
  const what = transaction.payload === null ? "no-op" : "batch";
  return `${what}@${transaction.walletNonce}${reverts ? " reverted" : ""}`;
}

export function shortHash(hash: Hash32 | Address): string {
  return hash.slice(2, 10);
}
