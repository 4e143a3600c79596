/**
 * When a promise may no longer be kept in time (R3, recovery facts §2).
 *
 * Pure: the first arm that holds is the answer. Block arithmetic comes before the clock's arms, so
 * that a broken clock cannot hide a batch that is late by blocks alone.
 */

import { type BlockNumber, saturatingSub, type UnixMs } from "../types/units.ts";

export type AgedBatch = { readonly batchIndex: number; readonly firstFrameSafeBlock: number };

/** Everything that the decision depends on, read in one turn. */
export type DangerFacts = {
  readonly divergedAtNonce: number | null;
  readonly safeBlock: BlockNumber;
  /** Unix seconds; null while no safe head was ever seen. */
  readonly safeBlockTimestampS: number | null;
  /** Our clock when the safe head last advanced. */
  readonly lastProgressMs: UnixMs;
  readonly nowMs: UnixMs;
  /** The valid closed batch at the frontier, if there is one. */
  readonly oldestClosed: AgedBatch | null;
  readonly tip: AgedBatch | null;
};

export type DangerTiming = {
  readonly secondsPerBlock: number;
  /** MAX_WAIT_BLOCKS less the preemptive margin. */
  readonly dangerBlocks: number;
  readonly readStaleAfterBlocks: number;
};

export type Danger =
  | { readonly kind: "safe" }
  | { readonly kind: "canonical-divergence"; readonly nonce: number }
  | { readonly kind: "l1-view-stale" }
  | { readonly kind: "closed-batch-in-danger"; readonly batchIndex: number }
  | { readonly kind: "tip-in-danger"; readonly batchIndex: number }
  | { readonly kind: "estimated-batch-in-danger"; readonly batchIndex: number };

export function decideDanger(facts: DangerFacts, timing: DangerTiming): Danger {
  const { divergedAtNonce, safeBlockTimestampS, oldestClosed, tip } = facts;
  if (divergedAtNonce !== null) return { kind: "canonical-divergence", nonce: divergedAtNonce };
  if (safeBlockTimestampS === null || isViewStale(safeBlockTimestampS, facts, timing)) {
    return { kind: "l1-view-stale" };
  }
  const limit = timing.dangerBlocks;
  if (oldestClosed !== null && ageOf(oldestClosed, facts) >= limit) {
    return { kind: "closed-batch-in-danger", batchIndex: oldestClosed.batchIndex };
  }
  if (tip !== null && ageOf(tip, facts) >= limit) {
    return { kind: "tip-in-danger", batchIndex: tip.batchIndex };
  }
  if (isClockBehind(safeBlockTimestampS, facts, timing)) return { kind: "l1-view-stale" };
  const missed = missedBlocks(facts, timing);
  const candidate = oldestClosed ?? tip;
  if (missed > 0 && candidate !== null && ageOf(candidate, facts) >= saturatingSub(limit, missed)) {
    return { kind: "estimated-batch-in-danger", batchIndex: candidate.batchIndex };
  }
  return { kind: "safe" };
}

/** Blocks until the closed candidate, else the open batch, is in danger; 0 when it is. */
export function blocksToDanger(
  facts: DangerFacts,
  timing: Pick<DangerTiming, "dangerBlocks">,
): number {
  const candidate = facts.oldestClosed ?? facts.tip;
  if (candidate === null) return timing.dangerBlocks;
  return saturatingSub(timing.dangerBlocks, ageOf(candidate, facts));
}

function ageOf(batch: AgedBatch, facts: DangerFacts): number {
  return saturatingSub(facts.safeBlock, batch.firstFrameSafeBlock);
}

/** A timestamp ahead of our clock is never stale: it is the freshest view there is. */
function isViewStale(timestampS: number, facts: DangerFacts, timing: DangerTiming): boolean {
  const ageS = Math.floor(facts.nowMs / 1000) - timestampS;
  return ageS >= timing.readStaleAfterBlocks * timing.secondsPerBlock;
}

/** A block or more behind the safe head's own time, or behind what this clock showed before. */
function isClockBehind(timestampS: number, facts: DangerFacts, timing: DangerTiming): boolean {
  const { nowMs, lastProgressMs } = facts;
  if (timestampS * 1000 - nowMs >= timing.secondsPerBlock * 1000) return true;
  return Math.floor((lastProgressMs - nowMs) / 1000) >= timing.secondsPerBlock;
}

/** Blocks that L1 has probably made since the safe head last advanced; none by a clock gone back. */
function missedBlocks(facts: DangerFacts, timing: DangerTiming): number {
  const elapsedS = Math.floor(saturatingSub(facts.nowMs, facts.lastProgressMs) / 1000);
  return Math.floor(elapsedS / timing.secondsPerBlock);
}
