/** What an operator sees once the token was taken: candidates with their commands, and L1. */

import type { OverviewBody } from "../../../core/api/overview.ts";
import { type Child, h, KEY, type Tree } from "../tree.ts";
import { count, duration } from "../words.ts";
import { l1 } from "./deployment.ts";
import { facts, note, panel, tag } from "./parts.ts";

/** Null: it is another deployment's, and cannot be asked here. */
export type Candidate = {
  readonly id: string;
  readonly addr: string;
  readonly isLeader: boolean | null;
  readonly isPaused: boolean | null;
  readonly isStopped: boolean | null;
  readonly isHealthy: boolean | null;
};

/** Without a committee there are no candidates. */
export type OperatorState = { readonly candidates: readonly Candidate[] };

export type Command = "pause" | "resume" | "transfer";

export function operatorState(
  { candidates }: OperatorState,
  overview: OverviewBody | null,
): readonly Child[] {
  return [
    panel(
      "candidates",
      "Leadership",
      candidates.length === 0
        ? note(
            "This sequencer has no committee: there is nobody to hand over to, and nothing to pause.",
          )
        : table(candidates),
    ),
    overview === null
      ? null
      : h(
          "div",
          { class: "grid" },
          panel("operator-health", "Health", health(overview)),
          panel("operator-l1", "L1", l1(overview)),
        ),
  ];
}

function table(candidates: readonly Candidate[]): Tree {
  const columns = ["Candidate", "State", "Reached at", "Commands"];
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": "Candidates", tabindex: 0 },
    h(
      "table",
      { class: "candidates" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h("tbody", {}, candidates.map(row)),
    ),
  );
}

function row(candidate: Candidate): Tree {
  const { id, addr, isLeader, isPaused } = candidate;
  return h(
    "tr",
    { [KEY]: id, "data-candidate": id },
    h("th", { scope: "row" }, id),
    h("td", {}, states(candidate)),
    h("td", {}, h("code", {}, addr)),
    h(
      "td",
      {},
      isLeader === null
        ? "by its own deployment"
        : h(
            "div",
            { class: "buttons" },
            isPaused === true ? button("resume", "Resume", id) : button("pause", "Pause", id),
            isLeader ? null : button("transfer", "Make leader", id),
          ),
    ),
  );
}

function states({ isLeader, isPaused, isStopped, isHealthy }: Candidate): Child {
  if (isLeader === null) return tag("open", "elsewhere");
  return [
    isLeader ? tag("accepted", "leads") : tag("open", "follows"),
    isPaused === true ? [" ", tag("rollback", "paused")] : null,
    isStopped === true ? [" ", tag("rollback", "stopped")] : null,
    isHealthy === true ? null : [" ", tag("rollback", "not healthy")],
  ];
}

function button(command: Command, text: string, id: string): Tree {
  return h(
    "button",
    {
      type: "button",
      class: "quiet",
      [KEY]: command,
      "data-command": command,
      "data-candidate": id,
      "aria-label": `${text}: candidate ${id}`,
    },
    text,
  );
}

function health({ health }: OverviewBody): Tree {
  const { mode, status, refusal, blocks_to_danger, unposted_batches, oldest_unposted_age_s } =
    health;
  return facts(
    ["Mode", [mode, status === "ok" ? null : " (degraded)"]],
    refusal === null ? null : ["Refusal", refusal],
    ["Blocks to danger", count(blocks_to_danger)],
    ["Unposted batches", count(unposted_batches)],
    ["Oldest of them", duration(oldest_unposted_age_s)],
    ["Evidence", count(health.committee?.evidence ?? null)],
  );
}
