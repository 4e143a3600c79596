/**
 * Raft-lite among the validators: who leads next when the leader is silent (C8).
 *
 * A member that hears nothing for its timeout stands for a term: it votes for itself as the asker, names
 * a candidate and shows its own tip. Others vote once in a term, and only for an asker whose tip is at
 * least as new as theirs. With a quorum of votes the asker leads the election: it hands the votes to the
 * candidate and keeps the others quiet until that one speaks. It never times itself out; a candidate
 * that does not begin, or does not finish, to take over in time is given up for the next one. A vote is durable before it is sent.
 *
 * The term is the epoch to be opened. Terms of this machine may run ahead of the newest epoch, and do
 * not disturb it: the leader's chunks are judged by epoch alone.
 */

import { assert } from "../types/assert.ts";
import { drawTimeoutMs, type ElectionRules, mayLead, nominee } from "./election-rules.ts";
import type {
  ElectionDurable,
  ElectionEffect,
  ElectionEvent,
  ElectionState,
  ElectionStep,
  Role,
} from "./election-state.ts";
import type { KnownRecord } from "./epoch-record.ts";
import {
  type CandidateIndex,
  compareTips,
  type Epoch,
  epoch,
  type MemberIndex,
  type Tip,
} from "./types.ts";

export type ElectionStart = {
  readonly rules: ElectionRules;
  readonly durable: ElectionDurable | null;
  readonly head: KnownRecord;
  readonly self: MemberIndex | null;
  readonly nowMs: number;
  readonly unit: number;
};

/** A member that wakes up. It listens for a timeout before it stands for anything. */
export function startElection(start: ElectionStart): ElectionState {
  const { rules, durable, head, self, nowMs, unit } = start;
  assert(head.record.quorum * 2 > head.record.members.length, "two quorums share a member");
  return {
    rules,
    durable: durable ?? { term: head.record.epoch, vote: null },
    head,
    self,
    role: "follower",
    isTransfer: false,
    votes: [],
    deadlineMs: nowMs + drawTimeoutMs(rules, unit),
    heartbeatDueMs: nowMs,
    heardMs: null,
    waiting: [],
    nextWrite: 0,
  };
}

/** When the next `tick` will do something, if nothing else happens. */
export function electionDueMs({ role, deadlineMs, heartbeatDueMs, self }: ElectionState): number {
  if (self === null) return Number.POSITIVE_INFINITY;
  return role === "leader" ? Math.min(deadlineMs, heartbeatDueMs) : deadlineMs;
}

export function stepElection(state: ElectionState, event: ElectionEvent): ElectionStep {
  if (event.is === "record") return onRecord(state, event);
  if (event.is === "written") return onWritten(state, event.write);
  if (state.self === null) return { state, effects: [] };
  switch (event.is) {
    case "tick":
      return onTick(state, event);
    case "heard": {
      const heard = { ...state, heardMs: event.nowMs };
      return state.isTransfer && state.role !== "follower" ? same(heard) : follow(heard, event);
    }
    case "courted":
      return onCourted(state, event);
    case "distrusted":
      return { state: { ...state, heardMs: null, deadlineMs: event.nowMs }, effects: [] };
    case "transfer":
      return stand(state, event, event.candidate, event.tip, true);
    case "asked":
      return onAsked(state, event);
    case "voted":
      return onVoted(state, event);
    case "denied":
      return event.term > state.durable.term ? adopt(state, event.term, event) : same(state);
    case "heartbeat":
      return onHeartbeat(state, event);
  }
}

type At = { readonly nowMs: number; readonly unit: number };
type Of<K extends ElectionEvent["is"]> = ElectionEvent & { readonly is: K };

function same(state: ElectionState): ElectionStep {
  return { state, effects: [] };
}

function onTick(state: ElectionState, event: Of<"tick">): ElectionStep {
  const { role, deadlineMs, heartbeatDueMs, rules, durable } = state;
  // A leader comes here with its deadline too: not its own silence, but the candidate's.
  if (event.nowMs >= deadlineMs) return stand(state, event, null, event.tip, false);
  if (role !== "leader" || event.nowMs < heartbeatDueMs || durable.vote === null)
    return same(state);
  return {
    state: { ...state, heartbeatDueMs: event.nowMs + rules.heartbeatMs },
    effects: [
      { do: "heartbeat", term: durable.term },
      { do: "elect", statement: durable.vote },
    ],
  };
}

/** Stands for the next term; `asked` for a candidate, or for whoever's turn it is. */
function stand(
  state: ElectionState,
  at: At,
  wanted: CandidateIndex | null,
  tip: Tip | null,
  isTransfer: boolean,
): ElectionStep {
  const { head, self, rules, durable } = state;
  const term = epoch(Math.max(durable.term, head.record.epoch) + 1);
  if (self === null || term > head.record.epoch + rules.termsAhead) return same(state);
  const candidate = wanted ?? nominee(head.record, term, rules.succession);
  if (!mayLead(head.record, term, candidate, rules.succession)) return same(state);
  const { chainId, app } = head.record;
  const statement = { chainId, app, recordHash: head.hash, term, asker: self, candidate, tip };
  const standing = become({ ...state, votes: [], isTransfer }, "candidate", at);
  const voted = write(standing.state, { term, vote: statement }, [
    { do: "ask", statement, isTransfer },
  ]);
  return { state: voted.state, effects: [...standing.effects, ...voted.effects] };
}

/** One vote a term, for an asker that knows at least as much, and not while the leader is heard. */
function onAsked(state: ElectionState, event: Of<"asked">): ElectionStep {
  const { ask, isTransfer, tip } = event;
  const { durable, head, rules, heardMs } = state;
  const deny = (at: ElectionState): ElectionStep => ({
    state: at,
    effects: [{ do: "deny", to: ask.asker, term: at.durable.term }],
  });
  if (ask.recordHash !== head.hash || ask.asker >= head.record.members.length) return deny(state);
  if (ask.term < durable.term || ask.term > head.record.epoch + rules.termsAhead)
    return deny(state);
  const isLed = heardMs !== null && event.nowMs - heardMs < rules.timeoutLeastMs;
  if (isLed && !isTransfer) return deny(state);
  if (ask.term === durable.term && durable.vote !== null) {
    const isSame = durable.vote.asker === ask.asker && durable.vote.candidate === ask.candidate;
    if (!isSame) return deny(state);
    return write(state, null, [{ do: "vote", to: ask.asker, statement: durable.vote }]);
  }
  const isFresh =
    compareTips(ask.tip, tip) >= 0 &&
    mayLead(head.record, ask.term, ask.candidate, rules.succession);
  if (!isFresh) return refuseStale(state, event);
  const later = become(state, "follower", event);
  const voted = write(later.state, { term: ask.term, vote: ask }, [
    { do: "vote", to: ask.asker, statement: ask },
  ]);
  return { state: voted.state, effects: [...later.effects, ...voted.effects] };
}

/**
 * The term is adopted, so that the next one to stand goes beyond it; the timeout is not renewed, so that
 * an asker who can never win does not keep those quiet who can.
 */
function refuseStale(state: ElectionState, event: Of<"asked">): ElectionStep {
  const { term, asker } = event.ask;
  const denied: ElectionEffect = { do: "deny", to: asker, term };
  if (term === state.durable.term) return { state, effects: [denied] };
  const later = state.role === "follower" ? same(state) : become(state, "follower", event);
  const adopted = write(later.state, { term, vote: null }, []);
  return { state: adopted.state, effects: [...later.effects, ...adopted.effects, denied] };
}

function onVoted(state: ElectionState, event: Of<"voted">): ElectionStep {
  const { durable, role, head, votes, rules } = state;
  const { statement, by } = event;
  const isMine =
    durable.vote !== null &&
    statement.term === durable.term &&
    statement.asker === state.self &&
    statement.candidate === durable.vote.candidate &&
    statement.recordHash === head.hash;
  if (role !== "candidate" || !isMine || votes.includes(by)) return same(state);
  const counted = { ...state, votes: [...votes, by] };
  if (counted.votes.length < head.record.quorum) return same(counted);
  const won = become(counted, "leader", event);
  const leading = {
    ...won.state,
    deadlineMs: event.nowMs + rules.timeoutMostMs,
    heartbeatDueMs: event.nowMs + rules.heartbeatMs,
  };
  return {
    state: leading,
    effects: [...won.effects, { do: "heartbeat", term: durable.term }, { do: "elect", statement }],
  };
}

/** A candidate that takes over is waited for, by whoever elected it and by all others. */
function onCourted(state: ElectionState, event: Of<"courted">): ElectionStep {
  if (event.epoch < state.durable.term) return same(state);
  if (state.role !== "leader") return follow(state, event);
  return same({ ...state, deadlineMs: event.nowMs + state.rules.takeoverMs });
}

/** Another member leads the election of this term: wait for its candidate. */
function onHeartbeat(state: ElectionState, event: Of<"heartbeat">): ElectionStep {
  const { durable, role, head, rules } = state;
  if (event.from === state.self) return same(state);
  if (event.term < durable.term || event.term > head.record.epoch + rules.termsAhead) {
    return {
      state,
      effects: [{ do: "deny", to: event.from, term: durable.term }],
    };
  }
  if (event.term > durable.term) return adopt(state, event.term, event);
  // Two quorums of one term share a voter, so a leader meets no other one of its term.
  return role === "leader" ? same(state) : follow(state, event);
}

/** A later term: whatever this member was, it follows, without a vote in that term. */
function adopt(state: ElectionState, term: Epoch, at: At): ElectionStep {
  if (term > state.head.record.epoch + state.rules.termsAhead) return same(state);
  const followed = become(state, "follower", at);
  const written = write(followed.state, { term, vote: null }, []);
  return { state: written.state, effects: [...followed.effects, ...written.effects] };
}

function follow(state: ElectionState, at: At): ElectionStep {
  return become(state, "follower", at);
}

function onRecord(state: ElectionState, event: Of<"record">): ElectionStep {
  const { head, self } = event;
  if (head.hash === state.head.hash) return same({ ...state, self });
  const moved = { ...state, head, self, votes: [], heardMs: event.nowMs };
  const followed = become(moved, "follower", event);
  if (head.record.epoch <= state.durable.term) return followed;
  const written = write(followed.state, { term: head.record.epoch, vote: null }, []);
  return { state: written.state, effects: [...followed.effects, ...written.effects] };
}

/** Takes a role with a new timeout. */
function become(state: ElectionState, role: Role, { nowMs, unit }: At): ElectionStep {
  const deadlineMs = nowMs + drawTimeoutMs(state.rules, unit);
  const effects: readonly ElectionEffect[] =
    state.role === role ? [] : [{ do: "role", from: state.role, to: role }];
  const isTransfer = role !== "follower" && state.isTransfer;
  return { state: { ...state, role, isTransfer, deadlineMs }, effects };
}

/** Null: nothing new is written, and `replies` wait for what is being written. */
function write(
  state: ElectionState,
  durable: ElectionDurable | null,
  replies: readonly ElectionEffect[],
): ElectionStep {
  if (durable === null && state.waiting.length === 0) return { state, effects: replies };
  const number = state.nextWrite;
  const last = state.waiting.at(-1);
  if (durable === null && last !== undefined) {
    const longer = { ...last, replies: [...last.replies, ...replies].slice(-REPLIES_MAX) };
    return { state: { ...state, waiting: [...state.waiting.slice(0, -1), longer] }, effects: [] };
  }
  return {
    state: {
      ...state,
      durable: durable ?? state.durable,
      nextWrite: number + 1,
      waiting: [...state.waiting, { write: number, replies }],
    },
    effects: [{ do: "write", write: number, durable: durable ?? state.durable }],
  };
}

const REPLIES_MAX = 64;

/** The write's effects, unless a later term has made them void. */
function onWritten(state: ElectionState, number: number): ElectionStep {
  const [first, ...waiting] = state.waiting;
  assert(first !== undefined && first.write === number, "writes are confirmed in their order");
  const effects = first.replies.filter((effect) => {
    const isSpoken = effect.do === "ask" || effect.do === "vote";
    return !isSpoken || effect.statement.term === state.durable.term;
  });
  return { state: { ...state, waiting }, effects };
}
