/**
 * The first batch that a rollback voids (R2, recovery facts §3.4).
 *
 * Pure. After a complete flush the closed batch at the frontier goes whatever its age: it is late,
 * or its transaction was killed, or it would be late before L1 had it. The open batch has no
 * transaction, so only its age decides, and the threshold is the one that raised the alarm.
 */

import { saturatingSub } from "../types/units.ts";
import type { AgedBatch, DangerFacts, DangerTiming } from "./danger.ts";

export type Repair = "cascade" | "recover-tip";

/** Index of the first batch to void, with everything after it; null when nothing is to be voided. */
export function decidePivot(
  repair: Repair,
  facts: Pick<DangerFacts, "oldestClosed" | "tip" | "safeBlock">,
  timing: Pick<DangerTiming, "dangerBlocks">,
): number | null {
  const { oldestClosed, tip } = facts;
  if (oldestClosed !== null) return repair === "cascade" ? oldestClosed.batchIndex : null;
  if (tip === null) return null;
  return isInDanger(tip) ? tip.batchIndex : null;

  function isInDanger(batch: AgedBatch): boolean {
    return saturatingSub(facts.safeBlock, batch.firstFrameSafeBlock) >= timing.dangerBlocks;
  }
}
