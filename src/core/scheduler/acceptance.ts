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
      /** Null for a batch without frames. Saturates at 2^53 - 1, far above any block. */
      readonly firstFrameSafeBlock: BlockNumber | null;
    }
  | {
      readonly accepted: false;
      readonly why: "foreign-sender" | "undecodable" | "stale" | "wrong-nonce";
    };

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
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  const clock = first === null ? null : blockNumber(Number(first < most ? first : most));
  return { accepted: true, nonce: expected, firstFrameSafeBlock: clock };
}

/** The nonce expected after one seen on L1: an equal one advances, every other is skipped. */
export function advanceExpectedNonce(expected: BatchNonce, observed: bigint): BatchNonce {
  return observed === BigInt(expected) ? batchNonce(expected + 1) : expected;
}
