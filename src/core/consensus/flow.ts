/**
 * Who holds what, and when to send again: one message to a peer is in flight, later ones back off.
 *
 * A leader feeds its validators with pages of the log, each at the peer's pace. What a peer says that
 * it holds is believed, since a lie costs only the liar's own pages; an answer that brings nothing new
 * does not speed anything up, so two parties that disagree talk at the slow rate.
 */

export type FlowRules = {
  readonly resendLeastMs: number;
  readonly resendMostMs: number;
  /** Chunks of one message. */
  readonly pageChunks: number;
};

export const FLOW_RULES: FlowRules = { resendLeastMs: 250, resendMostMs: 8_000, pageChunks: 256 };

export type Flow = {
  /** The peer holds the leader's line up to this height; -1 when it holds nothing. */
  readonly holds: number;
  /** It has not said yet what it holds. */
  readonly isAssumed: boolean;
  /** It said that it holds less than it was known to, and was not written to since. */
  readonly isBack: boolean;
  /** When the unanswered message left; null when none is in flight. */
  readonly sentMs: number | null;
  readonly delayMs: number;
  /** Last message of any kind, for heartbeats. */
  readonly spokeMs: number;
};

export type Page = { readonly from: number; readonly through: number };

export function newFlow(holds: number, rules: FlowRules, nowMs: number): Flow {
  return {
    holds,
    isAssumed: true,
    isBack: false,
    sentMs: null,
    delayMs: rules.resendLeastMs,
    spokeMs: nowMs,
  };
}

/** Whether a message may leave now: none is in flight, or the last one has waited long enough. */
export function mayWrite(flow: Flow, nowMs: number): boolean {
  return nowMs >= writeDueMs(flow, nowMs);
}

/** When the next message may leave, if there is something to say. */
export function writeDueMs(flow: Flow, nowMs: number): number {
  return flow.sentMs === null ? nowMs : flow.sentMs + flow.delayMs;
}

/** The chunks that the peer lacks on its way to `goal`; empty (`from` beyond `through`) when none. */
export function pageFor(flow: Flow, goal: number, rules: FlowRules): Page {
  const from = flow.holds + 1;
  return { from, through: Math.min(goal, flow.holds + rules.pageChunks) };
}

/** After a message left: the wait doubles when it repeats one. */
export function noteSent(flow: Flow, rules: FlowRules, nowMs: number): Flow {
  const isRepeat = flow.sentMs !== null;
  const delayMs = isRepeat ? Math.min(flow.delayMs * 2, rules.resendMostMs) : flow.delayMs;
  return { ...flow, isBack: false, sentMs: nowMs, spokeMs: nowMs, delayMs };
}

/** After an answer that says what the peer holds. Nothing new: the message counts as unanswered. */
export function noteHolds(flow: Flow, holds: number, rules: FlowRules): Flow {
  if (holds === flow.holds) return flow;
  // Who says now more and now less is not sent pages as fast as it can say it.
  const isBack = !flow.isAssumed && (holds < flow.holds || flow.isBack);
  const sentMs = isBack ? flow.sentMs : null;
  return { ...flow, holds, isAssumed: false, isBack, sentMs, delayMs: rules.resendLeastMs };
}

/** After the answer that was asked for. */
export function noteDone(flow: Flow, holds: number, rules: FlowRules): Flow {
  return {
    ...flow,
    holds: Math.max(flow.holds, holds),
    isAssumed: false,
    sentMs: null,
    delayMs: rules.resendLeastMs,
  };
}

/** After a peer came back: what left before is taken for lost, and it is spoken to at once. */
export function noteSeen(flow: Flow, rules: FlowRules): Flow {
  const spokeMs = Number.NEGATIVE_INFINITY;
  return { ...flow, sentMs: null, delayMs: rules.resendLeastMs, spokeMs };
}
