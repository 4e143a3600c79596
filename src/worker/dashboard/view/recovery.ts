/** Recovery as it happens: its phases, and what it waits for (R1). */

import type { OverviewBody } from "../../../core/api/overview.ts";
import type { RecoveryBody } from "../../../core/api/sequencer-api.ts";
import { type Child, h } from "../tree.ts";
import { count, counted, duration } from "../words.ts";
import { figure } from "./parts.ts";

const PHASES: readonly (readonly [RecoveryBody["phase"], name: string, does: string])[] = [
  ["flush", "Flush", "Every wallet nonce that may still carry a batch is used up on L1."],
  ["post-flush-sync", "Look", "L1 is read up to the block in which the flush ended."],
  ["cascade", "Void", "Batches that can no longer land as promised are voided, in one step."],
  ["recover-tip", "Begin", "A new batch opens behind what stands."],
];

export function recovery({ health, counters }: OverviewBody): readonly Child[] {
  const { recovery, generation } = health;
  const now = PHASES.findIndex(([phase]) => phase === recovery?.phase);
  return [
    h(
      "ol",
      { class: "phases" },
      PHASES.map(([phase, name, does], i) =>
        h(
          "li",
          {
            class: i === now ? "phase phase-now" : i < now ? "phase phase-done" : "phase",
            "aria-current": i === now ? "step" : null,
          },
          h("b", {}, name),
          h("span", {}, does),
          phase === recovery?.phase
            ? h("span", { class: "phase-state" }, progress(recovery))
            : null,
        ),
      ),
    ),
    h(
      "p",
      { class: "note" },
      recovery === null ? "None is under way. " : null,
      figure("health.generation", generation, `Generation ${count(generation)}`),
      "; since it started ",
      figure("counters.rollbacks", counters.rollbacks, counted(counters.rollbacks, "rollback")),
      ", ",
      figure(
        "counters.ops_voided",
        counters.ops_voided,
        `${counted(counters.ops_voided, "operation")} voided`,
      ),
      ".",
    ),
  ];
}

function progress(recovery: RecoveryBody): readonly Child[] {
  const { since_s, flush_from, flush_to, is_capped, is_over_budget } = recovery;
  return [
    figure("health.recovery.since_s", since_s, `for ${duration(since_s)}`),
    flush_from === null || flush_to === null
      ? null
      : [
          ", nonces ",
          figure("health.recovery.flush_from", flush_from, count(flush_from)),
          " to ",
          figure("health.recovery.flush_to", flush_to, count(flush_to)),
        ],
    is_capped ? ". It waits: the fee cap leaves no room for a replacement" : null,
    is_over_budget ? ". It waits: the flush budget is used up" : null,
  ];
}
