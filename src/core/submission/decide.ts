/**
 * Which batches to send to L1 now, at which wallet nonce, for which fees.
 *
 * Pure. The caller reads the facts in one turn, raises the watermark to `walletNonceMax` and writes
 * a row per send before it broadcasts any of them (L2). Batches fill the wallet's nonces in order
 * from the first one that `latest` leaves free, so the chain can only mine them in batch order, and
 * a slot is never skipped, so nothing waits behind a gap.
 */

import { assert } from "../types/assert.ts";
import type { Hash32 } from "../types/hex.ts";
import { SENDS_PER_TICK_MAX } from "../types/protocol.ts";
import type { BatchNonce, UnixMs } from "../types/units.ts";
import { capFees, escalateFees, type Fees } from "./fees.ts";

/** A sealed batch that L1 does not show yet. */
export type ClosedBatch = {
  readonly batchIndex: number;
  readonly nonce: BatchNonce;
  readonly payloadHash: Hash32;
};

/** The newest transaction written for a wallet nonce, whether or not its broadcast was seen. */
export type InFlight = {
  readonly walletNonce: number;
  /** Null for a flush's no-op, in whose slot any batch is a replacement. */
  readonly payloadHash: Hash32 | null;
  readonly fees: Fees;
  /** From here on the transaction is late, and may be replaced. */
  readonly deadlineMs: UnixMs;
};

export type SubmissionFacts = {
  /** First nonce that neither acceptance nor the blocks after it show: see `landed.ts`. */
  readonly firstMissingNonce: BatchNonce;
  /** Ascending without gaps from `firstMissingNonce`; those beyond the sixteenth are left for later. */
  readonly closedBatches: readonly ClosedBatch[];
  /** The submitter's account nonce at the latest block, to which `firstMissingNonce` was read. */
  readonly latestWalletNonce: number;
  /** At most one per wallet nonce; those below `latestWalletNonce` are mined, and ignored. */
  readonly inFlight: readonly InFlight[];
  readonly nowMs: UnixMs;
  readonly freshFees: Fees;
  readonly capWei: bigint;
};

export type Send = {
  readonly batchIndex: number;
  readonly walletNonce: number;
  readonly fees: Fees;
  /** Whether a transaction was written for this wallet nonce before. */
  readonly replaces: boolean;
};

export type SubmissionDecision = {
  /** At most `SENDS_PER_TICK_MAX`, ascending in batch and in wallet nonce. */
  readonly sends: readonly Send[];
  /** A late transaction waits because the cap leaves no room to replace it. */
  readonly capped: boolean;
  /** Highest wallet nonce of `sends`; null without any. */
  readonly walletNonceMax: number | null;
};

type Slot = { readonly batch: ClosedBatch; readonly walletNonce: number };
type SlotDecision =
  | { readonly do: "send"; readonly send: Send }
  | { readonly do: "wait" }
  | { readonly do: "capped" }
  | { readonly do: "blocked" };

/** L2, P§6.4. Asserts that the batches have no gap and that a wallet nonce has one row. */
export function decideSubmission(facts: SubmissionFacts): SubmissionDecision {
  const rows = rowsByNonce(facts.inFlight);
  const sends: Send[] = [];
  let capped = false;
  for (const slot of slotsOf(facts)) {
    const decision = decideSlot(facts, slot, rows.get(slot.walletNonce) ?? null);
    if (decision.do === "send") sends.push(decision.send);
    if (decision.do === "capped" || decision.do === "blocked") capped = true;
    // What comes after would be mined before this batch, and the scheduler would skip it.
    if (decision.do === "blocked") break;
  }
  return { sends, capped, walletNonceMax: sends.at(-1)?.walletNonce ?? null };
}

/** Batch i takes the i-th free wallet nonce. */
function slotsOf(facts: SubmissionFacts): readonly Slot[] {
  return facts.closedBatches.slice(0, SENDS_PER_TICK_MAX).map((batch, i) => {
    assert(batch.nonce === facts.firstMissingNonce + i, "closed batches have no gap");
    return { batch, walletNonce: facts.latestWalletNonce + i };
  });
}

function decideSlot(facts: SubmissionFacts, slot: Slot, row: InFlight | null): SlotDecision {
  const { batchIndex, payloadHash } = slot.batch;
  const { walletNonce } = slot;
  if (row === null) {
    const fees = capFees(facts.freshFees, facts.capWei);
    return { do: "send", send: { batchIndex, walletNonce, fees, replaces: false } };
  }
  const samePayload = row.payloadHash === payloadHash;
  if (samePayload && facts.nowMs < row.deadlineMs) return { do: "wait" };
  const { fees, capped } = escalateFees(row.fees, facts.freshFees, facts.capWei);
  if (capped) return { do: samePayload ? "capped" : "blocked" };
  return { do: "send", send: { batchIndex, walletNonce, fees, replaces: true } };
}

function rowsByNonce(rows: readonly InFlight[]): ReadonlyMap<number, InFlight> {
  const byNonce = new Map(rows.map((row) => [row.walletNonce, row]));
  assert(byNonce.size === rows.length, "a wallet nonce has one newest row");
  return byNonce;
}
