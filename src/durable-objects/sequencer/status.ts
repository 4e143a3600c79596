/** What the object says about itself and about an op. Reads only. */

import { type Mode, notFound, type Rejection, rejection } from "../../core/api/rejection.ts";
import type {
  CommitteeBody,
  DeploymentBody,
  FeeQuote,
  HealthBody,
  OpState,
  RecoveryBody,
  Refusal,
  TransactionBody,
} from "../../core/api/sequencer-api.ts";
import { formatEra } from "../../core/chunk/era.ts";
import type { Receipt } from "../../core/consensus/receipt.ts";
import { suggestedMaxFee } from "../../core/fee/batch-policy.ts";
import { blocksToDanger } from "../../core/recovery/danger.ts";
import { type Address, toHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { feeExponent, type Offset } from "../../core/types/units.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import { domainSeparator, userOpDigest } from "../../core/wire/user-op.ts";
import { inspectDanger } from "./inspect.ts";
import type { MemoryStore } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { frontierNonce } from "./storage/acceptance.ts";
import {
  type BatchOnL1,
  batchOnL1,
  findOp,
  type OpRow,
  rollbackOf,
  unposted,
} from "./storage/egress.ts";
import { loadGenesisHash } from "./storage/epochs.ts";
import { feedHead, loadHistory } from "./storage/history.ts";
import { loadIdentity } from "./storage/identity.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { loadPolicy } from "./storage/policy.ts";

const noOpenFrame: Rejection = {
  ...rejection(503, "UNAVAILABLE", "no open frame"),
  retryAfterS: 2,
};

/** `GET /fee`, in exponents. */
export function feeQuote(runtime: Runtime, memory: MemoryStore): Result<FeeQuote, Rejection> {
  const fee = memory.get()?.head.fee;
  if (fee === undefined) return err(noOpenFrame);
  const recommended = loadPolicy(runtime.sql).recommendedFee;
  return ok({
    fee,
    recommended_fee: recommended,
    suggested_max_fee: suggestedMaxFee(fee, recommended),
  });
}

/** `GET /deployment`; `starting` until L1 was seen once and genesis is done. */
export function deployment(runtime: Runtime): Result<DeploymentBody, Rejection> {
  const identity = loadIdentity(runtime.sql);
  const history = loadHistory(runtime.sql);
  if (identity === null || history === null) return err(noOpenFrame);
  const genesis = loadGenesisHash(runtime.sql);
  return ok({
    chain_id: identity.chainId,
    app: checksumAddress(identity.app),
    input_box: checksumAddress(identity.inputBox),
    input_box_block: identity.inputBoxBlock,
    submitter: checksumAddress(identity.submitter),
    application: identity.application,
    // The pinned one, as all here: under another configuration the object refuses, and says no more.
    application_config: JSON.parse(identity.applicationConfig),
    era: formatEra(history.era),
    committee: genesis === null ? null : { genesis },
  });
}

/**
 * `GET /tx/:sender/:nonce` (I6): the valid row, else the newest void one, else 404. Under a committee a
 * rollback that is not certified voids nothing yet (F3), and `receipt` is the newest.
 */
export function transaction(
  runtime: Runtime,
  sender: Address,
  nonce: number,
  committed: Committed | null = null,
): Result<TransactionBody, Rejection> {
  const row = findOp(runtime.sql, sender, nonce);
  if (row === null) return err(notFound("no such op"));
  const found = row.isVoid ? rollbackOf(runtime.sql, row.offset) : null;
  const isTold = found !== null && found.offset < (committed?.certifiedNext ?? found.offset + 1);
  const rollback = isTold ? found : null;
  const l1 = isTold ? null : batchOnL1(runtime.sql, row.batchIndex);
  const { chainId, app } = runtime.config;
  const separator = domainSeparator({ chainId, verifyingContract: app });
  const digest = userOpDigest(separator, { nonce, ...opOf(row) }, runtime.keccak);
  return ok({
    ok: true,
    sender: checksumAddress(sender),
    nonce,
    state: isTold ? "voided" : stateOf(l1, row.offset < (committed?.certifiedNext ?? 0)),
    offset: row.offset,
    batch_nonce: row.batchNonce,
    frame_fee: row.frameFee,
    digest: toHex(digest),
    l1: l1 === null ? null : { tx_hash: l1.transactionHash, block_number: l1.blockNumber },
    voided:
      rollback === null
        ? null
        : { rollback_offset: rollback.offset, generation: rollback.generation },
    receipt: committed?.receipt(row.offset) ?? null,
  });
}

/** What an op's whereabouts are judged by under a committee. */
export type Committed = {
  /** Records below it are certified. */
  readonly certifiedNext: Offset;
  readonly receipt: (at: Offset) => Receipt | null;
};

function stateOf(l1: BatchOnL1 | null, isCertified: boolean): OpState {
  if (l1 !== null) return l1.isAccepted ? "settled" : "posted";
  return isCertified ? "certified" : "ordered";
}

function opOf(row: OpRow) {
  return { maxFee: feeExponent(row.maxFee), data: row.data };
}

/** `GET /healthz` (I7): ok means that an op would be taken now. Unknown numbers are null. */
export function health(
  runtime: Runtime,
  facts: {
    readonly mode: Mode;
    readonly refusal: Refusal | null;
    readonly isQueueFull: boolean;
    readonly recovery: RecoveryBody | null;
    /** Absent or null without a committee. */
    readonly committee?: CommitteeBody | null;
  },
): HealthBody {
  const { sql, config } = runtime;
  const { mode, refusal, isQueueFull, recovery, committee } = facts;
  const nowMs = runtime.now();
  const head = loadSafeHead(sql);
  const history = loadHistory(sql);
  const waiting = history === null ? null : unposted(sql, frontierNonce(sql));
  const sealedAtMs = waiting?.oldestSealedAtMs ?? null;
  return {
    status: mode === "serving" && !isQueueFull ? "ok" : "degraded",
    mode,
    refusal,
    safe_block: head?.blockNumber ?? null,
    safe_block_age_s: head === null ? null : Math.floor(nowMs / 1000) - head.blockTimestamp,
    blocks_to_danger:
      history === null ? null : blocksToDanger(inspectDanger(sql, nowMs), config.timing),
    unposted_batches: waiting?.count ?? null,
    oldest_unposted_age_s: sealedAtMs === null ? null : Math.floor((nowMs - sealedAtMs) / 1000),
    feed_head: history === null ? null : feedHead(sql),
    era: history === null ? null : formatEra(history.era),
    generation: history?.generation ?? null,
    recovery,
    committee: committee ?? null,
  };
}
