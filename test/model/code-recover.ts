/**
 * A tick of recovery: inspect, decide, at most one phase (R1), by the real decisions.
 *
 * What the facts leave open is tried both ways: a clock by which L1 has been silent for too long, a node
 * that remembers every transaction or none, fees that leave room for a replacement or do not.
 */

import type { Progress, RecoveryDecision } from "../../src/core/recovery/controller.ts";
import type { AgedBatch, DangerFacts, DangerTiming } from "../../src/core/recovery/danger.ts";
import type { FlushRow } from "../../src/core/recovery/flush.ts";
import type { Repair } from "../../src/core/recovery/pivot.ts";
import { MAX_WAIT_BLOCKS } from "../../src/core/types/protocol.ts";
import { unixMs } from "../../src/core/types/units.ts";
import type { Config } from "./code-config.ts";
import {
  type Batch,
  type CodeState,
  headAt,
  NO_OP,
  type Slot,
  stepOf,
  type To,
  withOpened,
  withRival,
} from "./code-state.ts";

/** The defaults: danger is 900. */
const TIMING: DangerTiming = {
  secondsPerBlock: 12,
  dangerBlocks: MAX_WAIT_BLOCKS - 300,
  readStaleAfterBlocks: 600,
};
const NOW_S = 1_800_000_000;
export const NOW_MS = unixMs(NOW_S * 1_000);
export const FEES = { maxFeePerGasWei: 100n, maxPriorityFeePerGasWei: 10n };
const GAS = 21_000n;
/** Wide: everything late is replaced. Tight: a first send is possible, a replacement is not. */
export const CAPS = [
  { capWei: 1_000_000n, isLate: false },
  { capWei: 100n, isLate: true },
];
const BUDGET_WEI = 10n ** 18n;

const INSPECTING: Progress = { at: "inspecting" };
const REPAIRED: Progress = { at: "repaired" };

export function expandRecovery(state: CodeState, config: Config, to: To): void {
  for (const isSilent of [false, true]) tick(state, { config, isSilent }, to);
}

type Setting = { readonly config: Config; readonly isSilent: boolean };

/** The decision on the stored facts, by a clock that has heard of L1 lately or has not. */
export function decideNow(state: CodeState, { config, isSilent }: Setting): RecoveryDecision {
  const facts = inspect(state, isSilent);
  const danger = config.decisions.danger(facts, TIMING);
  const { safeBlock } = facts;
  const inspected = { danger, hasRollbackSafeSnapshot: true, hasOpenTip: facts.tip !== null };
  return config.decisions.recovery({ ...inspected, safeBlock }, state.progress);
}

function inspect(state: CodeState, isSilent: boolean): DangerFacts {
  const { batches, frontier, storedHead } = state;
  const aged = (at: number): AgedBatch | null => {
    const batch = batches[at];
    return batch === undefined
      ? null
      : { batchIndex: at, firstFrameSafeBlock: headAt(batch.clock) };
  };
  return {
    divergedAtNonce: null,
    safeBlock: headAt(storedHead),
    safeBlockTimestampS: isSilent
      ? NOW_S - TIMING.readStaleAfterBlocks * TIMING.secondsPerBlock
      : NOW_S,
    lastProgressMs: NOW_MS,
    nowMs: NOW_MS,
    oldestClosed: aged(
      batches.findIndex((batch) => batch.is === "closed" && batch.nonce >= frontier),
    ),
    tip: aged(batches.findIndex((batch) => batch.is === "open")),
  };
}

function tick(state: CodeState, setting: Setting, to: To): void {
  const decision = decideNow(state, setting);
  const { at } = state.progress;
  if (decision.do === "admit" && at !== "inspecting") to("serves", { progress: INSPECTING });
  if (decision.do === "retry" && at !== "inspecting") to("retries", { progress: INSPECTING });
  if (decision.do === "refuse") to("refuses", { fault: `refused: ${decision.why}` });
  if (decision.do !== "phase") return;
  const { phase } = decision;
  switch (phase.name) {
    case "initial-sync":
      // Read or not: L1 may be out of reach, and reading is an action of its own.
      to("starts", { progress: INSPECTING });
      return;
    case "ensure-open-tip":
      to("opens a batch", { fault: "there is always an open batch" });
      return;
    case "recover-tip":
      rollBack("recover-tip", state, setting, to);
      return;
    case "flush":
      flush(state, setting, to);
      return;
    case "post-flush-sync":
      if (state.storedHead < stepOf(phase.safeBlock)) return;
      to("sees the flush", { progress: { at: "post-flush-synced", safeBlock: phase.safeBlock } });
      return;
    case "cascade":
      if (state.storedHead < stepOf(phase.safeBlock)) return;
      rollBack("cascade", state, setting, to);
  }
}

/** One transaction: the batches from the pivot on are void, and a new one follows the last survivor. */
function rollBack(repair: Repair, state: CodeState, { config, isSilent }: Setting, to: To): void {
  const { batches, storedHead } = state;
  const facts = inspect(state, isSilent);
  const pivot = config.decisions.pivot(repair, facts, TIMING);
  const fault = faultOf(repair, state, config);
  if (pivot === null) {
    to(`${repair}: nothing to void`, { progress: REPAIRED, fault });
    return;
  }
  if (batches.length >= config.bounds.batchesMax) return;
  const kept = batches.map(
    (batch, i): Batch => (i >= pivot && batch.is !== "void" ? { ...batch, is: "void" } : batch),
  );
  const parent = kept.findLast((batch) => batch.is === "closed");
  const lost = kept.findIndex((batch) => batch.is === "void" && batch.isAccepted);
  to(`${repair} from batch ${pivot}`, {
    batches: withOpened(kept, parent === undefined ? 0 : parent.nonce + 1, storedHead),
    progress: REPAIRED,
    fault: lost < 0 ? fault : `accepted batch ${lost} is void`,
  });
}

/** What must have been seen before anything is void (R2, N14). */
function faultOf(repair: Repair, state: CodeState, config: Config): string | null {
  if (!config.assertsWitness) return null;
  if (repair === "recover-tip") {
    const closed = state.batches.some((one) => one.is === "closed" && one.nonce >= state.frontier);
    return closed ? "an open batch in danger has no closed one before it" : null;
  }
  const isSettled = state.slots.length === 0 && state.unread.length === 0;
  return isSettled ? null : "a cascade before every slot is consumed and read";
}

function flush(state: CodeState, { config }: Setting, to: To): void {
  const gap = state.slots.findIndex((slot) => slot.rivals === 0);
  const remembered = gap < 0 ? state.slots.length : gap;
  for (const pendingNonce of new Set([state.consumed, state.consumed + remembered])) {
    for (const { capWei, isLate } of CAPS) {
      const decision = config.decisions.flush({
        safeNonce: state.consumed - state.unread.filter(({ step }) => step === null).length,
        pendingNonce,
        latestNonce: state.consumed,
        watermark: state.watermark,
        rows: rowsOf(state, isLate),
        nowMs: NOW_MS,
        freshFees: FEES,
        gas: GAS,
        capWei,
        budgetWei: BUDGET_WEI,
      });
      if (decision.do === "done") {
        to("flush is done", { progress: { at: "flushed", safeBlock: headAt(state.safeHead) } });
      } else {
        const sends = decision.sends.map(({ walletNonce }) => ({ walletNonce, payload: NO_OP }));
        to("flushes", withSends(state, sends, decision.watermark));
      }
    }
  }
}

function rowsOf(state: CodeState, isLate: boolean): readonly FlushRow[] {
  return state.slots.flatMap(({ newest }, i) =>
    newest === null
      ? []
      : {
          walletNonce: state.consumed + i,
          isNoOp: newest === NO_OP,
          isBroadcast: true,
          isUnderpriced: false,
          fees: FEES,
          gas: GAS,
          deadlineMs: unixMs(isLate ? NOW_MS : NOW_MS + 1),
        },
  );
}

type Sent = { readonly walletNonce: number; readonly payload: number };

/** The watermark first, then a row per send; what goes into a consumed slot is lost (N14, L2). */
export function withSends(
  state: CodeState,
  sends: readonly Sent[],
  raisedTo: number | null,
): Partial<CodeState> {
  const watermark = Math.max(state.watermark ?? -1, raisedTo ?? -1);
  const slots: Slot[] = [];
  for (let nonce = state.consumed; nonce <= watermark; nonce++) {
    slots.push(state.slots[nonce - state.consumed] ?? { rivals: 0, newest: null });
  }
  let { fault } = state;
  for (const { walletNonce, payload } of sends) {
    if (walletNonce > watermark) fault = `slot ${walletNonce} is used above the watermark`;
    const at = walletNonce - state.consumed;
    if (at >= 0) slots[at] = withRival(slots[at], payload);
  }
  return { slots, watermark: watermark < 0 ? null : watermark, fault };
}
