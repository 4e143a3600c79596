/**
 * Body of `GET /overview`: everything that a dashboard, a command line and a scraper show of a sequencer.
 *
 * Public, bounded, and cheap enough to be asked for every second. Unknown numbers are null. Counters count
 * from `since_ms`, when this life of the object began: whoever draws rates takes differences.
 */

import type { ErrorCode } from "./rejection.ts";
import type { DeploymentBody, HealthBody } from "./sequencer-api.ts";

/** Newest batches that are shown. */
export const OVERVIEW_BATCHES_MAX = 20;
/** Newest epochs that are shown. */
export const OVERVIEW_EPOCHS_MAX = 10;

/** Where a batch stands (P§5). `voided` wins over the others; a rollback voids when it is certified (F3). */
export type BatchState = "open" | "closed" | "posted" | "accepted" | "voided";

export type BatchBody = {
  readonly nonce: number;
  readonly state: BatchState;
  readonly frames: number;
  /** Of frames that are kept: retention deletes old ones (F8). */
  readonly ops: number;
  /** Unix milliseconds. */
  readonly opened_at_ms: number;
  readonly closed_at_ms: number | null;
  readonly payload_bytes: number | null;
  readonly tx_hash: string | null;
  /** L1 block, at safe depth. */
  readonly block_number: number | null;
};

/**
 * Feed offsets through which the order has come so far; each is at most the one before it, so `closed` is
 * what is closed and certified. What is void is not waited for.
 */
export type PipelineBody = {
  readonly ordered: number;
  /** Null without a committee. */
  readonly certified: number | null;
  readonly closed: number;
  readonly posted: number;
  readonly settled: number;
};

/** One validator as the leader sees it. */
export type MemberBody = {
  readonly endpoint: string;
  readonly key: string;
  /** Newest height that it said it holds; null where this candidate does not lead, and until it said so. */
  readonly acked_height: number | null;
  /** Chunks that it is behind. */
  readonly lag: number | null;
  readonly is_reachable: boolean | null;
};

export type EpochBody = {
  readonly epoch: number;
  readonly leader: string;
  /** Height of its first chunk. */
  readonly from_height: number;
};

/** Upper bounds in milliseconds, without the last one, which is infinite. */
export const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] as const;

/** Observations per bucket, not cumulative: one more bucket than bounds. */
export type HistogramBody = { readonly counts: readonly number[]; readonly sum_ms: number };

export type CountersBody = {
  /** Calls that brought ops, each one or a group. */
  readonly calls: number;
  readonly ops_included: number;
  /** Answered again as before (I4). */
  readonly ops_duplicate: number;
  /** By the object: what the Worker refuses at the edge is not here. */
  readonly ops_rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly directs: number;
  readonly rollbacks: number;
  readonly ops_voided: number;
  /** Of which a node took the first transaction. */
  readonly batches_posted: number;
  readonly l1_errors: number;
  /** From an op's arrival at the object to its commit. */
  readonly commit: HistogramBody;
  /** From a chunk's commit to its certificate. */
  readonly certificate: HistogramBody;
};

export type OverviewBody = {
  /** Of the object's clock, Unix milliseconds. */
  readonly now_ms: number;
  readonly since_ms: number;
  readonly health: HealthBody;
  /** Null until L1 was seen and genesis is done. */
  readonly deployment: DeploymentBody | null;
  readonly seconds_per_block: number;
  /** Age in blocks at which a batch is in danger: what `health.blocks_to_danger` counts down from. */
  readonly danger_blocks: number;
  readonly submitter: {
    readonly address: string;
    /** Decimal; null until it was read. */
    readonly balance_wei: string | null;
    readonly balance_age_s: number | null;
  };
  readonly pipeline: PipelineBody | null;
  /** Newest first. */
  readonly batches: readonly BatchBody[];
  readonly fee: {
    readonly fee: number;
    readonly recommended_fee: number;
    readonly suggested_max_fee: number;
  } | null;
  /** Beside `health.committee`; empty without one. */
  readonly members: readonly MemberBody[];
  /** Newest first. */
  readonly epochs: readonly EpochBody[];
  /** Since the cron's last heartbeat (L4); null while none has come in this life of the object. */
  readonly heartbeat_age_s: number | null;
  readonly database_bytes: number;
  readonly feed_readers: number;
  readonly counters: CountersBody;
};
