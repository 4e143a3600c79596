/**
 * What is not mined yet: transactions that nodes know, and those that only a builder still has.
 *
 * A node remembers one transaction per wallet nonce and forgets it when told to; a builder forgets
 * nothing by itself. So a transaction can be gone for every node that the sequencer asks and still land
 * hours later: that is what a flush has to rule out (R2).
 */

import { parseTransaction } from "viem";
import { assert, must } from "../../src/core/types/assert.ts";
import { type Address, address, type Hash32 } from "../../src/core/types/hex.ts";
import { decodeBytes } from "../../src/l1/contracts.ts";
import type { Random } from "./random.ts";

export type DirectInput = { readonly sender: Address; readonly payload: Uint8Array };

/** A transaction of the batch submitter. */
export type PoolTransaction = {
  readonly hash: Hash32;
  readonly sender: Address;
  readonly walletNonce: number;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  /** What InputBox is given; null for a no-op. */
  readonly payload: Uint8Array | null;
};

type Held = { readonly transaction: PoolTransaction; notBeforeMs: number };

/** What a transaction's bytes say; `from` is who signed it. */
export function parseRaw(raw: `0x${string}`, hash: Hash32, from: Address): PoolTransaction {
  const parsed = parseTransaction(raw);
  assert(parsed.type === "eip1559", "the submitter signs EIP-1559 transactions");
  const { nonce = 0, maxFeePerGas, maxPriorityFeePerGas = 0n, data, to } = parsed;
  return {
    hash,
    sender: from,
    walletNonce: nonce,
    maxFeePerGasWei: must(maxFeePerGas, "a fee cap is signed"),
    maxPriorityFeePerGasWei: maxPriorityFeePerGas,
    payload: data === undefined ? null : addedInput(data, address(String(to).toLowerCase()), from),
  };
}

/** The payload of `addInput(app, payload)`. */
function addedInput(data: `0x${string}`, to: Address, from: Address): Uint8Array {
  assert(to !== from && data.startsWith("0x1789cd63"), "the only call is addInput");
  // Behind the selector and the application comes one `bytes`, whose offset counts the application.
  const rest = `0x${"20".padStart(64, "0")}${data.slice(2 + 8 + 128)}`;
  return must(decodeBytes(rest), "the call data is canonical");
}

/** What one endpoint's node remembers: per wallet nonce the transaction that it would relay. */
export class NodePool {
  readonly #known = new Map<number, PoolTransaction>();

  /** The node's verdict on a transaction; `latest` is the account nonce at its head. */
  offer(
    transaction: PoolTransaction,
    latest: number,
  ): "taken" | "already-known" | "underpriced" | "nonce-too-low" {
    const { walletNonce } = transaction;
    if (walletNonce < latest) return "nonce-too-low";
    const before = this.#known.get(walletNonce);
    if (before?.hash === transaction.hash) return "already-known";
    if (before !== undefined && !outbids(transaction, before)) return "underpriced";
    this.#known.set(walletNonce, transaction);
    return "taken";
  }

  /** The account nonce that `pending` answers. */
  pendingNonce(latest: number): number {
    let next = latest;
    while (this.#known.has(next)) next += 1;
    return next;
  }

  forget(walletNonce: number): void {
    this.#known.delete(walletNonce);
  }

  forgetAll(): void {
    this.#known.clear();
  }

  get all(): readonly PoolTransaction[] {
    return [...this.#known.values()];
  }

  /** What was mined is not pending any more. */
  prune(latest: number): void {
    for (const nonce of this.#known.keys()) if (nonce < latest) this.#known.delete(nonce);
  }
}

/** A replacement raises both fees by at least a tenth. */
function outbids(one: PoolTransaction, before: PoolTransaction): boolean {
  const raised = (fee: bigint, than: bigint) => fee * 10n >= than * 11n;
  return (
    raised(one.maxFeePerGasWei, before.maxFeePerGasWei) &&
    raised(one.maxPriorityFeePerGasWei, before.maxPriorityFeePerGasWei)
  );
}

/** Everything that can still be mined. */
export class Builder {
  readonly #random: Random;
  readonly #transactions = new Map<Hash32, Held>();
  #directs: { readonly input: DirectInput; readonly notBeforeMs: number }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  add(transaction: PoolTransaction, notBeforeMs: number): void {
    const held = this.#transactions.get(transaction.hash);
    // Sent again, it is at hand again at once.
    if (held !== undefined) held.notBeforeMs = Math.min(held.notBeforeMs, notBeforeMs);
    else this.#transactions.set(transaction.hash, { transaction, notBeforeMs });
  }

  /** Keeps it out of blocks until then. */
  delay(hash: Hash32, notBeforeMs: number): void {
    const held = this.#transactions.get(hash);
    if (held !== undefined) held.notBeforeMs = notBeforeMs;
  }

  /** Nobody has it any more. */
  evict(hash: Hash32): void {
    this.#transactions.delete(hash);
  }

  has(hash: Hash32): boolean {
    return this.#transactions.has(hash);
  }

  addDirect(input: DirectInput, notBeforeMs: number): void {
    this.#directs.push({ input, notBeforeMs });
  }

  /** Direct inputs of the next block, which leave the pool. */
  takeDirects(nowMs: number): readonly DirectInput[] {
    const due = this.#directs.filter((one) => one.notBeforeMs <= nowMs);
    this.#directs = this.#directs.filter((one) => one.notBeforeMs > nowMs);
    return due.map((one) => one.input);
  }

  /** What to mine at this nonce: usually the best paid, sometimes another one that pays enough. */
  choose(walletNonce: number, baseFeeWei: bigint, nowMs: number): PoolTransaction | null {
    const able = this.candidates(walletNonce).filter(
      (held) => held.notBeforeMs <= nowMs && held.transaction.maxFeePerGasWei >= baseFeeWei,
    );
    if (able.length === 0) return null;
    if (able.length > 1 && this.#random.chance(0.3)) return this.#random.pick(able).transaction;
    return able.reduce((a, b) => (paysMore(b, a) ? b : a)).transaction;
  }

  candidates(walletNonce: number): readonly Held[] {
    return [...this.#transactions.values()].filter(
      (held) => held.transaction.walletNonce === walletNonce,
    );
  }

  /** Below the safe nonce nothing can be mined, on any fork. */
  prune(safeNonce: number): void {
    for (const [hash, { transaction }] of this.#transactions) {
      if (transaction.walletNonce < safeNonce) this.#transactions.delete(hash);
    }
  }

  get all(): readonly PoolTransaction[] {
    return [...this.#transactions.values()].map((held) => held.transaction);
  }
}

function paysMore(a: Held, b: Held): boolean {
  return a.transaction.maxPriorityFeePerGasWei > b.transaction.maxPriorityFeePerGasWei;
}
