/**
 * How an elected candidate becomes the leader of a new epoch (C6).
 *
 *     collecting   asks each member for its promise and report, until a quorum answered
 *     recording    makes it durable that it makes its one record of the epoch, and leads no older one
 *     recovering   fetches what it inherits from those who have it, and gives up the rest of its log
 *     signing      feeds the members what they lack of the inherited line, and gathers signatures
 *     opened       the record is certified; the broadcast goes on from here
 *
 * A candidate that fails anywhere tries again only under a later term: an epoch has one record. Reports,
 * votes and signatures are verified before an event comes here.
 */

import { must } from "../types/assert.ts";
import { bytesEqual } from "../types/bytes.ts";
import { joiningMembers } from "./epoch-chain.ts";
import {
  FLOW_RULES,
  type Flow,
  mayWrite,
  newFlow,
  noteHolds,
  noteSent,
  pageFor,
  writeDueMs,
} from "./flow.ts";
import type { SignedByMember } from "./multi-signature.ts";
import { tipOf } from "./report.ts";
import { justifiedRecord } from "./takeover.ts";
import type {
  Opening,
  TransferEffect,
  TransferEvent,
  TransferRules,
  TransferState,
  TransferStep,
} from "./transfer-state.ts";
import type { ChunkRef } from "./types.ts";
import type { Takeover } from "./validator-state.ts";

export const TRANSFER_RULES: TransferRules = { ...FLOW_RULES, takeoverMs: 15_000 };

export const IDLE_TRANSFER: TransferState = { phase: "idle" };

type Busy = Exclude<TransferState, { readonly phase: "idle" }>;
type Collecting = TransferState & { readonly phase: "collecting" };
type Signing = TransferState & { readonly phase: "signing" };

export function stepTransfer(state: TransferState, event: TransferEvent): TransferStep {
  if (event.is === "elected") return onElected(state, event);
  if (state.phase === "idle") return { state, effects: [] };
  if (event.nowMs >= state.endsMs) return fail("timeout");
  switch (event.is) {
    case "tick":
      return advance(state, event.nowMs, []);
    case "fenced":
      return event.epoch > state.epoch ? fail("fenced") : { state, effects: [] };
    case "reported":
      return state.phase === "collecting" ? onReport(state, event) : { state, effects: [] };
    case "recovered":
      return state.phase === "recovering" ? sign(state, event.nowMs) : { state, effects: [] };
    case "lost":
      return state.phase === "recovering" ? fail("lost") : { state, effects: [] };
    case "written":
      return state.phase === "recording" ? recover(state) : { state, effects: [] };
    case "holds": {
      if (state.phase !== "signing") return { state, effects: [] };
      const flow = must(state.flows[event.peer], "a peer has a flow");
      const flows = replaced(state.flows, event.peer, noteHolds(flow, event.through, state.rules));
      return advance({ ...state, flows }, event.nowMs, []);
    }
    case "signed":
      return state.phase === "signing" ? onSigned(state, event) : { state, effects: [] };
  }
}

function fail(why: "timeout" | "fenced" | "lost"): TransferStep {
  return { state: IDLE_TRANSFER, effects: [{ do: "failed", why }] };
}

function replaced<T>(all: readonly T[], at: number, one: T): readonly T[] {
  return all.map((old, i) => (i === at ? one : old));
}

function onElected(
  state: TransferState,
  event: TransferEvent & { readonly is: "elected" },
): TransferStep {
  const { head, term, candidate, change, rules, nowMs } = event;
  const isOld = term <= head.record.epoch || (state.phase !== "idle" && term <= state.epoch);
  if (isOld) return { state, effects: [] };
  const peers = [...head.record.members, ...joinersOf(head.record.members, change?.members ?? [])];
  const collecting: Collecting = {
    phase: "collecting",
    rules,
    head,
    epoch: term,
    candidate,
    change,
    peers,
    endsMs: nowMs + rules.takeoverMs,
    flows: peers.map(() => newFlow(-1, rules, nowMs)),
    reports: [],
    accepted: [],
  };
  return advance(collecting, nowMs, []);
}

function joinersOf<T extends { readonly key: Uint8Array }>(
  old: readonly T[],
  all: readonly T[],
): readonly T[] {
  return all.filter(({ key }) => !old.some((one) => bytesEqual(one.key, key)));
}

function onReport(
  state: Collecting,
  event: TransferEvent & { readonly is: "reported" },
): TransferStep {
  const { report, nowMs } = event;
  const { statement, by } = report;
  const isAsked =
    statement.recordHash === state.head.hash &&
    statement.promisedEpoch === state.epoch &&
    statement.candidate === state.candidate;
  if (!isAsked || state.reports.some((one) => one.by.member === by.member)) {
    return { state, effects: [] };
  }
  const reports = [...state.reports, report];
  const accepted = later(state.accepted, event.accepted);
  if (reports.length < state.head.record.quorum) {
    return advance({ ...state, reports, accepted }, nowMs, []);
  }
  return record({ ...state, reports, accepted });
}

/** Of two lists of records that somebody signed, the one that reaches the later epoch. */
function later(a: readonly Takeover[], b: readonly Takeover[]): readonly Takeover[] {
  const epochOf = (all: readonly Takeover[]): number => all.at(-1)?.known.record.epoch ?? -1;
  return epochOf(b) > epochOf(a) ? b : a;
}

/** What may have been certified is continued: the records that a reporter signed come first. */
function record(state: Collecting): TransferStep {
  const { head, epoch, candidate, reports, accepted } = state;
  const previous = accepted.at(-1)?.known ?? head;
  const leader = must(head.record.candidates[candidate], "the record has the candidate");
  // A committee changes only right after a certified record.
  const committee = accepted.length === 0 ? state.change : null;
  const known = justifiedRecord({ previous, epoch, leader, reports, committee });
  const takeovers = [...accepted, { known, reports }];
  const goal = known.record.start.inherited;
  const recording = { ...state, phase: "recording", change: committee, takeovers, goal } as const;
  return { state: recording, effects: [{ do: "write", takeovers }] };
}

/**
 * The log is cut to what is inherited only when no restart can lead the older epoch on it: a leader that
 * lost chunks that it had signed would sign others in their place.
 */
function recover(state: TransferState & { readonly phase: "recording" }): TransferStep {
  const { goal } = state;
  const holders = goal === null ? [] : holdersOf(state, goal);
  return { state: { ...state, phase: "recovering" }, effects: [{ do: "recover", goal, holders }] };
}

/** Reporters who acked the goal come first, then the others: their older acks may cover it. */
function holdersOf({ reports }: Pick<Collecting, "reports">, goal: ChunkRef) {
  const has = (hash: string | undefined): number => (hash === goal.hash ? 0 : 1);
  return [...reports]
    .sort((a, b) => has(tipOf(a)?.hash) - has(tipOf(b)?.hash))
    .map(({ by }) => by.member);
}

function sign(
  state: TransferState & { readonly phase: "recovering" },
  nowMs: number,
): TransferStep {
  const { rules, peers, takeovers, goal } = state;
  const signing: Signing = {
    ...state,
    phase: "signing",
    flows: peers.map(() => newFlow(goal?.height ?? -1, rules, nowMs)),
    signatures: takeovers.map(() => []),
    joined: [],
    answered: [],
  };
  return advance(signing, nowMs, []);
}

function onSigned(state: Signing, event: TransferEvent & { readonly is: "signed" }): TransferStep {
  const { peer, member, byPrevious, byJoining, nowMs } = event;
  if (state.answered.includes(peer)) return { state, effects: [] };
  const signatures =
    member === null
      ? state.signatures
      : state.signatures.map((all, i) => {
          const signature = byPrevious[i];
          return signature === undefined ? all : [...all, { member, signature }];
        });
  const joined = byJoining === null ? state.joined : [...state.joined, byJoining];
  const next = { ...state, signatures, joined, answered: [...state.answered, peer] };
  if (!isCertified(next)) return advance(next, nowMs, []);
  return { state: IDLE_TRANSFER, effects: [{ do: "opened", opening: openingOf(next) }] };
}

function isCertified({ head, takeovers, signatures, joined }: Signing): boolean {
  const { quorum } = head.record;
  const last = must(takeovers.at(-1), "there is a record to sign").known.record;
  const joining = joiningMembers(last, head.record);
  const hasJoined = joining.every((at) => joined.some(({ member }) => member === at));
  return hasJoined && signatures.every((all) => all.length >= quorum);
}

function openingOf({ takeovers, signatures, joined, epoch, reports }: Signing): Opening {
  const all: readonly (readonly SignedByMember[])[] = signatures;
  return { epoch, takeovers, signatures: all, joined, reports };
}

/** Writes to every peer that is still needed and may be written to. */
function advance(state: Busy, nowMs: number, effects: readonly TransferEffect[]): TransferStep {
  const written: TransferEffect[] = [];
  const flows = state.flows.map((flow, peer) => {
    const effect = mayWrite(flow, nowMs) ? speak(state, flow, peer) : null;
    if (effect === null) return flow;
    written.push(effect);
    return noteSent(flow, state.rules, nowMs);
  });
  return { state: { ...state, flows }, effects: [...effects, ...written] };
}

function speak(state: Busy, flow: Flow, peer: number): TransferEffect | null {
  if (!isNeeded(state, peer)) return null;
  if (state.phase === "collecting") return { do: "prepare", to: peer };
  if (state.phase !== "signing") return null;
  const { goal, takeovers, change, rules } = state;
  const page = pageFor(flow, goal?.height ?? -1, rules);
  return { do: "sign", to: peer, page, takeovers, change };
}

function isNeeded(state: Busy, peer: number): boolean {
  if (state.phase === "signing") return !state.answered.includes(peer);
  // Who joins has no report to give.
  if (state.phase !== "collecting" || peer >= state.head.record.members.length) return false;
  return !state.reports.some(({ by }) => by.member === peer);
}

/** When the next `tick` will do something, if nothing else happens. */
export function transferDueMs(state: TransferState, nowMs: number): number {
  if (state.phase === "idle") return Number.POSITIVE_INFINITY;
  const speech = state.flows.map((flow, peer) =>
    isNeeded(state, peer) ? writeDueMs(flow, nowMs) : Number.POSITIVE_INFINITY,
  );
  return Math.min(state.endsMs, ...speech);
}
