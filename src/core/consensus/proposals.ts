/**
 * Proposals of the leader of a term: pending, then committed, aborted or expired, in their order (C8).
 *
 * What is not in the log of chunks is decided here: membership and parameters change only by a proposal
 * that a quorum certified. Commits come out in the order of their ids, so one that has its quorum waits
 * for those before it to end. A proposal's number is durable before it is sent, so that no restart gives
 * it to another payload, and a commit is durable before anybody hears of it. The log of commits keeps
 * the newest ones whole; of older ones it keeps the hash of their chain, and the driver their rows.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import { fromHex, type Hash32, hashFromBytes } from "../types/hex.ts";
import { type ProposalId, type ProposalStatement, proposalPreimage } from "./commit-certificate.ts";
import { ZERO_HASH } from "./encoding.ts";
import type { KnownRecord } from "./epoch-record.ts";
import type { SignedByMember } from "./multi-signature.ts";
import type { CandidateIndex, MemberIndex } from "./types.ts";

export type ProposalRules = {
  readonly ttlMs: number;
  readonly pendingMax: number;
  /** Commits that are kept whole. */
  readonly logMax: number;
};

export const PROPOSAL_RULES: ProposalRules = { ttlMs: 5_000, pendingMax: 64, logMax: 4_096 };

/** `isDue`: it has its quorum and waits for those before it. */
export type Round = {
  readonly statement: ProposalStatement;
  readonly granted: readonly SignedByMember[];
  readonly denied: readonly MemberIndex[];
  readonly deadlineMs: number;
  readonly proposedMs: number;
};

export type CommitEntry = {
  /** From 1, without gaps. */
  readonly index: number;
  readonly statement: ProposalStatement;
  readonly votes: readonly SignedByMember[];
  readonly committedMs: number;
};

export type AbortCause = "expired" | "rejected" | "closed";

export type ProposalsState = {
  readonly rules: ProposalRules;
  readonly head: KnownRecord;
  readonly origin: CandidateIndex;
  readonly nextSequence: number;
  /** In the order of their ids. */
  readonly pending: readonly Round[];
  /** Decided, and on their way to the disk; they leave in this order. */
  readonly writes: readonly { readonly write: number; readonly reply: ProposalsEffect }[];
  readonly nextWrite: number;
  readonly log: readonly CommitEntry[];
  /** What left the log: how many, and the hash of their chain. */
  readonly evicted: { readonly count: number; readonly chain: Hash32 };
  readonly counts: Readonly<Record<"committed" | "aborted" | "expired", number>>;
  readonly isClosed: boolean;
};

export type ProposalsEvent = { readonly nowMs: number } & (
  | { readonly is: "propose"; readonly digest: Hash32; readonly ttlMs: number | null }
  | {
      /** A verified vote. */
      readonly is: "vote";
      readonly statement: ProposalStatement;
      readonly by: SignedByMember;
    }
  | { readonly is: "deny"; readonly id: ProposalId; readonly member: MemberIndex }
  | { readonly is: "tick" }
  | { readonly is: "written"; readonly write: number }
  | { readonly is: "close" }
);

export type ProposalsRow =
  | { readonly row: "proposed"; readonly id: ProposalId }
  | { readonly row: "committed"; readonly entry: CommitEntry };

export type ProposalsEffect =
  | { readonly do: "write"; readonly write: number; readonly row: ProposalsRow }
  | { readonly do: "broadcast"; readonly statement: ProposalStatement }
  | { readonly do: "committed"; readonly entry: CommitEntry; readonly latencyMs: number }
  | { readonly do: "aborted"; readonly id: ProposalId; readonly cause: AbortCause }
  | { readonly do: "refused"; readonly digest: Hash32; readonly why: "closed" | "full" };

export type ProposalsStep = {
  readonly state: ProposalsState;
  readonly effects: readonly ProposalsEffect[];
};

/** What a reader may see of it. */
export type ProposalsSnapshot = {
  readonly term: number;
  readonly commitIndex: number;
  readonly members: number;
  readonly pending: readonly ProposalId[];
  readonly committedCount: number;
  readonly abortedCount: number;
};

/** A leader at the beginning of its term, or back in it with what it had stored. */
export function startProposals(start: {
  readonly rules: ProposalRules;
  readonly head: KnownRecord;
  /** From the rows: the number after the last one proposed in this term; else 1. */
  readonly nextSequence: number;
  readonly log: readonly CommitEntry[];
  readonly evicted: ProposalsState["evicted"] | null;
}): ProposalsState {
  const { rules, head, nextSequence, log } = start;
  const evicted = start.evicted ?? { count: 0, chain: ZERO_HASH };
  assert(log.length <= rules.logMax, "the log fits its bound");
  return {
    ...{ rules, head, origin: head.record.leader, nextSequence, log, evicted },
    pending: [],
    writes: [],
    nextWrite: 0,
    counts: { committed: 0, aborted: 0, expired: 0 },
    isClosed: false,
  };
}

export function snapshotOf(state: ProposalsState): ProposalsSnapshot {
  const { head, pending, log, evicted, counts } = state;
  return {
    term: head.record.epoch,
    commitIndex: evicted.count + log.length,
    members: head.record.members.length,
    pending: pending.map(({ statement }) => statement.id),
    committedCount: counts.committed,
    abortedCount: counts.aborted + counts.expired,
  };
}

/** When the next `tick` will end a proposal, if nothing else happens. */
export function proposalsDueMs({ pending, head }: ProposalsState): number {
  const open = pending.filter(({ granted }) => granted.length < head.record.quorum);
  return Math.min(Number.POSITIVE_INFINITY, ...open.map(({ deadlineMs }) => deadlineMs));
}

export function stepProposals(state: ProposalsState, event: ProposalsEvent): ProposalsStep {
  switch (event.is) {
    case "propose":
      return onPropose(state, event);
    case "vote":
      return onVote(state, event);
    case "deny":
      return onDeny(state, event);
    case "tick":
      return settle(state, event.nowMs, []);
    case "written":
      return onWritten(state, event.write);
    case "close":
      return onClose(state);
  }
}

type Of<K extends ProposalsEvent["is"]> = ProposalsEvent & { readonly is: K };

function onPropose(state: ProposalsState, event: Of<"propose">): ProposalsStep {
  const { rules, head, origin, nextSequence, pending } = state;
  const { digest, ttlMs, nowMs } = event;
  if (state.isClosed || pending.length >= rules.pendingMax) {
    const why = state.isClosed ? "closed" : "full";
    return { state, effects: [{ do: "refused", digest, why }] };
  }
  const { chainId, app, epoch } = head.record;
  const id = { term: epoch, sequence: nextSequence, origin };
  const statement = { chainId, app, recordHash: head.hash, id, digest };
  const deadlineMs = nowMs + (ttlMs ?? rules.ttlMs);
  const round = { statement, granted: [], denied: [], deadlineMs, proposedMs: nowMs };
  const next = { ...state, nextSequence: nextSequence + 1, pending: [...pending, round] };
  return write(next, { row: "proposed", id }, { do: "broadcast", statement });
}

function onVote(state: ProposalsState, event: Of<"vote">): ProposalsStep {
  const { statement, by, nowMs } = event;
  const isOfTerm = statement.recordHash === state.head.hash;
  const round = isOfTerm ? roundOf(state, statement.id) : undefined;
  const counts =
    round !== undefined &&
    round.statement.digest === statement.digest &&
    !round.granted.some(({ member }) => member === by.member) &&
    !round.denied.includes(by.member);
  if (!counts) return { state, effects: [] };
  return settle(changed(state, { ...round, granted: [...round.granted, by] }), nowMs, []);
}

function onDeny(state: ProposalsState, event: Of<"deny">): ProposalsStep {
  const round = roundOf(state, event.id);
  const { member, nowMs } = event;
  const isNew =
    round !== undefined &&
    !round.denied.includes(member) &&
    !round.granted.some((one) => one.member === member);
  if (!isNew) return { state, effects: [] };
  return settle(changed(state, { ...round, denied: [...round.denied, member] }), nowMs, []);
}

function roundOf({ pending }: ProposalsState, id: ProposalId): Round | undefined {
  return pending.find(({ statement }) => {
    const { term, sequence, origin } = statement.id;
    return term === id.term && sequence === id.sequence && origin === id.origin;
  });
}

function changed(state: ProposalsState, round: Round): ProposalsState {
  const { sequence } = round.statement.id;
  const pending = state.pending.map((one) =>
    one.statement.id.sequence === sequence ? round : one,
  );
  return { ...state, pending };
}

/** Ends what is lost or late, then commits from the front what has its quorum. */
function settle(
  state: ProposalsState,
  nowMs: number,
  before: readonly ProposalsEffect[],
): ProposalsStep {
  const { quorum, members } = state.head.record;
  const effects = [...before];
  let { counts } = state;
  const pending = state.pending.filter(({ statement, granted, denied, deadlineMs }) => {
    if (granted.length >= quorum) return true;
    const isLost = members.length - denied.length < quorum;
    if (!isLost && nowMs < deadlineMs) return true;
    effects.push({ do: "aborted", id: statement.id, cause: isLost ? "rejected" : "expired" });
    const outcome = isLost ? "aborted" : "expired";
    counts = { ...counts, [outcome]: counts[outcome] + 1 };
    return false;
  });
  let step: ProposalsStep = { state: { ...state, pending, counts }, effects };
  for (const round of pending) {
    if (round.granted.length < quorum) break;
    const committed = commit(step.state, round, nowMs);
    step = { state: committed.state, effects: [...step.effects, ...committed.effects] };
  }
  return step;
}

function commit(state: ProposalsState, round: Round, nowMs: number): ProposalsStep {
  const { statement, granted: votes, proposedMs } = round;
  const index = state.evicted.count + state.log.length + 1;
  const entry = { index, statement, votes, committedMs: nowMs };
  const counts = { ...state.counts, committed: state.counts.committed + 1 };
  const pending = state.pending.filter((one) => one !== round);
  const logged = withinBound({ ...state, pending, counts, log: [...state.log, entry] });
  const latencyMs = nowMs - proposedMs;
  return write(logged, { row: "committed", entry }, { do: "committed", entry, latencyMs });
}

/** The oldest entries leave the log, and stay in the hash of their chain. */
function withinBound(state: ProposalsState): ProposalsState {
  const { log, rules, evicted } = state;
  const gone = log.slice(0, Math.max(0, log.length - rules.logMax));
  const chain = gone.reduce((hash, { statement }) => chained(hash, statement), evicted.chain);
  return {
    ...state,
    log: log.slice(gone.length),
    evicted: { count: evicted.count + gone.length, chain },
  };
}

/** The chain over all commits before: SHA-256 of the last value and the statement's preimage. */
export function chained(before: Hash32, statement: ProposalStatement): Hash32 {
  return hashFromBytes(sha256(concatBytes(fromHex(before), proposalPreimage(statement))));
}

function write(state: ProposalsState, row: ProposalsRow, reply: ProposalsEffect): ProposalsStep {
  const number = state.nextWrite;
  const writes = [...state.writes, { write: number, reply }];
  const next = { ...state, nextWrite: number + 1, writes };
  return { state: next, effects: [{ do: "write", write: number, row }] };
}

function onWritten(state: ProposalsState, number: number): ProposalsStep {
  const [first, ...writes] = state.writes;
  assert(first !== undefined && first.write === number, "writes are confirmed in their order");
  return { state: { ...state, writes }, effects: [first.reply] };
}

/** Nothing new is taken, and what is pending ends; commits on their way still come out. */
function onClose(state: ProposalsState): ProposalsStep {
  const effects = state.pending.map(
    ({ statement }) => ({ do: "aborted", id: statement.id, cause: "closed" }) as const,
  );
  const counts = { ...state.counts, aborted: state.counts.aborted + effects.length };
  return { state: { ...state, pending: [], counts, isClosed: true }, effects };
}
