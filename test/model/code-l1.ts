/**
 * L1 around the object, as hostile as it may be: who lands, when, what settles, what comes back.
 *
 * Any rival of the next slot may land, however old it is and whether or not a node remembers it, and
 * the others die with it; it may fail on L1 and consume the slot for nothing; or none ever comes. A
 * landing gets its block when the safe head passes it, so one landing stands for all the blocks in which
 * it could be. Above the safe head the newest landing may be undone. What is accepted is told by the
 * real decision on the real bytes.
 */

import { batchNonce } from "../../src/core/types/units.ts";
import { SEQUENCER } from "../support/l1-ledger.ts";
import { type Config, type Decisions, REAL } from "./code-config.ts";
import {
  bitOf,
  bytesOf,
  type CodeState,
  type Landing,
  landingAt,
  NO_OP,
  type To,
} from "./code-state.ts";

export function expandL1(state: CodeState, config: Config, to: To): void {
  land(state, config, to);
  if (config.hasReorgs) reorganise(state, to);
  if (state.safeHead < config.bounds.safeHeadMax) advance(state, to);
}

function land(state: CodeState, config: Config, to: To): void {
  const { consumed, unread, batches } = state;
  const [slot, ...slots] = state.slots;
  if (slot === undefined || slot.rivals === 0) return;
  for (let payload = NO_OP; payload < batches.length; payload++) {
    if (payload !== NO_OP && (slot.rivals & bitOf(payload)) === 0) continue;
    const landing = { payload, step: null, slot: config.hasReorgs ? slot : null };
    const name = payload === NO_OP ? "nothing" : `batch ${payload}`;
    to(`${name} lands in slot ${consumed}`, {
      consumed: consumed + 1,
      unread: [...unread, landing],
      slots,
    });
  }
}

function reorganise(state: CodeState, to: To): void {
  const slot = state.unread.at(-1)?.slot ?? null;
  if (slot === null) return;
  to(`slot ${state.consumed - 1} is reorganised away`, {
    consumed: state.consumed - 1,
    unread: state.unread.slice(0, -1),
    slots: [slot, ...state.slots],
  });
}

/** The safe head takes one step, and the first so many landings turn out to be below it. */
function advance(state: CodeState, to: To): void {
  const { unread, safeHead } = state;
  const from = unread.filter((landing) => landing.step !== null).length;
  for (let end = from; end <= unread.length; end++) {
    const settling = unread
      .slice(from, end)
      .map(({ payload }): Landing => ({ payload, step: safeHead, slot: null }));
    to(`safe head ${safeHead + 1}, ${end - from} landings settle`, {
      ...schedule(state, settling),
      safeHead: safeHead + 1,
      unread: [...unread.slice(0, from), ...settling, ...unread.slice(end)],
    });
  }
}

/** Zombie safety: the scheduler accepts a batch exactly if it is ours, sealed and not given up. */
function schedule(state: CodeState, landings: readonly Landing[]): Partial<CodeState> {
  let { expected, batches, fault } = state;
  for (const landing of landings) {
    if (!isAccepted(state, landing, expected, REAL)) continue;
    expected++;
    const { payload } = landing;
    if (batches[payload]?.is !== "closed") fault = `L1 accepts batch ${payload}, which is void`;
    batches = batches.map((batch, i) => (i === payload ? { ...batch, isAccepted: true } : batch));
  }
  return { expected, batches, fault };
}

/** The answer to a landing at safe depth. A no-op reaches no InputBox. */
export function isAccepted(
  { batches }: CodeState,
  { payload, step }: Landing,
  expected: number,
  decisions: Decisions,
): boolean {
  const batch = batches[payload];
  if (batch === undefined || step === null) return false;
  const landing = {
    sender: SEQUENCER,
    payload: bytesOf(batch, payload),
    blockNumber: landingAt(step),
  };
  return decisions.acceptance(batchNonce(expected), landing, SEQUENCER).accepted;
}
