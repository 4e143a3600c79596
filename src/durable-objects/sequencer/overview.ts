/**
 * Health, and everything else that a watcher shows of this candidate, as it is now (I7). Reads only.
 *
 * Answered in every mode: what a mode does not let be known is null, and nothing is rebuilt in order to be
 * shown.
 */

import {
  type BatchBody,
  type BatchState,
  OVERVIEW_BATCHES_MAX,
  type OverviewBody,
  type PipelineBody,
} from "../../core/api/overview.ts";
import type { Mode } from "../../core/api/rejection.ts";
import type { HealthBody } from "../../core/api/sequencer-api.ts";
import type { SequencerWatch } from "../../core/api/watch.ts";
import type { UnixMs } from "../../core/types/units.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import type { All } from "./assemble.ts";
import { committeeBody, epochBodies, memberBodies } from "./committee-status.ts";
import type { Runtime } from "./runtime.ts";
import { deployment, feeQuote, health } from "./status.ts";
import { feedHead, loadHistory } from "./storage/history.ts";
import { countOps } from "./storage/inclusion.ts";
import {
  type BatchRow,
  newestAcceptedIndex,
  newestBatches,
  newestPostedIndex,
  oldestRollbackMs,
  openBatchIndex,
  throughBatch,
} from "./storage/overview.ts";
import { isResetting } from "./storage/replica-reset.ts";

/** Asks for the mode anew. */
export function healthOf({ runtime, service, recovery, lane, member }: Watched): HealthBody {
  const mode = service.derive();
  return health(runtime, {
    ...{ mode, refusal: service.refusal },
    recovery: mode === "recovering" ? recovery.status() : null,
    committee: member === null ? null : committeeBody(runtime, member.certify, member.own),
    isQueueFull: lane.isQueueFull || member?.certify.isFull() === true,
  });
}

/** The parts that are looked at. */
export type Watched = Pick<
  All,
  | "runtime"
  | "service"
  | "recovery"
  | "lane"
  | "member"
  | "memory"
  | "feed"
  | "counters"
  | "balance"
>;

export function watchOf(all: Watched): SequencerWatch {
  const certify = all.member?.certify ?? null;
  // Before the founding there is nothing to count.
  const isFounded = certify !== null && certify.record !== null;
  return {
    overview: overviewOf(all),
    consensus: isFounded ? certify.metrics.body() : null,
  };
}

export function overviewOf(all: Watched): OverviewBody {
  const { runtime, member, counters, feed } = all;
  const { config, sql } = runtime;
  const nowMs = runtime.now();
  const own = healthOf(all);
  const deployed = deployment(runtime);
  const certifiedNext = member?.certify.log.end.nextOffset ?? null;
  return {
    now_ms: nowMs,
    since_ms: counters.sinceMs,
    health: own,
    deployment: deployed.ok ? deployed.value : null,
    seconds_per_block: config.timing.secondsPerBlock,
    danger_blocks: config.timing.dangerBlocks,
    submitter: submitterBody(all, nowMs),
    pipeline: pipeline(runtime, certifiedNext),
    batches: batches(runtime, certifiedNext),
    fee: feeBody(all, own.mode),
    members: member === null ? [] : memberBodies(runtime, member.certify),
    epochs: member === null ? [] : epochBodies(member.certify),
    heartbeat_age_s: ageS(counters.heartbeatMs, nowMs),
    database_bytes: sql.databaseSize,
    feed_readers: feed.subscribers,
    counters: counters.body(),
  };
}

function submitterBody({ runtime, balance }: Watched, nowMs: UnixMs): OverviewBody["submitter"] {
  const { known } = balance;
  return {
    address: checksumAddress(runtime.config.submitter),
    balance_wei: known === null ? null : String(known.wei),
    balance_age_s: ageS(known?.atMs ?? null, nowMs),
  };
}

function ageS(atMs: UnixMs | null, nowMs: UnixMs): number | null {
  return atMs === null ? null : Math.max(0, Math.floor((nowMs - atMs) / 1000));
}

/** Null where the memory may be none of this candidate's, or not to be rebuilt. */
function feeBody({ runtime, memory }: Watched, mode: Mode): OverviewBody["fee"] {
  if (mode !== "serving" && mode !== "draining") return null;
  const quote = feeQuote(runtime, memory);
  return quote.ok ? quote.value : null;
}

/** Each stage counts what has come through all stages before it. */
function pipeline({ sql }: Runtime, certifiedNext: number | null): PipelineBody | null {
  if (loadHistory(sql) === null || isResetting(sql)) return null;
  const ordered = feedHead(sql);
  const certified = certifiedNext === null ? null : Math.min(ordered, certifiedNext - 1);
  const closed = Math.min(certified ?? ordered, throughBatch(sql, openBatchIndex(sql) - 1));
  const accepted = newestAcceptedIndex(sql);
  // What another candidate or an earlier instance posted is known by its landing alone.
  const sent = Math.max(accepted, newestPostedIndex(sql));
  const posted = Math.min(closed, throughBatch(sql, sent));
  const settled = Math.min(posted, throughBatch(sql, accepted));
  return { ordered, certified, closed, posted, settled };
}

function batches({ sql }: Runtime, certifiedNext: number | null): readonly BatchBody[] {
  const untoldMs = certifiedNext === null ? null : oldestRollbackMs(sql, certifiedNext);
  return newestBatches(sql, OVERVIEW_BATCHES_MAX).map((row) => ({
    nonce: row.nonce,
    state: stateOf(row, untoldMs),
    frames: row.frames,
    ops: countOps(sql, row.batchIndex),
    opened_at_ms: row.createdAtMs,
    closed_at_ms: row.sealedAtMs,
    payload_bytes: row.payloadBytes,
    tx_hash: row.l1?.transactionHash ?? null,
    block_number: row.l1?.blockNumber ?? null,
  }));
}

/** `untoldMs`: what was voided since then is not void for anybody yet (F3). */
function stateOf(
  { invalidatedAtMs, l1, sealedAtMs }: BatchRow,
  untoldMs: number | null,
): BatchState {
  const isVoid = invalidatedAtMs !== null && (untoldMs === null || invalidatedAtMs < untoldMs);
  if (isVoid) return "voided";
  if (l1 !== null) return l1.isAccepted ? "accepted" : "posted";
  return sealedAtMs === null ? "open" : "closed";
}
