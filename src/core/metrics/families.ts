/**
 * Every metric that `GET /metrics` can show: the one list of names, types, units and meanings.
 *
 * Names follow Prometheus: a unit ends the name and is a base unit, a counter ends in `_total`. What a
 * metric's labels are is told with its meaning; `docs/observability.md` repeats this list, and a test
 * compares the two.
 */

export type MetricType = "counter" | "gauge" | "histogram" | "info";

export type Family = {
  /** As samples carry it, with `_total` of a counter and `_info` of an info. */
  readonly name: string;
  readonly type: MetricType;
  /** The name's last word before `_total`; null for plain numbers. */
  readonly unit: Unit | null;
  /** One line. */
  readonly help: string;
};

export type Unit = "blocks" | "bytes" | "chunks" | "ether" | "events" | "seconds";

const gauge = (name: string, help: string, unit: Unit | null = null): Family => {
  return { name, type: "gauge", unit, help };
};
const counter = (name: string, help: string): Family => {
  return { name, type: "counter", unit: null, help };
};
const histogram = (name: string, help: string): Family => {
  return { name, type: "histogram", unit: "seconds", help };
};
const info = (name: string, help: string): Family => ({ name, type: "info", unit: null, help });

/** In the order in which they are shown. */
export const FAMILIES: readonly Family[] = [
  gauge("baton_up", "Whether the sequencer object answered this scrape."),
  gauge("baton_ready", "Whether an op would be taken now."),
  gauge("baton_mode", "1 for the mode that the sequencer is in, by mode."),
  gauge("baton_refusal", "1 for the reason why the mode is refused, by refusal."),
  gauge("baton_start_timestamp_seconds", "When this life of the object began.", "seconds"),
  info("baton_deployment_info", "What is deployed: chain_id, app, application, era."),
  gauge(
    "baton_heartbeat_age_seconds",
    "Time since the cron heartbeat came, or since this life began if it did not.",
    "seconds",
  ),
  gauge("baton_database_size_bytes", "Size of the object's database.", "bytes"),
  gauge("baton_l1_safe_block", "Newest L1 block that was read and stored."),
  gauge(
    "baton_l1_safe_block_age_seconds",
    "The object's clock less the time of that block.",
    "seconds",
  ),
  gauge("baton_l1_block_time_seconds", "Configured time between L1 blocks.", "seconds"),
  counter("baton_l1_errors_total", "Duties that failed on L1."),
  gauge(
    "baton_danger_distance_blocks",
    "Blocks until the oldest unsettled batch is in danger.",
    "blocks",
  ),
  gauge("baton_danger_limit_blocks", "Age at which a batch is in danger.", "blocks"),
  gauge("baton_unposted_batches", "Closed batches of which no node has a transaction."),
  gauge("baton_oldest_unposted_age_seconds", "How long the oldest of them waits.", "seconds"),
  gauge("baton_feed_offset", "Offset through which the order has come, by stage."),
  gauge("baton_generation", "Rollbacks of this era."),
  gauge("baton_feed_readers", "Readers on the sequencer's own feed."),
  gauge("baton_feed_readers_limit", "Readers that the sequencer's own feed takes."),
  gauge("baton_fee_exponent", "Fee of the open frame, as an exponent."),
  gauge("baton_recommended_fee_exponent", "Fee of the next frame, as an exponent."),
  gauge("baton_submitter_balance_ether", "What the submitter's account holds.", "ether"),
  gauge("baton_submitter_balance_age_seconds", "Time since that was read.", "seconds"),
  gauge("baton_flush_budget_ether", "What one flush may spend: SEQ_FLUSH_BUDGET_WEI.", "ether"),
  gauge("baton_recovery_phase", "1 for the phase that recovery is in, by phase."),
  gauge("baton_recovery_phase_age_seconds", "How long recovery is in that phase.", "seconds"),
  gauge(
    "baton_recovery_limited",
    "1 where a flush waits for a limit to be raised, by limit: fee_cap, budget.",
  ),
  counter("baton_op_calls_total", "Calls that brought ops, each one or a group."),
  counter("baton_ops_included_total", "Ops that were ordered."),
  counter("baton_ops_duplicate_total", "Ops that were answered again as before."),
  counter("baton_ops_rejected_total", "Ops that the sequencer refused, by code."),
  counter("baton_direct_inputs_total", "Direct inputs that were drained."),
  counter("baton_rollbacks_total", "Rollbacks: promises became void."),
  counter("baton_ops_voided_total", "Ops that rollbacks voided."),
  counter("baton_batches_posted_total", "Batches of which a node took a transaction."),
  histogram("baton_commit_latency_seconds", "From an op's arrival at the object to its commit."),
  histogram("baton_certificate_latency_seconds", "From a chunk's commit to its certificate."),
  gauge("baton_committee_is_leader", "Whether this candidate leads."),
  gauge("baton_committee_epoch", "Newest epoch that is known."),
  gauge("baton_committee_certified_height", "Height of the newest certificate."),
  gauge("baton_committee_uncertified_events", "Events that wait for a certificate.", "events"),
  gauge("baton_committee_reachable", "Members that answer the leader."),
  gauge("baton_committee_quorum", "Members that certify."),
  gauge("baton_committee_stalled", "1 for the reason why nothing is certified, by reason."),
  gauge(
    "baton_evidence",
    "Proofs of a broken promise that are kept, of a candidate or a validator.",
  ),
  gauge(
    "baton_member_lag_chunks",
    "Chunks that a member is behind the leader, by member.",
    "chunks",
  ),
  gauge("baton_member_reachable", "Whether a member answers, by member."),
  gauge("baton_validator_up", "Whether the validator object answered this scrape."),
  gauge("baton_validator_fault", "Whether a fault keeps the validator mute."),
  gauge("baton_validator_is_member", "Whether the newest record lists the validator's key."),
  gauge("baton_validator_epoch", "Newest epoch that the validator knows."),
  gauge("baton_validator_acked_height", "Newest height that the validator acked."),
  gauge("baton_validator_stored_chunks", "Chunks that the validator keeps.", "chunks"),
  counter(
    "baton_consensus_proposals_total",
    "Chunks announced and decisions asked for in this life, by outcome.",
  ),
  counter(
    "baton_consensus_role_transitions_total",
    "Changes of role in this life, by from and to.",
  ),
  histogram("baton_consensus_commit_latency_seconds", "From a proposal to its commit."),
  gauge("baton_consensus_pending_proposals", "Proposals that are neither committed nor over."),
  gauge("baton_consensus_term", "The newest term."),
];
