/**
 * What recovery does next: inspect, decide, at most one phase, inspect again (R1, recovery facts §3.1).
 *
 * Pure and total. Facts are stored and read in one turn; progress lives in memory only and is lost
 * with it, so that a witness of one life is never believed in the next.
 */

import type { BlockNumber } from "../types/units.ts";
import type { Danger } from "./danger.ts";

export type RecoveryFacts = {
  readonly danger: Danger;
  /** A snapshot that no rollback can take away: an accepted one, or the baseline. */
  readonly hasRollbackSafeSnapshot: boolean;
  readonly hasOpenTip: boolean;
  /** Stored safe head; null while L1 was never read. */
  readonly safeBlock: BlockNumber | null;
};

/** How far this life has come. `safeBlock` is the block at which the flush was seen complete. */
export type Progress =
  | { readonly at: "need-initial-sync" }
  | { readonly at: "inspecting" }
  | { readonly at: "flushed"; readonly safeBlock: BlockNumber }
  | { readonly at: "post-flush-synced"; readonly safeBlock: BlockNumber }
  | { readonly at: "repaired" };

export type Phase =
  | { readonly name: "initial-sync" }
  | { readonly name: "ensure-open-tip" }
  | { readonly name: "recover-tip"; readonly batchIndex: number }
  | { readonly name: "flush" }
  | { readonly name: "post-flush-sync"; readonly safeBlock: BlockNumber }
  | { readonly name: "cascade"; readonly safeBlock: BlockNumber };

/** `retry` passes with time or with L1; `refuse` needs an operator. */
export type RecoveryDecision =
  | { readonly do: "admit" }
  | { readonly do: "phase"; readonly phase: Phase }
  | { readonly do: "retry"; readonly why: "behind-flush" | "danger-persists" | "view-unusable" }
  | {
      readonly do: "refuse";
      readonly why: "canonical-divergence" | "no-snapshot" | "no-safe-head";
    };

/** The table's order of rows is its meaning: the first that holds is the answer. */
export function decideRecovery(facts: RecoveryFacts, progress: Progress): RecoveryDecision {
  if (facts.danger.kind === "canonical-divergence") return refuse("canonical-divergence");
  if (!facts.hasRollbackSafeSnapshot) return refuse("no-snapshot");
  switch (progress.at) {
    case "need-initial-sync":
      return phase({ name: "initial-sync" });
    case "flushed":
      return phase({ name: "post-flush-sync", safeBlock: progress.safeBlock });
    case "post-flush-synced":
      return afterPostFlushSync(facts.safeBlock, progress.safeBlock);
    case "repaired":
      return facts.danger.kind === "safe" ? admitWithTip(facts) : retry("danger-persists");
    case "inspecting":
      return afterInspection(facts);
  }
}

function afterPostFlushSync(seen: BlockNumber | null, required: BlockNumber): RecoveryDecision {
  if (seen === null) return refuse("no-safe-head");
  if (seen < required) return retry("behind-flush");
  return phase({ name: "cascade", safeBlock: required });
}

function afterInspection(facts: RecoveryFacts): RecoveryDecision {
  const { danger } = facts;
  switch (danger.kind) {
    case "safe":
      return admitWithTip(facts);
    case "closed-batch-in-danger":
      return phase({ name: "flush" });
    case "tip-in-danger":
      return phase({ name: "recover-tip", batchIndex: danger.batchIndex });
    case "l1-view-stale":
    case "estimated-batch-in-danger":
      return retry("view-unusable");
    case "canonical-divergence":
      return refuse("canonical-divergence");
  }
}

function admitWithTip(facts: RecoveryFacts): RecoveryDecision {
  return facts.hasOpenTip ? { do: "admit" } : phase({ name: "ensure-open-tip" });
}

function phase(next: Phase): RecoveryDecision {
  return { do: "phase", phase: next };
}

function retry(why: "behind-flush" | "danger-persists" | "view-unusable"): RecoveryDecision {
  return { do: "retry", why };
}

function refuse(why: "canonical-divergence" | "no-snapshot" | "no-safe-head"): RecoveryDecision {
  return { do: "refuse", why };
}
