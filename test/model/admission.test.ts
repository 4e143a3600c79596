/** The admission machine around the real controller: its size, its invariants, and what breaks them. */

import { describe, expect, test } from "vitest";
import {
  decideRecovery,
  type Progress,
  type RecoveryDecision,
  type RecoveryFacts,
} from "../../src/core/recovery/controller.ts";
import { type AdmissionState, admission } from "./admission.ts";
import { describeViolation, explore } from "./explorer.ts";

type Decide = typeof decideRecovery;

const show = (state: AdmissionState): string => JSON.stringify(state);

describe("[R1] the way to admission", () => {
  test("860 generated and 266 distinct states, 13 deep, and every invariant holds", () => {
    const { violation, ...counts } = explore(admission(decideRecovery));
    expect(describeViolation(violation, show)).toBe("no violation");
    expect(counts).toEqual({ generated: 860, distinct: 266, depth: 13, isComplete: true });
  });

  /** Controllers with one thought missing. */
  const mutants: readonly { what: string; decide: Decide; breaks: string; depth: number }[] = [
    {
      what: "a divergence is not looked at first",
      decide: (facts, progress) =>
        decideRecovery({ ...facts, danger: withoutDivergence(facts) }, progress),
      breaks: "a divergence is only ever refused",
      depth: 3,
    },
    {
      what: "a snapshot is not asked for",
      decide: (facts, progress) =>
        decideRecovery({ ...facts, hasRollbackSafeSnapshot: true }, progress),
      breaks: "no phase without a snapshot to go back to",
      depth: 4,
    },
    {
      what: "[R2] a flush is followed by the cascade at once",
      decide: skipSync,
      breaks: "a cascade follows a flush and a view that caught up with it",
      depth: 10,
    },
    {
      what: "[R2] a view behind the flush is enough",
      decide: (facts, progress) =>
        decideRecovery({ ...facts, safeBlock: laterOf(facts, progress) }, progress),
      breaks: "a cascade follows a flush and a view that caught up with it",
      depth: 13,
    },
    {
      what: "a repair is taken for success",
      decide: (facts, progress) =>
        progress.at === "repaired" ? { do: "admit" } : decideRecovery(facts, progress),
      breaks: "only a clean inspection prepares",
      depth: 10,
    },
    {
      what: "a tip in danger is flushed, too",
      decide: (facts, progress) => {
        const decision = decideRecovery(facts, progress);
        const isTip = decision.do === "phase" && decision.phase.name === "recover-tip";
        return isTip ? { do: "phase", phase: { name: "flush" } } : decision;
      },
      breaks: "a flush follows a closed batch in danger",
      depth: 7,
    },
  ];
  test.each(mutants)("$what: breaks '$breaks'", ({ decide, breaks, depth }) => {
    const found = explore(admission(decide));
    expect(found.violation?.invariant).toBe(breaks);
    expect(found.depth).toBe(depth);
    expect(found.violation?.trace).toHaveLength(depth);
  });
});

function withoutDivergence(facts: RecoveryFacts): RecoveryFacts["danger"] {
  return facts.danger.kind === "canonical-divergence" ? { kind: "safe" } : facts.danger;
}

function skipSync(facts: RecoveryFacts, progress: Progress): RecoveryDecision {
  if (progress.at !== "flushed") return decideRecovery(facts, progress);
  return { do: "phase", phase: { name: "cascade", safeBlock: progress.safeBlock } };
}

function laterOf(facts: RecoveryFacts, progress: Progress): RecoveryFacts["safeBlock"] {
  return progress.at === "post-flush-synced" ? progress.safeBlock : facts.safeBlock;
}
