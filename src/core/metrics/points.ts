/**
 * From what objects say of themselves to the series of a scrape.
 *
 * A number that is not known has no series: an alert on it sleeps, and the ones on `baton_up` and
 * `baton_ready` do not. What is one of several names is a series for each, 1 for the one that holds.
 */

import type { ValidatorBody } from "../api/committee-api.ts";
import { type HistogramBody, LATENCY_BOUNDS_MS, type OverviewBody } from "../api/overview.ts";
import type { ErrorCode, Mode } from "../api/rejection.ts";
import type {
  CertificationReason,
  CommitteeBody,
  RecoveryBody,
  Refusal,
} from "../api/sequencer-api.ts";
import type { ConsensusBody, SequencerWatch, ValidatorWatch } from "../api/watch.ts";
import { SUBSCRIBERS_MAX } from "../types/protocol.ts";
import type { HistogramValue, Labels, Point } from "./exposition.ts";

// Written as records, so that the type says when one is left out.
const MODES: readonly string[] = Object.keys({
  starting: 1,
  serving: 1,
  recovering: 1,
  refused: 1,
  fenced: 1,
  draining: 1,
  following: 1,
} satisfies Record<Mode, 1>);
const REFUSALS: readonly string[] = Object.keys({
  "canonical-divergence": 1,
  "estimated-batch-in-danger": 1,
  fault: 1,
  "identity-mismatch": 1,
  "l1-view-stale": 1,
  misconfigured: 1,
  "no-safe-head": 1,
  "no-snapshot": 1,
  "previous-instance": 1,
  "storage-full": 1,
} satisfies Record<Refusal, 1>);
const PHASES: readonly string[] = Object.keys({
  flush: 1,
  "post-flush-sync": 1,
  cascade: 1,
  "recover-tip": 1,
} satisfies Record<RecoveryBody["phase"], 1>);
const REASONS: readonly string[] = Object.keys({
  "not-founded": 1,
  "no-quorum": 1,
  slow: 1,
} satisfies Record<CertificationReason, 1>);

/** Codes that are counted from the start: a rate needs a value from before the first one. */
const NO_REJECTIONS: Partial<Record<ErrorCode, number>> = {
  EXECUTION_REJECTED: 0,
  INTERNAL_ERROR: 0,
  OVERLOADED: 0,
  UNAVAILABLE: 0,
};

/** Of one object: what all its series have in common. */
class Series {
  readonly points: Point[] = [];
  readonly #labels: Labels;

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  add(name: string, value: number | boolean | null | undefined, labels: Labels = {}): void {
    if (value === null || value === undefined) return;
    this.points.push({ name, labels: { ...this.#labels, ...labels }, value: Number(value) });
  }

  /** One series for each name, 1 for the one that holds. */
  addOneOf(name: string, label: string, values: readonly string[], holds: string | null): void {
    for (const value of values) this.add(name, value === holds, { [label]: value });
  }

  addHistogram(name: string, value: HistogramValue): void {
    this.points.push({ name, labels: this.#labels, value });
  }
}

/** What the configuration says, whoever answers. */
export function limitPoints(flushBudgetWei: bigint): readonly Point[] {
  const series = new Series({});
  series.add("baton_flush_budget_ether", etherOf(String(flushBudgetWei)));
  return series.points;
}

/** `watch` null: the object could not be asked. */
export function sequencerPoints(labels: Labels, watch: SequencerWatch | null): readonly Point[] {
  const series = new Series(labels);
  series.add("baton_up", watch !== null);
  if (watch === null) return series.points;
  const { overview, consensus } = watch;
  addHealth(series, overview);
  addL1(series, overview);
  addFeed(series, overview);
  addRecovery(series, overview.health.recovery);
  addCounters(series, overview);
  if (overview.health.committee !== null) addCommittee(series, overview, overview.health.committee);
  if (consensus !== null) addConsensus(series, consensus);
  return series.points;
}

/** `watch` null: the object could not be asked. */
export function validatorPoints(labels: Labels, watch: ValidatorWatch | null): readonly Point[] {
  const series = new Series(labels);
  series.add("baton_validator_up", watch !== null);
  if (watch === null) return series.points;
  addValidator(series, watch.status);
  if (watch.consensus !== null) addConsensus(series, watch.consensus);
  return series.points;
}

function addHealth(series: Series, overview: OverviewBody): void {
  const { health, deployment, now_ms, since_ms, heartbeat_age_s } = overview;
  series.add("baton_ready", health.status === "ok");
  series.addOneOf("baton_mode", "mode", MODES, health.mode);
  series.addOneOf("baton_refusal", "refusal", REFUSALS, health.refusal);
  series.add("baton_start_timestamp_seconds", since_ms / 1000);
  series.add(
    "baton_heartbeat_age_seconds",
    heartbeat_age_s ?? Math.max(0, (now_ms - since_ms) / 1000),
  );
  series.add("baton_database_size_bytes", overview.database_bytes);
  series.add("baton_generation", health.generation);
  if (deployment === null) return;
  const { chain_id, app, application, era } = deployment;
  series.add("baton_deployment_info", 1, { chain_id: String(chain_id), app, application, era });
}

function addL1(series: Series, { health, submitter, ...overview }: OverviewBody): void {
  series.add("baton_l1_safe_block", health.safe_block);
  series.add("baton_l1_safe_block_age_seconds", health.safe_block_age_s);
  series.add("baton_l1_block_time_seconds", overview.seconds_per_block);
  series.add("baton_danger_distance_blocks", health.blocks_to_danger);
  series.add("baton_danger_limit_blocks", overview.danger_blocks);
  series.add("baton_unposted_batches", health.unposted_batches);
  series.add("baton_oldest_unposted_age_seconds", health.oldest_unposted_age_s);
  series.add("baton_submitter_balance_ether", etherOf(submitter.balance_wei));
  series.add("baton_submitter_balance_age_seconds", submitter.balance_age_s);
}

/** Rounded to a double, which is enough to watch. */
function etherOf(wei: string | null): number | null {
  return wei === null ? null : Number(wei) / 1e18;
}

function addFeed(series: Series, { pipeline, fee, feed_readers }: OverviewBody): void {
  for (const [stage, offset] of Object.entries(pipeline ?? {})) {
    series.add("baton_feed_offset", offset, { stage });
  }
  series.add("baton_feed_readers", feed_readers);
  series.add("baton_feed_readers_limit", SUBSCRIBERS_MAX);
  series.add("baton_fee_exponent", fee?.fee);
  series.add("baton_recommended_fee_exponent", fee?.recommended_fee);
}

function addRecovery(series: Series, recovery: RecoveryBody | null): void {
  series.addOneOf("baton_recovery_phase", "phase", PHASES, recovery?.phase ?? null);
  series.add("baton_recovery_phase_age_seconds", recovery?.since_s);
  series.add("baton_recovery_limited", recovery?.is_capped ?? false, { limit: "fee_cap" });
  series.add("baton_recovery_limited", recovery?.is_over_budget ?? false, { limit: "budget" });
}

function addCounters(series: Series, { counters }: OverviewBody): void {
  series.add("baton_op_calls_total", counters.calls);
  series.add("baton_ops_included_total", counters.ops_included);
  series.add("baton_ops_duplicate_total", counters.ops_duplicate);
  for (const [code, count] of Object.entries({ ...NO_REJECTIONS, ...counters.ops_rejected })) {
    series.add("baton_ops_rejected_total", count, { code });
  }
  series.add("baton_direct_inputs_total", counters.directs);
  series.add("baton_rollbacks_total", counters.rollbacks);
  series.add("baton_ops_voided_total", counters.ops_voided);
  series.add("baton_batches_posted_total", counters.batches_posted);
  series.add("baton_l1_errors_total", counters.l1_errors);
  series.addHistogram("baton_commit_latency_seconds", inSeconds(counters.commit));
}

function inSeconds({ counts, sum_ms }: HistogramBody): HistogramValue {
  return { bounds: LATENCY_BOUNDS_MS.map((ms) => ms / 1000), counts, sum: sum_ms / 1000 };
}

function addCommittee(series: Series, overview: OverviewBody, committee: CommitteeBody): void {
  series.addHistogram(
    "baton_certificate_latency_seconds",
    inSeconds(overview.counters.certificate),
  );
  series.add("baton_committee_is_leader", committee.is_leader);
  series.add("baton_committee_epoch", committee.epoch);
  series.add("baton_committee_certified_height", committee.certified_height);
  series.add("baton_committee_uncertified_events", committee.uncertified_events);
  series.add("baton_committee_reachable", committee.reachable);
  series.add("baton_committee_quorum", committee.quorum);
  series.addOneOf("baton_committee_stalled", "reason", REASONS, committee.reason);
  series.add("baton_evidence", committee.evidence);
  for (const { endpoint: member, lag, is_reachable } of overview.members) {
    series.add("baton_member_lag_chunks", lag, { member });
    series.add("baton_member_reachable", is_reachable, { member });
  }
}

function addValidator(series: Series, status: ValidatorBody): void {
  series.add("baton_validator_fault", status.fault !== null);
  series.add("baton_validator_is_member", status.is_member);
  series.add("baton_validator_epoch", status.epoch);
  series.add("baton_validator_acked_height", status.acked_height);
  series.add("baton_validator_stored_chunks", status.stored_chunks);
  series.add("baton_evidence", status.evidence);
}

function addConsensus(series: Series, consensus: ConsensusBody): void {
  for (const [outcome, count] of Object.entries(consensus.proposals)) {
    series.add("baton_consensus_proposals_total", count, { outcome });
  }
  for (const [roles, count] of Object.entries(consensus.role_transitions)) {
    const [from = "", to = ""] = roles.split(",");
    series.add("baton_consensus_role_transitions_total", count, { from, to });
  }
  const { bounds_s: bounds, counts, sum_s: sum } = consensus.commit_latency;
  series.addHistogram("baton_consensus_commit_latency_seconds", { bounds, counts, sum });
  series.add("baton_consensus_pending_proposals", consensus.pending_proposals);
  series.add("baton_consensus_term", consensus.term);
}
