/**
 * The flush of a rebuild: every wallet nonce that this provider knows to be in use is consumed (R2, R5).
 *
 * The decision is the sequencer's own (`src/core/recovery/flush.ts`). No watermark survived the lost
 * database, so a transaction that the provider has forgotten is not covered: best effort, and whatever
 * lands later all the same shows as a divergence. What this run sends itself, it does cover. Killed at
 * any point, it is run again and finds its own transactions pending.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { decideFlush, type FlushRow, NO_OP_LATE_AFTER_BLOCKS } from "../core/recovery/flush.ts";
import { ok, type Result } from "../core/types/result.ts";
import { type BlockNumber, unixMs } from "../core/types/units.ts";
import type { L1, L1Error, Submitter } from "../l1/l1.ts";
import { type FlushView, readFlushView, readSettledBlock } from "../l1/wallet.ts";
import { retrying } from "./read-inputs.ts";

export type FlushOptions = {
  readonly chainId: number;
  readonly secondsPerBlock: number;
  readonly capWei: bigint;
  readonly budgetWei: bigint;
  /** Told once a round what is waited for, and whether more than time is needed. */
  readonly onWait: (text: string, isStuck: boolean) => void;
};

/** The safe block at which every slot was seen consumed: where a rebuild stops reading. */
export async function flush(
  l1: L1,
  submitter: Submitter,
  options: FlushOptions,
): Promise<Result<BlockNumber, L1Error>> {
  const { chainId, secondsPerBlock, capWei, budgetWei } = options;
  const rows = new Map<number, FlushRow>();
  let watermark: number | null = null;
  for (;;) {
    const wallet = { chainId, account: submitter.address, watermark };
    const view = await retrying(() => readFlushView(l1, wallet));
    if (!view.ok) return view;
    const decision = decideFlush({
      ...view.value,
      ...{ watermark, capWei, budgetWei },
      rows: [...rows.values()],
      nowMs: unixMs(Date.now()),
    });
    if (decision.do === "done") {
      const { safeNonce } = view.value;
      const settled = await retrying(() => readSettledBlock(l1, submitter.address, safeNonce));
      return settled.ok ? ok(settled.value.number) : settled;
    }
    watermark = decision.watermark ?? watermark;
    for (const { walletNonce, fees, gas } of decision.sends) {
      const { raw } = await submitter.signNoOp(chainId, { walletNonce, gas, ...fees });
      const deadlineMs = unixMs(Date.now() + NO_OP_LATE_AFTER_BLOCKS * secondsPerBlock * 1000);
      const answer = await broadcast(l1, raw);
      if (!answer.ok) return answer;
      rows.set(walletNonce, { walletNonce, isNoOp: true, fees, gas, deadlineMs, ...answer.value });
    }
    options.onWait(...describeWait(view.value, decision));
    await sleep(secondsPerBlock * 1000);
  }
}

/** What became of a send. A fault that may pass is met by the next round, like a send that was lost. */
async function broadcast(
  l1: L1,
  raw: `0x${string}`,
): Promise<Result<Pick<FlushRow, "isBroadcast" | "isUnderpriced">, L1Error>> {
  const sent = await l1.broadcast(raw);
  if (sent.ok || sent.error.reason === "already-known") {
    return ok({ isBroadcast: true, isUnderpriced: false });
  }
  if (sent.error.reason === "insufficient-funds") return sent;
  return ok({ isBroadcast: false, isUnderpriced: sent.error.reason === "underpriced" });
}

function describeWait(
  { safeNonce, pendingNonce }: FlushView,
  decision: ReturnType<typeof decideFlush> & { do: "flush" },
): [text: string, isStuck: boolean] {
  const slots = `wallet nonces in use up to ${pendingNonce}, at safe depth up to ${safeNonce}`;
  if (decision.isCapped) return [`${slots}: fees have reached SEQ_MAX_FEE_PER_GAS_GWEI`, true];
  if (decision.isOverBudget) return [`${slots}: SEQ_FLUSH_BUDGET_WEI is used up`, true];
  return [slots, false];
}
