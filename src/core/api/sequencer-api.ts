/**
 * What the Worker asks of a sequencer object, as data that crosses the object boundary.
 *
 * Sockets and streamed snapshots go through the object's `fetch`; everything else is one call.
 */

import type { Receipt } from "../consensus/receipt.ts";
import type { ReceiptText } from "../consensus/receipt-json.ts";
import type { Address } from "../types/hex.ts";
import type { Result } from "../types/result.ts";
import type { BatchNonce, BlockNumber, FeeExponent, Offset } from "../types/units.ts";
import type { OverviewBody } from "./overview.ts";
import type { RebuildManifest, UploadId } from "./rebuild.ts";
import type { Mode, Rejection } from "./rejection.ts";
import type { SequencerWatch } from "./watch.ts";

/** An op whose signature the Worker recovered to `sender` (I2). */
export type SignedUserOp = {
  readonly sender: Address;
  /** u32 */
  readonly nonce: number;
  /** u16 */
  readonly maxFee: number;
  readonly data: Uint8Array;
  /** 65 bytes r, s, v exactly as the client sent them. */
  readonly signature: Uint8Array;
  /** Of the request that brought it, for log lines and nothing else. */
  readonly requestId?: string;
};

/** Where an op stands in the promised order. */
export type OpPlace = {
  readonly offset: Offset;
  readonly batchNonce: BatchNonce;
  readonly frameFee: FeeExponent;
};

/** With the receipt that proves it (C2): absent without a committee, null where it is not kept. */
export type SoftConfirmation = OpPlace & { readonly receipt?: ReceiptText | null };

export type FeeQuote = {
  readonly fee: number;
  readonly recommended_fee: number;
  readonly suggested_max_fee: number;
};

/** Body of `GET /deployment` (I6). Numbers are safe integers. */
export type DeploymentBody = {
  readonly chain_id: number;
  readonly app: string;
  readonly input_box: string;
  readonly input_box_block: number;
  readonly submitter: string;
  readonly application: string;
  readonly application_config: Readonly<Record<string, string | number>>;
  readonly era: string;
  /** Hash of the first epoch record, which a receipt is verified from; null without a committee. */
  readonly committee: { readonly genesis: string } | null;
};

export type OpState = "ordered" | "certified" | "posted" | "settled" | "voided";

/** Body of `GET /tx/:sender/:nonce` (I6). */
export type TransactionBody = {
  readonly ok: true;
  readonly sender: string;
  readonly nonce: number;
  readonly state: OpState;
  readonly offset: number;
  readonly batch_nonce: number;
  readonly frame_fee: number;
  readonly digest: string;
  readonly l1: { readonly tx_hash: string; readonly block_number: number | null } | null;
  readonly voided: { readonly rollback_offset: number; readonly generation: number } | null;
  /** The newest; null without a committee, and where its chunk is not kept. */
  readonly receipt: Receipt | null;
};

/** Why certification stands still. */
export type CertificationReason =
  /** The operator has not founded the committee. */
  | "not-founded"
  /** Fewer members than the quorum answered lately. */
  | "no-quorum"
  /** A quorum answers, and its certificates do not come. */
  | "slow";

/** The committee as this candidate sees it (C2, C6). */
export type CommitteeBody = {
  /** Null before the founding, with the numbers that follow from it. */
  readonly epoch: number | null;
  /** Id of the candidate that leads. */
  readonly leader: string | null;
  readonly is_leader: boolean;
  /** -1 while nothing is certified. */
  readonly certified_height: number;
  readonly uncertified_events: number;
  /** Members that answered lately; null where this candidate does not lead. */
  readonly reachable: number | null;
  readonly quorum: number | null;
  /** Proofs of a broken promise that were seen here. */
  readonly evidence: number;
  /** Why nothing is certified although something waits; null while all is well. */
  readonly reason: CertificationReason | null;
};

/** Certificates of heights above `after`, which is -1 for the beginning, oldest first. */
export type CertificatesQuery = { readonly after: number; readonly limit: number };

/** One page of `GET /certificates`. */
export type CertificatesPage = {
  readonly certificates: readonly CertificateBody[];
  /** The newest certified height; -1 before the first. */
  readonly certified_height: number;
};

export type CertificateBody = {
  readonly epoch: number;
  readonly height: number;
  /** Hash of the chunk at that height. */
  readonly chunk: string;
  /** Canonical bytes, as hex. */
  readonly certificate: string;
};

/** What recovery is doing (R1). `since_s` counts from when this life of the object began the phase. */
export type RecoveryBody = {
  readonly phase: "flush" | "post-flush-sync" | "cascade" | "recover-tip";
  readonly since_s: number;
  /** First and last wallet nonce that L1 does not show consumed at safe depth; null when unknown. */
  readonly flush_from: number | null;
  readonly flush_to: number | null;
  /** The flush waits because `SEQ_MAX_FEE_PER_GAS_GWEI` leaves no room for a replacement. */
  readonly is_capped: boolean;
  /** The flush waits because `SEQ_FLUSH_BUDGET_WEI` is used up. */
  readonly is_over_budget: boolean;
};

/** Body of `GET /healthz` (I7); unknown numbers are null. */
/** What an operator reads in health and in the log; what to do about each is in docs/operations.md. */
export type Refusal =
  | "canonical-divergence"
  | "estimated-batch-in-danger"
  | "fault"
  | "identity-mismatch"
  | "l1-view-stale"
  | "misconfigured"
  | "no-safe-head"
  | "no-snapshot"
  | "previous-instance"
  | "storage-full";

export type HealthBody = {
  readonly status: "ok" | "degraded";
  readonly mode: Mode;
  readonly safe_block: number | null;
  readonly safe_block_age_s: number | null;
  readonly blocks_to_danger: number | null;
  readonly unposted_batches: number | null;
  readonly oldest_unposted_age_s: number | null;
  readonly feed_head: number | null;
  readonly era: string | null;
  readonly generation: number | null;
  /** Why the mode is `refused`; null in every other mode. */
  readonly refusal: Refusal | null;
  readonly recovery: RecoveryBody | null;
  /** Null without a committee. */
  readonly committee: CommitteeBody | null;
};

/** One page of the feed (F7). `records` are JSON texts, joined without parsing them again. */
export type FeedPage = {
  readonly era: string;
  readonly generation: number;
  readonly available_from: number;
  readonly head: number;
  readonly records: readonly string[];
  readonly next_offset: number;
};

export type FeedQuery = {
  readonly fromOffset: number;
  readonly limit: number;
  readonly era: string | null;
};

export type FinalizedBody = { readonly inclusion_block: BlockNumber; readonly l2_tx_index: Offset };

export type DigestBody = {
  readonly inclusion_block: BlockNumber;
  readonly executed_input_count: number;
  readonly sha256: string;
};

/** Answer of `POST /operator/rebuild` (R5): where the parts go, and how many there are. */
export type RebuildUpload = {
  readonly upload: UploadId;
  readonly part_bytes: number;
  readonly parts: number;
};

/** One part of an upload; parts are numbered from 0. */
export type RebuildPart = {
  readonly upload: UploadId;
  readonly part: number;
  readonly bytes: Uint8Array;
};

/** Answer to a part. `era` is null until the last part began one. */
export type RebuildProgress = { readonly parts_left: number; readonly era: string | null };

/** Who leads the newest epoch that a candidate knows, and where it is reached. */
export type Leadership = { readonly epoch: number; readonly endpoint: string };

export type SequencerApi = {
  /** `waits`: for the certificate, at most `CERTIFIED_WAIT_MS`; without a committee there is none. */
  submit(op: SignedUserOp, waits?: boolean): Promise<Result<SoftConfirmation, Rejection>>;
  /** At most `CHUNK_OPS_MAX` ops, each as if submitted alone, in this order; one outcome for each. */
  submitGroup(
    ops: readonly SignedUserOp[],
  ): Promise<readonly Result<SoftConfirmation, Rejection>[]>;
  fee(): Promise<Result<FeeQuote, Rejection>>;
  nextNonce(sender: Address): Promise<Result<number, Rejection>>;
  deployment(): Promise<Result<DeploymentBody, Rejection>>;
  transaction(sender: Address, nonce: number): Promise<Result<TransactionBody, Rejection>>;
  health(): Promise<HealthBody>;
  overview(): Promise<Result<OverviewBody, Rejection>>;
  /** What a scraper is told. */
  watch(): Promise<Result<SequencerWatch, Rejection>>;
  feedPage(query: FeedQuery): Promise<Result<FeedPage, Rejection>>;
  /** `NOT_FOUND` without a committee. */
  certificates(query: CertificatesQuery): Promise<Result<CertificatesPage, Rejection>>;
  finalized(): Promise<Result<FinalizedBody, Rejection>>;
  finalizedDigest(): Promise<Result<DigestBody, Rejection>>;
  startRebuild(manifest: RebuildManifest): Promise<Result<RebuildUpload, Rejection>>;
  putRebuildPart(part: RebuildPart): Promise<Result<RebuildProgress, Rejection>>;
  /** Null without a committee, and before its founding (C6). */
  leadership(): Promise<Leadership | null>;
  /** The heartbeat: re-arms a lost alarm and asks about danger (L4). */
  heartbeat(): Promise<void>;
};
