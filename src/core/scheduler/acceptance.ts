/**
 * Which landings the scheduler accepts, told from the batch alone (S2, P§3.6).
 *
 * The sequencer asks it of every safe input. It omits the scheduler's check that frame clocks are
 * ordered and not ahead of the block: our own batches are so by construction, and whatever is
 * accepted is compared with the sealed bytes besides (R4).
 */

import type { Address } from "../types/hex.ts";
import { type BatchNonce, type BlockNumber, batchNonce, blockNumber } from "../types/units.ts";
import { decodeBatch } from "../wire/batch.ts";
import { isStale } from "./timing.ts";

export type Landing = {
  readonly sender: Address;
  readonly payload: Uint8Array;
  readonly blockNumber: BlockNumber;
};

export type AcceptanceDecision =
  | {
      readonly accepted: true;
      readonly nonce: BatchNonce;
      /** Null for a batch without frames. */
      readonly firstFrameSafeBlock: BlockNumber | null;
    }
  | {
      readonly accepted: false;
      readonly why: "foreign-sender" | "undecodable" | "stale" | "wrong-nonce";
    };

/**
 * Whether the scheduler, which expects `expected`, accepts this landing. Staleness comes before the
 * nonce, which changes the reason but never the answer.
 */
export function decideAcceptance(
  expected: BatchNonce,
  landing: Landing,
  submitter: Address,
): AcceptanceDecision {
  if (landing.sender !== submitter) return { accepted: false, why: "foreign-sender" };
  const decoded = decodeBatch(landing.payload);
  if (!decoded.ok) return { accepted: false, why: "undecodable" };
  const { nonce, frames } = decoded.value;
  const first = frames[0]?.safeBlock ?? null;
  if (first !== null && isStale(landing.blockNumber, first))
    return { accepted: false, why: "stale" };
  if (nonce !== BigInt(expected)) return { accepted: false, why: "wrong-nonce" };
  const clock = first === null ? null : narrowClock(first);
  return { accepted: true, nonce: expected, firstFrameSafeBlock: clock };
}

/**
 * The one place where a frame clock of a landing becomes a number (S7).
 *
 * Clocks were compared as bigints before. One above 2^53 - 1 is above every block, so the fold rejects
 * its batch by the check that is omitted here; it is no batch of ours either, whose clocks are block
 * numbers, so it ends as a divergence and the saturated value is stored nowhere (R4).
 */
function narrowClock(safeBlock: bigint): BlockNumber {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  return blockNumber(Number(safeBlock < most ? safeBlock : most));
}

/** The nonce expected after one seen on L1: an equal one advances, no other does, so a gap stays. */
export function advanceExpectedNonce(expected: BatchNonce, observed: bigint): BatchNonce {
  return observed === BigInt(expected) ? batchNonce(expected + 1) : expected;
}
