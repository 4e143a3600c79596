/**
 * One tick of the flush: no-ops into every wallet nonce ever used that is not consumed yet (R2).
 *
 * As when batches are posted, a tick looks, plans and signs, and then, in one synchronous turn, looks
 * and plans again. Only if the flush is still what recovery decides, and the plan is still the same, are
 * the watermark and the rows written, and only what was written is sent. A tick that slept through a
 * change of mode sends nothing. Nothing here waits for L1: the next tick looks again.
 *
 * Under a committee no no-op is sent before the watermark over its nonce is certified (C7): it is raised
 * first, alone, and a later tick goes on.
 */

import {
  decideFlush,
  type FlushDecision,
  flushRange,
  NO_OP_LATE_AFTER_BLOCKS,
  type NoOp,
} from "../../core/recovery/flush.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import type { BlockNumber } from "../../core/types/units.ts";
import type { L1, L1Error, SignedTransaction, Submitter } from "../../l1/l1.ts";
import { type FlushView, readFlushView, readSettledBlock } from "../../l1/wallet.ts";
import { broadcastAll, deadlineAfter, feesOf, recordSends, storedDeadline } from "./broadcast.ts";
import type { CertifiedLog } from "./certified-log.ts";
import type { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { loadSlots, loadWatermark } from "./storage/submission.ts";

export type Flusher = {
  readonly runtime: Runtime;
  readonly lane: Lane;
  readonly submitter: Submitter;
  /** Transactions that a node refused as underpriced; this tick adds to it. */
  readonly underpriced: Set<Hash32>;
  /** Whether recovery decides on a flush, asked anew. */
  readonly isDecided: () => boolean;
  /** Null without a committee. */
  readonly certified: CertifiedLog | null;
};

/** First and last wallet nonce that safe depth does not show consumed; null when there is none. */
type Unsettled = { readonly from: number | null; readonly to: number | null };

export type FlushOutcome = Unsettled & {
  /** The safe block, read after every nonce was seen consumed; null while some are not. */
  readonly settledAt: BlockNumber | null;
  readonly isCapped: boolean;
  readonly isOverBudget: boolean;
};

type Plan = Extract<FlushDecision, { do: "flush" }>;

type Signed = NoOp & { readonly transaction: SignedTransaction };

export async function flushOnce(flusher: Flusher, l1: L1): Promise<Result<FlushOutcome, L1Error>> {
  const { runtime, underpriced } = flusher;
  const view = await readView(flusher, l1);
  if (!view.ok) return view;
  const plan = makePlan(flusher, view.value);
  if (plan.do === "done") return await readSettlement(runtime, l1, view.value);
  if (!isCovered(flusher, plan)) {
    const { isCapped, isOverBudget } = plan;
    return ok({ settledAt: null, ...unsettled(runtime, view.value), isCapped, isOverBudget });
  }
  const signed: Signed[] = [];
  for (const noOp of plan.sends) {
    const terms = { walletNonce: noOp.walletNonce, ...noOp.fees, gas: noOp.gas };
    const transaction = await flusher.submitter.signNoOp(runtime.config.chainId, terms);
    signed.push({ ...noOp, transaction });
  }
  if (writePlan(flusher, view.value, plan, signed)) {
    const broadcast = await broadcastAll(runtime, l1, signed);
    if (!broadcast.ok) return broadcast;
    for (const hash of broadcast.value.underpriced) underpriced.add(hash);
  }
  const { isCapped, isOverBudget } = plan;
  return ok({ settledAt: null, ...unsettled(runtime, view.value), isCapped, isOverBudget });
}

/**
 * Whether every no-op of the plan is below a certified watermark. Raises it where it is not, in one turn
 * with the plan, and only while the flush is decided.
 */
function isCovered(flusher: Flusher, { sends, watermark }: Plan): boolean {
  const { certified, runtime, lane } = flusher;
  if (certified === null || sends.length === 0) return true;
  const greatest = Math.max(...sends.map(({ walletNonce }) => walletNonce));
  if (certified.isNonceCertified(greatest)) return true;
  const wanted = Math.max(greatest, watermark ?? -1);
  const isHigher = wanted > (loadWatermark(runtime.sql) ?? -1);
  if (isHigher && flusher.isDecided()) lane.raiseWatermark(wanted);
  return false;
}

function readView({ runtime }: Flusher, l1: L1): Promise<Result<FlushView, L1Error>> {
  const { submitter: account, chainId } = runtime.config;
  return readFlushView(l1, { chainId, account, watermark: loadWatermark(runtime.sql) });
}

/** Pure reading and deciding: called twice, and both answers must agree before anything is sent. */
function makePlan({ runtime, underpriced }: Flusher, view: FlushView): FlushDecision {
  const { sql, config } = runtime;
  const watermark = loadWatermark(sql);
  const { safeNonce } = view;
  const { end } = flushRange({ ...view, watermark });
  const rows = loadSlots(sql, safeNonce, Math.max(0, end - safeNonce)).map((row) => ({
    walletNonce: row.walletNonce,
    isNoOp: row.payloadHash === null,
    isBroadcast: row.isBroadcast,
    isUnderpriced: underpriced.has(row.transactionHash),
    fees: feesOf(row),
    gas: row.gas,
    deadlineMs: storedDeadline(runtime, row.deadlineMs, NO_OP_LATE_AFTER_BLOCKS),
  }));
  return decideFlush({
    ...view,
    watermark,
    rows,
    nowMs: runtime.now(),
    capWei: config.maxFeePerGasWei,
    budgetWei: config.flushBudgetWei,
  });
}

/** A provider behind the stored head, or with another block there, is asked again later (L1). */
async function readSettlement(
  runtime: Runtime,
  l1: L1,
  { safeNonce }: FlushView,
): Promise<Result<FlushOutcome, L1Error>> {
  const safe = await readSettledBlock(l1, runtime.config.submitter, safeNonce);
  if (!safe.ok) return safe;
  const { number, hash } = safe.value;
  const stored = loadSafeHead(runtime.sql);
  if (stored !== null && number < stored.blockNumber) return err({ reason: "behind", code: null });
  if (stored?.blockNumber === number && stored.blockHash !== hash) {
    return err({ reason: "reorged", code: null });
  }
  return ok({ settledAt: number, from: null, to: null, isCapped: false, isOverBudget: false });
}

function unsettled({ sql }: Runtime, view: FlushView): Unsettled {
  const { end } = flushRange({ ...view, watermark: loadWatermark(sql) });
  return end > view.safeNonce ? { from: view.safeNonce, to: end - 1 } : { from: null, to: null };
}

/** False when the facts changed meanwhile: then nothing is written and nothing may be sent. */
function writePlan(
  flusher: Flusher,
  view: FlushView,
  plan: Plan,
  signed: readonly Signed[],
): boolean {
  if (signed.length === 0 || !flusher.isDecided()) return false;
  const again = makePlan(flusher, view);
  if (again.do !== "flush" || !samePlan(plan, again)) return false;
  const { runtime } = flusher;
  const deadlineMs = deadlineAfter(runtime, NO_OP_LATE_AFTER_BLOCKS);
  const rows = signed
    .filter((one) => !one.isResend)
    .map(({ walletNonce, fees, gas, transaction }) => ({
      walletNonce,
      batchIndex: null,
      payloadHash: null,
      transactionHash: transaction.hash,
      ...fees,
      gas,
      deadlineMs,
    }));
  recordSends(flusher, { watermark: plan.watermark, rows });
  return true;
}

/** Whether both plans put the same bytes into the same slots, under the same watermark. */
function samePlan(a: Plan, b: Plan): boolean {
  const key = ({ sends, watermark }: Plan) => [watermark, ...sends.map(keyOf)].join();
  return key(a) === key(b);
}

function keyOf({ walletNonce, fees, gas, isResend }: NoOp): string {
  const { maxFeePerGasWei, maxPriorityFeePerGasWei } = fees;
  return [walletNonce, maxFeePerGasWei, maxPriorityFeePerGasWei, gas, isResend].join(":");
}
