/**
 * Posting closed batches to L1: at least once, in wallet-nonce order, never waiting (L2).
 *
 * A tick looks, plans, asks for gas, signs, and then, in one synchronous turn, looks and plans again.
 * Only if the plan is still the same are the watermark and the rows written, and only what was
 * written is sent. Whatever happened during the awaits (a seal, a danger, another landing) makes
 * the second plan differ, and the signed transactions are forgotten before anyone saw them. If the
 * object dies after the rows are written and before a send, the next tick sends the same bytes.
 *
 * Ticks never overlap, so a tick that posts never runs beside one that flushes; and one that was asleep
 * when recovery began finds in its second look that batches may not be posted any more. What it sent
 * before that is a row and below the watermark, so the flush covers it.
 *
 * Under a committee a batch is posted when its seal and the watermark over its wallet nonce are certified
 * (C7). A batch that is not is no closed batch here; a watermark that is not is raised first, alone, and
 * the posting waits for its certificate. What is sent is therefore known to every successor.
 */

import { decideSubmission, type SubmissionFacts } from "../../core/submission/decide.ts";
import { estimateFees } from "../../core/submission/fees.ts";
import { foldLandedNonces } from "../../core/submission/landed.ts";
import { assert } from "../../core/types/assert.ts";
import { type Hash32, hashFromBytes } from "../../core/types/hex.ts";
import { SENDS_PER_TICK_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type BlockNumber, blockNumber } from "../../core/types/units.ts";
import { encodeBatch } from "../../core/wire/batch.ts";
import type { L1, L1Error, SignedTransaction, Submitter } from "../../l1/l1.ts";
import { padGas, verifyChain } from "../../l1/wallet.ts";
import { broadcastAll, deadlineAfter, feesOf, recordSends, storedDeadline } from "./broadcast.ts";
import type { CertifiedLog } from "./certified-log.ts";
import type { LandedBatch, Landings } from "./landings.ts";
import type { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";
import { frontierNonce } from "./storage/acceptance.ts";
import type { DeploymentIdentity } from "./storage/identity.ts";
import { loadWireBatch } from "./storage/inclusion.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import {
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
  /** C7: nothing is sent before a certificate comes; absent without a committee. */
  readonly isUncertified?: true;
};

/** What L1 says at one block, read before any decision. */
type View = {
  readonly latest: BlockNumber;
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

const NOTHING_SENT: PostOutcome = { sent: 0, waiting: 0, capped: false };
const NOTHING: Plan = { sends: [], resends: [], waiting: 0, capped: false };

export type Poster = {
  readonly runtime: Runtime;
  readonly lane: Lane;
  readonly submitter: Submitter;
  readonly landings: Landings;
  /** Whether recovery lets batches be sent, asked anew. */
  readonly mayPost: () => boolean;
  /** Null without a committee. */
  readonly certified: CertifiedLog | null;
};

/** One tick. */
export async function postBatches(
  poster: Poster,
  l1: L1,
  identity: DeploymentIdentity,
): Promise<Result<PostOutcome, L1Error>> {
  const { runtime, mayPost } = poster;
  const [oldest] = loadClosedBatches(runtime.sql, frontierNonce(runtime.sql), 1);
  if (!mayPost() || oldest === undefined) return ok(NOTHING_SENT);
  // L1 is not asked while there is nothing that could be sent. What was posted before was certified.
  if (!isPostable(poster, oldest)) return ok({ ...NOTHING_SENT, isUncertified: true });
  const view = await readView(poster, l1, identity);
  if (!view.ok) return view;
  // The object may have died between a send and its mark; what is mined was certainly broadcast.
  for (const { transactionHash } of view.value.landed) {
    markBroadcast(runtime.sql, transactionHash, runtime.now());
  }
  const plan = makePlan(poster, view.value);
  const { waiting, capped } = plan;
  if (!isCovered(poster, plan)) {
    const walletNonce = greatestNonce(plan);
    // In one turn with the plan, so that `mayPost` still holds.
    if (walletNonce > (loadWatermark(runtime.sql) ?? -1)) poster.lane.raiseWatermark(walletNonce);
    return ok({ sent: 0, waiting, capped, isUncertified: true });
  }
  const signed: Signed[] = [];
  for (const planned of [...plan.resends, ...plan.sends]) {
    const one = await sign(poster, l1, identity, planned);
    if (!one.ok) return one;
    signed.push(one.value);
  }
  const still = await verifyNonce(poster, l1, view.value, signed.length);
  if (!still.ok) return still;
  if (!writePlan(poster, view.value, plan, signed)) {
    return ok({ sent: 0, waiting, capped });
  }
  const broadcast = await broadcastAll(runtime, l1, signed);
  if (!broadcast.ok) return broadcast;
  // Where the node holds a transaction that our rows do not know, fees escalate past it in time.
  return ok({ sent: broadcast.value.sent, waiting, capped });
}

/** Nonce and landings at one and the same block, so that no batch falls between the two reads. */
async function readView(
  { runtime, landings }: Poster,
  l1: L1,
  identity: DeploymentIdentity,
): Promise<Result<View, L1Error>> {
  const { config, sql } = runtime;
  const verified = await verifyChain(l1, config.chainId);
  if (!verified.ok) return verified;
  const latest = await l1.block("latest");
  if (!latest.ok) return latest;
  const from = blockNumber((loadSafeHead(sql)?.blockNumber ?? identity.inputBoxBlock - 1) + 1);
  // Slots that are free at a block before the safe head are long used.
  if (latest.value.number < from - 1) return err({ reason: "behind", code: null });
  const walletNonce = await l1.transactionCount(config.submitter, latest.value.number);
  if (!walletNonce.ok) return walletNonce;
  const landed = await landings.read(l1, identity, { from, latest: latest.value });
  if (!landed.ok) return landed;
  const history = await l1.feeHistory();
  if (!history.ok) return history;
  const freshFees = estimateFees(history.value);
  const read = { latest: latest.value.number, landed: landed.value, freshFees };
  return ok({ ...read, walletNonce: walletNonce.value });
}

/**
 * A node may have answered with the nonce of a block that it was making, whose landings are not in the view: a
 * batch would be sent twice, and rejected. Of a block that is the past by now it says what was.
 */
async function verifyNonce({ runtime }: Poster, l1: L1, view: View, sends: number) {
  if (sends === 0) return ok(null);
  const again = await l1.transactionCount(runtime.config.submitter, view.latest);
  if (!again.ok) return again;
  const isSame = again.value === view.walletNonce;
  return isSame ? ok(null) : err<L1Error>({ reason: "behind", code: null });
}

/**
 * Pure reading and deciding: called twice, and both answers must agree before anything is sent.
 *
 * A divergence, and a danger in which recovery acts, stop it: what is sent now could land in a slot that
 * a flush is about to consume, or after the rollback that voids it.
 */
function makePlan(poster: Poster, view: View): Plan {
  const { runtime, mayPost } = poster;
  const { sql, config } = runtime;
  if (!mayPost()) return NOTHING;
  const nonces = view.landed.map((batch) => batch.nonce);
  const firstMissingNonce = foldLandedNonces(frontierNonce(sql), nonces);
  const closedBatches = loadClosedBatches(sql, firstMissingNonce, SENDS_PER_TICK_MAX).filter(
    (batch) => isPostable(poster, batch),
  );
  const slots = loadSlots(sql, view.walletNonce, SENDS_PER_TICK_MAX).map((slot) => ({
    ...slot,
    deadlineMs: storedDeadline(runtime, slot.deadlineMs, lateAfterBlocks(runtime)),
  }));
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
    // Late, and the cap leaves no room to replace it: a node may have dropped it. Only the next slot's,
    // since nothing behind it is mined before.
    const isStuck = slot.walletNonce === view.walletNonce && facts.nowMs >= slot.deadlineMs;
    if ((slot.isBroadcast && !isStuck) || replaced.has(slot.walletNonce)) return [];
    if (batch === undefined || batch.payloadHash !== slot.payloadHash) return [];
    return [{ ...slot, batchIndex: batch.batchIndex, payloadHash: batch.payloadHash }];
  });
  return { sends, resends, waiting: closedBatches.length, capped: decision.capped };
}

/** C7, the first half: the batch's seal, and every chunk up to it. */
function isPostable({ certified }: Poster, { batchIndex }: { readonly batchIndex: number }) {
  return certified === null || certified.isSealCertified(batchIndex);
}

/** C7, the second half: the watermark over every wallet nonce of the plan. */
function isCovered({ certified }: Poster, plan: Plan): boolean {
  return certified === null || certified.isNonceCertified(greatestNonce(plan));
}

function greatestNonce({ sends, resends }: Plan): number {
  return Math.max(-1, ...[...sends, ...resends].map(({ walletNonce }) => walletNonce));
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
    gas = padGas(estimate.value);
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
  const { runtime } = poster;
  if (signed.length === 0) return false;
  if (!samePlan(plan, makePlan(poster, view)) || !isCovered(poster, plan)) return false;
  const deadlineMs = deadlineAfter(runtime, lateAfterBlocks(runtime));
  const rows = signed
    .slice(plan.resends.length)
    .map((one) => ({ ...one, transactionHash: one.transaction.hash, deadlineMs }));
  recordSends(poster, { watermark: Math.max(...signed.map((one) => one.walletNonce)), rows });
  return true;
}

/** P§6.4: blocks after which a batch that is not mined may be replaced. */
function lateAfterBlocks({ config }: Runtime): number {
  return 2 * (config.timing.confirmationDepth + 1);
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
