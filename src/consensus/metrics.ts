/**
 * Counters that a caller reads as it likes; every combination of labels is there from the start.
 *
 *     baton_consensus_proposals_total{outcome}            baton_consensus_commit_latency_seconds
 *     baton_consensus_role_transitions_total{from,to}     baton_consensus_pending_proposals
 *     baton_consensus_term
 *
 * A proposal is a chunk that a leader announced, or a decision that it asked its committee for: committed
 * when it is certified, aborted when the term ends first. Only decisions expire. Times are in seconds.
 */

import type { ConsensusBody } from "../core/api/watch.ts";

const OUTCOMES = ["committed", "aborted", "expired"] as const;
const ROLES = ["follower", "candidate", "leader"] as const;
/** Upper bounds in seconds; the last bucket has none. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export type Outcome = (typeof OUTCOMES)[number];
export type RoleName = (typeof ROLES)[number];

export class Metrics {
  readonly proposals: Record<Outcome, number> = { committed: 0, aborted: 0, expired: 0 };
  /** Keys are `from,to`. */
  readonly roleTransitions: Record<string, number> = Object.fromEntries(
    ROLES.flatMap((from) => ROLES.filter((to) => to !== from).map((to) => [`${from},${to}`, 0])),
  );
  readonly latencyBuckets: number[] = [...LATENCY_BUCKETS.map(() => 0), 0];
  latencySumSeconds = 0;
  pendingChunks = 0;
  pendingDecisions = 0;
  term = 0;

  countRole(from: RoleName, to: RoleName): void {
    const key = `${from},${to}`;
    this.roleTransitions[key] = (this.roleTransitions[key] ?? 0) + 1;
  }

  countCommit(latencyMs: number, count = 1): void {
    const seconds = latencyMs / 1_000;
    const found = LATENCY_BUCKETS.findIndex((bound) => seconds <= bound);
    const at = found === -1 ? LATENCY_BUCKETS.length : found;
    this.latencyBuckets[at] = (this.latencyBuckets[at] ?? 0) + count;
    this.latencySumSeconds += seconds * count;
    this.proposals.committed += count;
  }

  /** As data, for whoever formats it another way. */
  body(): ConsensusBody {
    return {
      proposals: { ...this.proposals },
      role_transitions: { ...this.roleTransitions },
      commit_latency: {
        bounds_s: [...LATENCY_BUCKETS],
        counts: [...this.latencyBuckets],
        sum_s: this.latencySumSeconds,
      },
      pending_proposals: this.pendingChunks + this.pendingDecisions,
      term: this.term,
    };
  }

  /** Name with labels, and value: one entry for each line of a scrape. */
  entries(): readonly (readonly [string, number])[] {
    const counted = this.latencyBuckets.reduce((sum, count) => sum + count, 0);
    let below = 0;
    const buckets = this.latencyBuckets.map((count, i): readonly [string, number] => {
      below += count;
      return [`baton_consensus_commit_latency_seconds_bucket{le="${bound(i)}"}`, below];
    });
    return [
      ...OUTCOMES.map((outcome): readonly [string, number] => [
        `baton_consensus_proposals_total{outcome="${outcome}"}`,
        this.proposals[outcome],
      ]),
      ...Object.entries(this.roleTransitions).map(([key, count]): readonly [string, number] => {
        const [from, to] = key.split(",");
        return [`baton_consensus_role_transitions_total{from="${from}",to="${to}"}`, count];
      }),
      ...buckets,
      ["baton_consensus_commit_latency_seconds_sum", this.latencySumSeconds],
      ["baton_consensus_commit_latency_seconds_count", counted],
      ["baton_consensus_pending_proposals", this.pendingChunks + this.pendingDecisions],
      ["baton_consensus_term", this.term],
    ];
  }
}

function bound(index: number): string {
  return String(LATENCY_BUCKETS[index] ?? "+Inf");
}

/** The chunks of one term, from their announcement to their certificate, or to the term's end. */
export class ChunkMeter {
  readonly #metrics: Metrics;
  #runs: { readonly from: number; readonly through: number; readonly atMs: number }[] = [];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  announced(from: number, through: number, atMs: number): void {
    if (through < from) return;
    this.#runs.push({ from, through, atMs });
    this.#metrics.pendingChunks += through - from + 1;
  }

  certified(height: number, nowMs: number): void {
    for (let run = this.#runs[0]; run !== undefined && run.from <= height; run = this.#runs[0]) {
      const through = Math.min(run.through, height);
      const count = through - run.from + 1;
      this.#metrics.countCommit(nowMs - run.atMs, count);
      this.#metrics.pendingChunks -= count;
      if (through === run.through) this.#runs.shift();
      else this.#runs[0] = { ...run, from: through + 1 };
    }
  }

  /** What is left may be inherited; it is not this term's any more. */
  end(): void {
    for (const { from, through } of this.#runs) {
      this.#metrics.proposals.aborted += through - from + 1;
      this.#metrics.pendingChunks -= through - from + 1;
    }
    this.#runs = [];
  }
}
