/**
 * Posting closed batches to L1: at least once, in wallet-nonce order, never waiting (L2).
 *
 * A tick looks, plans, asks for gas, signs, and then, in one synchronous turn, looks and plans again.
 * Only if the plan is still the same are the watermark and the rows written, and only what was
 * written is sent. Whatever happened during the awaits (a seal, a new mode, another landing) makes
 * the second plan differ, and the signed transactions are forgotten before anyone saw them. If the
 * object dies after the rows are written and before a send, the next tick sends the same bytes.
 */

import { decideSubmission, type SubmissionFacts } from "../../core/submission/decide.ts";
import { estimateFees } from "../../core/submission/fees.ts";
import { foldLandedNonces } from "../../core/submission/landed.ts";
import { assert } from "../../core/types/assert.ts";
import { type Hash32, hashFromBytes } from "../../core/types/hex.ts";
import { SENDS_PER_TICK_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { blockNumber, unixMs } from "../../core/types/units.ts";
import { encodeBatch } from "../../core/wire/batch.ts";
import type { L1, L1Error, SignedTransaction, Submitter } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import type { LandedBatch, Landings } from "./landings.ts";
import type { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce, frontierNonce } from "./storage/acceptance.ts";
import type { DeploymentIdentity } from "./storage/identity.ts";
import { loadWireBatch } from "./storage/inclusion.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import {
  insertSubmission,
  loadClosedBatches,
  loadSlots,
  loadWatermark,
  markBroadcast,
} from "./storage/submission.ts";

export type PostOutcome = {
  readonly sent: number;
  /** Batches on their way that are not seen on L1 yet. */
  readonly waiting: number;
  /** Fees reached `SEQ_MAX_FEE_PER_GAS_GWEI`, so that a transaction cannot be replaced. */
  readonly capped: boolean;
};

/** What L1 says at one block, read before any decision. */
type View = {
  readonly landed: readonly LandedBatch[];
  readonly walletNonce: number;
  readonly freshFees: ReturnType<typeof estimateFees>;
};

/** One transaction of a plan: a new one, or a stored one that no node is known to have. */
type Planned = {
  readonly batchIndex: number;
  readonly walletNonce: number;
  readonly payloadHash: Hash32;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  /** Null: to be estimated. */
  readonly gas: bigint | null;
};

type Plan = {
  readonly sends: readonly Planned[];
  readonly resends: readonly Planned[];
  readonly waiting: number;
  readonly capped: boolean;
};

type Signed = Planned & { readonly gas: bigint; readonly transaction: SignedTransaction };

const NOTHING: Plan = { sends: [], resends: [], waiting: 0, capped: false };

export type Poster = {
  readonly runtime: Runtime;
  readonly lane: Lane;
  readonly submitter: Submitter;
  readonly landings: Landings;
};

/** One tick. */
export async function postBatches(
  poster: Poster,
  l1: L1,
  identity: DeploymentIdentity,
): Promise<Result<PostOutcome, L1Error>> {
  const { runtime } = poster;
  if (loadClosedBatches(runtime.sql, frontierNonce(runtime.sql), 1).length === 0) {
    return ok({ sent: 0, waiting: 0, capped: false });
  }
  const view = await readView(poster, l1, identity);
  if (!view.ok) return view;
  // The object may have died between a send and its mark; what is mined was certainly broadcast.
  for (const { transactionHash } of view.value.landed) {
    markBroadcast(runtime.sql, transactionHash, runtime.now());
  }
  const plan = makePlan(runtime, view.value);
  const signed: Signed[] = [];
  for (const planned of [...plan.resends, ...plan.sends]) {
    const one = await sign(poster, l1, identity, planned);
    if (!one.ok) return one;
    signed.push(one.value);
  }
  if (!writePlan(poster, view.value, plan, signed)) {
    return ok({ sent: 0, waiting: plan.waiting, capped: plan.capped });
  }
  const sent = await broadcastAll(runtime, l1, signed);
  return sent.ok ? ok({ sent: sent.value, waiting: plan.waiting, capped: plan.capped }) : sent;
}

/** Nonce and landings at one and the same block, so that no batch falls between the two reads. */
async function readView(
  { runtime, landings }: Poster,
  l1: L1,
  identity: DeploymentIdentity,
): Promise<Result<View, L1Error>> {
  const { config, sql } = runtime;
  // Asked by each tick, since a tick may use another endpoint than the last one did.
  const chainId = await l1.chainId();
  if (!chainId.ok) return chainId;
  if (chainId.value !== config.chainId) return err({ reason: "wrong-chain", code: null });
  const latest = await l1.block("latest");
  if (!latest.ok) return latest;
  const walletNonce = await l1.transactionCount(config.submitter, latest.value.number);
  if (!walletNonce.ok) return walletNonce;
  const from = blockNumber((loadSafeHead(sql)?.blockNumber ?? identity.inputBoxBlock - 1) + 1);
  const landed = await landings.read(l1, identity, { from, latest: latest.value });
  if (!landed.ok) return landed;
  const history = await l1.feeHistory();
  if (!history.ok) return history;
  const freshFees = estimateFees(history.value);
  return ok({ landed: landed.value, walletNonce: walletNonce.value, freshFees });
}

/**
 * Pure reading and deciding: called twice, and both answers must agree before anything is sent.
 *
 * Danger does not stop posting: while there is no recovery, landing the late batch in time is the way
 * out, and one that lands too late is skipped by the scheduler. Divergence stops it (N15).
 */
function makePlan(runtime: Runtime, view: View): Plan {
  const { sql, config } = runtime;
  if (divergedAtNonce(sql) !== null) return NOTHING;
  const nonces = view.landed.map((batch) => batch.nonce);
  const firstMissingNonce = foldLandedNonces(frontierNonce(sql), nonces);
  const closedBatches = loadClosedBatches(sql, firstMissingNonce, SENDS_PER_TICK_MAX);
  const slots = loadSlots(sql, view.walletNonce, SENDS_PER_TICK_MAX);
  const facts: SubmissionFacts = {
    firstMissingNonce,
    closedBatches,
    latestWalletNonce: view.walletNonce,
    inFlight: slots.map((slot) => ({ ...slot, fees: feesOf(slot) })),
    nowMs: runtime.now(),
    freshFees: view.freshFees,
    capWei: config.maxFeePerGasWei,
  };
  const decision = decideSubmission(facts);
  const byIndex = new Map(closedBatches.map((batch) => [batch.batchIndex, batch]));
  const sends = decision.sends.flatMap((send) => {
    const batch = byIndex.get(send.batchIndex);
    assert(batch !== undefined, "a send names a closed batch");
    const { batchIndex, payloadHash } = batch;
    return [{ batchIndex, payloadHash, walletNonce: send.walletNonce, ...send.fees, gas: null }];
  });
  const replaced = new Set(sends.map((send) => send.walletNonce));
  const resends = slots.flatMap((slot) => {
    const batch = closedBatches[slot.walletNonce - view.walletNonce];
    if (slot.isBroadcast || replaced.has(slot.walletNonce)) return [];
    if (batch?.payloadHash !== slot.payloadHash) return [];
    return [{ ...slot, batchIndex: batch.batchIndex }];
  });
  return { sends, resends, waiting: closedBatches.length, capped: decision.capped };
}

function feesOf(row: { maxFeePerGasWei: bigint; maxPriorityFeePerGasWei: bigint }) {
  const { maxFeePerGasWei, maxPriorityFeePerGasWei } = row;
  return { maxFeePerGasWei, maxPriorityFeePerGasWei };
}

async function sign(
  poster: Poster,
  l1: L1,
  identity: DeploymentIdentity,
  planned: Planned,
): Promise<Result<Signed, L1Error>> {
  const { runtime, submitter } = poster;
  const { inputBox, app } = identity;
  const payload = encodeBatch(loadWireBatch(runtime.sql, planned.batchIndex));
  assert(
    hashFromBytes(runtime.keccak(payload)) === planned.payloadHash,
    "the bytes sent are the bytes sealed",
  );
  let gas = planned.gas;
  if (gas === null) {
    const estimate = await l1.estimateGas(submitter.address, { inputBox, app, payload });
    if (!estimate.ok) return estimate;
    // The InputBox's cost moves with its storage between estimate and inclusion.
    gas = (estimate.value * 5n) / 4n;
  }
  const { walletNonce, maxFeePerGasWei, maxPriorityFeePerGasWei } = planned;
  const fees = { maxFeePerGasWei, maxPriorityFeePerGasWei };
  const transaction = await submitter.sign(identity.chainId, {
    inputBox,
    app,
    payload,
    walletNonce,
    gas,
    ...fees,
  });
  return ok({ ...planned, gas, transaction });
}

/** False when the facts changed meanwhile: then nothing is written and nothing may be sent. */
function writePlan(poster: Poster, view: View, plan: Plan, signed: readonly Signed[]): boolean {
  const { runtime, lane } = poster;
  if (signed.length === 0) return false;
  if (!samePlan(plan, makePlan(runtime, view))) return false;
  const { sql, storage, config } = runtime;
  const nowMs = runtime.now();
  const { confirmationDepth, secondsPerBlock } = config.timing;
  const deadlineMs = unixMs(nowMs + 2 * (confirmationDepth + 1) * secondsPerBlock * 1000);
  const fresh = signed.slice(plan.resends.length);
  const top = Math.max(...signed.map((one) => one.walletNonce));
  // Both commits are one turn: the platform makes them durable together, before any send leaves.
  if (top > (loadWatermark(sql) ?? -1)) lane.raiseWatermark(top);
  transact(storage, () => {
    for (const one of fresh) {
      const row = { ...one, transactionHash: one.transaction.hash, deadlineMs };
      insertSubmission(sql, row, nowMs);
    }
  });
  return true;
}

/** Whether both plans send the same bytes into the same slots. */
function samePlan(a: Plan, b: Plan): boolean {
  const key = (plan: Plan) =>
    [...plan.resends, ...plan.sends]
      .map(
        (one) => `${one.walletNonce}:${one.batchIndex}:${one.payloadHash}:${one.maxFeePerGasWei}`,
      )
      .join();
  return key(a) === key(b);
}

/** Sends in wallet-nonce order. A later slot cannot be mined before an earlier one, so stop at a fault. */
async function broadcastAll(
  runtime: Runtime,
  l1: L1,
  signed: readonly Signed[],
): Promise<Result<number, L1Error>> {
  let sent = 0;
  for (const one of [...signed].sort((a, b) => a.walletNonce - b.walletNonce)) {
    const result = await l1.broadcast(one.transaction.raw);
    if (result.ok || result.error.reason === "already-known") {
      markBroadcast(runtime.sql, one.transaction.hash, runtime.now());
      sent++;
      continue;
    }
    const { reason, code } = result.error;
    log("warn", "broadcast-refused", { wallet_nonce: one.walletNonce, reason, code });
    // The slot was consumed since the view was read: the next tick sees by whom.
    if (reason === "nonce-too-low") continue;
    // The node holds a transaction that our rows do not know; fees escalate past it after the deadline.
    if (reason === "underpriced") continue;
    return result;
  }
  return ok(sent);
}
