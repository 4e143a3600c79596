/** What the sequencer does now, in a word, a sentence and four figures. */

import type { OverviewBody } from "../../../core/api/overview.ts";
import type { Mode } from "../../../core/api/rejection.ts";
import type { HealthBody, Refusal } from "../../../core/api/sequencer-api.ts";
import type { Model } from "../model.ts";
import { latencies, quantileMs, throughput } from "../samples.ts";
import { type Child, h, type Tree } from "../tree.ts";
import { clock, count, latency, rate, short } from "../words.ts";
import { figure } from "./parts.ts";

type Said = { readonly tone: "good" | "wait" | "bad"; readonly word: string; readonly why: string };

const MODES: Readonly<Record<Mode, Said>> = {
  starting: {
    tone: "wait",
    word: "Starting",
    why: "It reads what it stored and looks at L1 before it takes an operation.",
  },
  serving: { tone: "good", word: "Serving", why: "Operations are ordered as they arrive." },
  recovering: {
    tone: "wait",
    word: "Recovering",
    why: "A promise can no longer be kept in time. What is lost is voided, and then it serves again.",
  },
  refused: { tone: "bad", word: "Refusing", why: "It waits for its operator." },
  fenced: {
    tone: "wait",
    word: "Fenced",
    why: "The committee has ended its epoch, and a successor takes over.",
  },
  draining: {
    tone: "wait",
    word: "Paused",
    why: "It certifies what it has ordered and takes nothing new.",
  },
  following: { tone: "wait", word: "Following", why: "Another candidate leads." },
};

const REFUSALS: Readonly<Record<Refusal, string>> = {
  "canonical-divergence": "L1 holds a batch that was not sealed here. Nothing is ordered upon it.",
  "estimated-batch-in-danger": "By the clock a batch is in danger, and L1 does not say otherwise.",
  fault: "One of its own invariants did not hold.",
  "identity-mismatch": "Its database is that of another deployment.",
  "l1-view-stale": "Its view of L1 is too old to make promises on.",
  misconfigured: "What it is configured with cannot work.",
  "no-safe-head": "L1 has not shown a safe block.",
  "no-snapshot": "No snapshot is left to start from.",
  "previous-instance": "Transactions of an earlier instance may still land.",
  "storage-full": "Its database is full.",
};

/** Beside the page's name: which application this is. */
export function identity({ deployment }: OverviewBody): readonly Child[] {
  if (deployment === null) return [];
  return [
    h("b", {}, deployment.application),
    h("span", {}, `chain ${deployment.chain_id}`),
    h("code", { title: deployment.app }, short(deployment.app)),
  ];
}

/** The headline. It is announced when it changes, and nothing else on the page is. */
export function headline({ overview, problem }: Model): readonly Child[] {
  const said = overview === null ? unknown(problem) : saidOf(overview.health);
  return [
    h("p", { class: `mode mode-${said.tone}` }, h("span", { class: "lamp" }), said.word),
    h("p", { class: "why" }, said.why),
  ];
}

function unknown(problem: string | null): Said {
  return {
    tone: "wait",
    word: "Unknown",
    why: `It did not answer: ${problem ?? "not asked yet"}.`,
  };
}

function saidOf(health: HealthBody): Said {
  if (health.refusal !== null) return { ...MODES.refused, why: REFUSALS[health.refusal] };
  const said = MODES[health.mode];
  if (health.mode !== "serving" || health.status === "ok") return said;
  return {
    tone: "wait",
    word: "Busy",
    why: "It serves, and its queue is full: clients are told to wait.",
  };
}

/** Beside the headline: the moment, and what is not so well. */
export function moment({ overview, problem }: Model): readonly Child[] {
  if (overview === null) return [];
  const at = h(
    "span",
    {},
    "As of ",
    h("time", { "data-field": "now_ms", "data-value": overview.now_ms }, clock(overview.now_ms)),
  );
  const stale =
    problem === null ? null : h("span", { class: "stale" }, `No news since: ${problem}`);
  return [at, stale];
}

export function figures({ overview, samples }: Model): readonly Child[] {
  if (overview === null) return [];
  const { pipeline, counters, fee } = overview;
  const waiting = pipeline === null ? null : pipeline.ordered - pipeline.settled;
  const commit = latencies(samples, "commit", 0.5).at(-1)?.value;
  const p50 = commit ?? quantileMs(counters.commit.counts, 0.5);
  const isRecent = (commit ?? null) !== null;
  return [
    one(
      "Ordered",
      count(pipeline?.ordered ?? null),
      waiting === null ? "not begun" : `${count(waiting)} not settled yet`,
    ),
    one("Ops per second", rate(rateNow(overview, samples)), sinceText(samples.length > 1)),
    one("Median commit", latency(p50), isRecent ? "last 10 s" : "since it started"),
    one(
      "Fee exponent",
      fee === null ? count(null) : figure("fee.fee", fee.fee, count(fee.fee)),
      fee === null
        ? "no frame is open"
        : [
            "offer up to ",
            figure("fee.suggested_max_fee", fee.suggested_max_fee, count(fee.suggested_max_fee)),
          ],
    ),
  ];
}

/** Of the newest two answers; before there are two, on average since the object began. */
function rateNow({ now_ms, since_ms, counters }: OverviewBody, samples: Model["samples"]) {
  const now = throughput(samples).at(-1);
  if (now !== undefined) return now.value;
  return now_ms > since_ms ? (counters.ops_included * 1000) / (now_ms - since_ms) : null;
}

function sinceText(isNow: boolean): string {
  return isNow ? "now" : "on average";
}

function one(label: string, value: Child, below: Child): Tree {
  return h(
    "div",
    { class: "figure" },
    h("dt", {}, label),
    h("dd", {}, h("span", { class: "big" }, value), h("span", { class: "below" }, below)),
  );
}
