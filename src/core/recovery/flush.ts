/**
 * Consuming every wallet nonce ever used, so that nothing old can land any more (R2, recovery facts §3.3).
 *
 * Pure. The watermark, not the node's memory, says which nonces were used: a transaction that our
 * node forgot may live in another mempool. Whichever transaction lands in a slot consumes it; a no-op
 * with higher fees only makes it sooner. The caller raises the watermark and writes a row per send
 * before it broadcasts any of them.
 */

import { escalateFees, type Fees } from "../submission/fees.ts";
import { SENDS_PER_TICK_MAX } from "../types/protocol.ts";
import type { UnixMs } from "../types/units.ts";

/** Blocks after which a no-op that is not mined is replaced by one with higher fees. */
export const NO_OP_LATE_AFTER_BLOCKS: number = 3;

/** A no-op offers this multiple of a fresh estimate: it must outbid what sits in its slot. */
const FRESH_FEES_FACTOR = 3n;

/** The newest transaction written for a wallet nonce. */
export type FlushRow = {
  readonly walletNonce: number;
  readonly isNoOp: boolean;
  /** False when no node is known to have taken it: the send failed, or the object died before it. */
  readonly isBroadcast: boolean;
  /** A node answered that its fees are too low to replace what is there. */
  readonly isUnderpriced: boolean;
  readonly fees: Fees;
  readonly gas: bigint;
  /** From here on the transaction is late, and may be replaced. */
  readonly deadlineMs: UnixMs;
};

export type FlushFacts = {
  /** The submitter's account nonces, `safe` read before `pending` and `pending` before `latest`. */
  readonly safeNonce: number;
  readonly pendingNonce: number;
  readonly latestNonce: number;
  /** Highest wallet nonce ever used; null when none was. */
  readonly watermark: number | null;
  /** At most one per wallet nonce; those below `safeNonce` are settled, and ignored. */
  readonly rows: readonly FlushRow[];
  readonly nowMs: UnixMs;
  readonly freshFees: Fees;
  /** Gas of one no-op, padded. */
  readonly gas: bigint;
  readonly capWei: bigint;
  /** Most wei that the no-ops of the unsettled slots may cost together. */
  readonly budgetWei: bigint;
};

export type NoOp = {
  readonly walletNonce: number;
  readonly fees: Fees;
  readonly gas: bigint;
  /** The slot's row has these very terms: the same bytes are sent again, and no row is written. */
  readonly isResend: boolean;
};

export type FlushDecision =
  /** Every slot is consumed at safe depth. */
  | { readonly do: "done" }
  | {
      readonly do: "flush";
      /** At most `SENDS_PER_TICK_MAX`, ascending. Empty: what is on its way needs time. */
      readonly sends: readonly NoOp[];
      /** The watermark that must be durable before any send; null when it is not to be raised. */
      readonly watermark: number | null;
      /** A slot waits because the fee cap leaves no room to replace its transaction. */
      readonly isCapped: boolean;
      /** A slot waits because the budget is used up. */
      readonly isOverBudget: boolean;
    };

/** First slot that is not known to be consumed at `latest`, and the first one that need not be. */
export function flushRange(facts: Pick<FlushFacts, "latestNonce" | "pendingNonce" | "watermark">): {
  readonly from: number;
  readonly end: number;
} {
  return {
    from: facts.latestNonce,
    end: Math.max(facts.pendingNonce, required(facts.watermark)),
  };
}

export function decideFlush(facts: FlushFacts): FlushDecision {
  const { safeNonce, pendingNonce, latestNonce, watermark } = facts;
  // The node that showed what is pending may lag behind the one that showed what is mined.
  const used = Math.max(pendingNonce, latestNonce);
  if (used <= safeNonce && safeNonce >= required(watermark)) return { do: "done" };
  const { from, end } = flushRange(facts);
  const rows = new Map(facts.rows.map((row) => [row.walletNonce, row]));
  const sends: NoOp[] = [];
  let isCapped = false;
  let isOverBudget = false;
  let costWei = costOf(facts.rows.filter((row) => row.isNoOp && row.walletNonce >= safeNonce));
  // A lagging node may show a `latest` behind `safe`; what is consumed there needs nothing.
  const first = Math.max(from, safeNonce);
  for (let nonce = first; nonce < end && sends.length < SENDS_PER_TICK_MAX; nonce++) {
    const row = rows.get(nonce) ?? null;
    const slot = decideSlot(facts, row);
    if (slot.do === "capped") {
      isCapped = true;
      // A node may drop a batch at the cap: the no-op that then takes its slot stays affordable.
      if (row !== null && !row.isNoOp) costWei += facts.gas * facts.capWei;
    }
    if (slot.do !== "send") continue;
    const raised = costWei + slot.noOp.gas * slot.noOp.fees.maxFeePerGasWei - costOfRow(row);
    const isOver = raised > facts.budgetWei && !slot.noOp.isResend;
    if (!isOver) {
      costWei = raised;
      sends.push({ walletNonce: nonce, ...slot.noOp });
      continue;
    }
    isOverBudget = true;
    // A later slot cannot be mined before this one.
    if (row === null || !row.isNoOp || !isForgotten(facts, row)) break;
    sends.push({ walletNonce: nonce, fees: row.fees, gas: row.gas, isResend: true });
  }
  const top = end - 1;
  const raises = sends.length > 0 && top > (watermark ?? -1);
  return { do: "flush", sends, watermark: raises ? top : null, isCapped, isOverBudget };
}

type Slot =
  | { readonly do: "send"; readonly noOp: Omit<NoOp, "walletNonce"> }
  | { readonly do: "wait" }
  | { readonly do: "capped" };

function decideSlot(facts: FlushFacts, row: FlushRow | null): Slot {
  const { gas } = facts;
  const fresh = multiply(facts.freshFees, facts.capWei);
  if (row === null) return { do: "send", noOp: { fees: fresh, gas, isResend: false } };
  if (row.isNoOp && !row.isUnderpriced && facts.nowMs < row.deadlineMs) {
    if (row.isBroadcast) return { do: "wait" };
    return { do: "send", noOp: { fees: row.fees, gas: row.gas, isResend: true } };
  }
  const { fees, capped } = escalateFees(row.fees, fresh, facts.capWei);
  if (!capped) return { do: "send", noOp: { fees, gas, isResend: false } };
  if (!isForgotten(facts, row)) return { do: "capped" };
  if (row.isNoOp) return { do: "send", noOp: { fees: row.fees, gas: row.gas, isResend: true } };
  return { do: "send", noOp: { fees: fresh, gas, isResend: false } };
}

/**
 * Whether the node shows nothing in the slot: there is nothing to outbid, so neither the cap nor the
 * budget is an obstacle to what was paid for already. `pending` is the first empty slot, whatever a node
 * refused there before; behind it, what a node refused may still be what it holds.
 */
function isForgotten(facts: FlushFacts, row: FlushRow): boolean {
  if (row.walletNonce === facts.pendingNonce) return true;
  return row.walletNonce > facts.pendingNonce && !row.isUnderpriced;
}

/** Wallet nonces below this were used, and must be consumed. */
function required(watermark: number | null): number {
  return watermark === null ? 0 : watermark + 1;
}

function multiply(fees: Fees, capWei: bigint): Fees {
  const max = least(fees.maxFeePerGasWei * FRESH_FEES_FACTOR, capWei);
  return {
    maxFeePerGasWei: max,
    maxPriorityFeePerGasWei: least(fees.maxPriorityFeePerGasWei * FRESH_FEES_FACTOR, max),
  };
}

function costOf(rows: readonly FlushRow[]): bigint {
  return rows.reduce((sum, row) => sum + costOfRow(row), 0n);
}

function costOfRow(row: FlushRow | null): bigint {
  return row?.isNoOp === true ? row.gas * row.fees.maxFeePerGasWei : 0n;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
