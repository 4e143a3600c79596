/**
 * The leader's side of the broadcast: chunks go out, acks come in, certificates come of them (C2, C6).
 *
 * One ack round is in flight. It asks for the newest chunk, and its certificate covers every chunk since
 * the last one; the next round starts `roundGapMs` after it began, or `wantedGapMs` when it is wanted. A
 * certified height is never asked for again, so one history has at most one certificate of a height from one
 * epoch. Signatures are verified before an event comes here, and a chunk is durable before it is announced as
 * `appended`.
 */

import { assert } from "../types/assert.ts";
import type {
  BroadcastEffect,
  BroadcastEvent,
  BroadcastRules,
  BroadcastState,
  BroadcastStep,
  TailChunk,
} from "./broadcast-state.ts";
import {
  type Flow,
  mayWrite,
  newFlow,
  noteDone,
  noteHolds,
  noteSeen,
  noteSent,
  pageFor,
  writeDueMs,
} from "./flow.ts";
import type { SignedByMember } from "./multi-signature.ts";
import {
  type ChunkRef,
  type Epoch,
  type MemberIndex,
  memberIndex,
  UNCERTIFIED_EVENTS_MAX,
} from "./types.ts";

export type BroadcastStart = {
  readonly rules: BroadcastRules;
  readonly epoch: Epoch;
  readonly certified: ChunkRef | null;
  readonly tail: readonly TailChunk[];
  readonly checkpoint: ChunkRef | null;
  readonly nowMs: number;
};

/** A leader that begins, or wakes up in, its epoch. Every peer is taken to hold what is certified. */
export function startBroadcast(start: BroadcastStart): BroadcastState {
  const { rules, epoch, certified, tail, checkpoint, nowMs } = start;
  assert(rules.quorum * 2 > rules.members, "two quorums share a member");
  // Everybody hears of it at once: whoever knows of a later epoch says so.
  const flow = newFlow(certified?.height ?? -1, rules, nowMs - rules.heartbeatMs);
  return {
    rules,
    epoch,
    certified,
    tail,
    round: null,
    roundStartedMs: null,
    wantedThrough: -1,
    flows: Array.from({ length: rules.members }, () => flow),
    heardMs: Array.from({ length: rules.members }, () => nowMs),
    checkpoint,
    nextCheckpoint: certified,
    fencedBy: null,
  };
}

/** C6: whether the leader may order more. It answers 503 otherwise. */
export function mayOrder(state: BroadcastState): boolean {
  return state.fencedBy === null && uncertifiedEvents(state) < UNCERTIFIED_EVENTS_MAX;
}

export function uncertifiedEvents({ tail }: BroadcastState): number {
  return tail.reduce((sum, { events }) => sum + events, 0);
}

export function stepBroadcast(state: BroadcastState, event: BroadcastEvent): BroadcastStep {
  if (state.fencedBy !== null) return { state, effects: [] };
  switch (event.is) {
    case "tick":
      return advance(state, event.nowMs, []);
    case "appended": {
      const grown = append(state, event.chunks);
      // Before the next round nothing more is said of it; what else is due is due at a tick.
      return roundDueMs(grown) > event.nowMs
        ? { state: grown, effects: [] }
        : advance(grown, event.nowMs, []);
    }
    case "wanted": {
      const wantedThrough = Math.max(state.wantedThrough, event.through);
      return advance({ ...state, wantedThrough }, event.nowMs, []);
    }
    case "pruned":
      return { state: { ...state, checkpoint: event.through }, effects: [] };
    case "acked":
      return onAck(heard(state, event.by.member, event.nowMs), event.chunk, event.by, event.nowMs);
    case "holds": {
      const { member, through, nowMs } = event;
      return advance(onHolds(heard(state, member, nowMs), member, through), nowMs, []);
    }
    case "seen":
      return advance(onSeen(state, event.member, event.nowMs), event.nowMs, []);
    case "fenced":
      return event.epoch > state.epoch ? stepDown(state, event.epoch) : { state, effects: [] };
  }
}

function stepDown(state: BroadcastState, epoch: Epoch): BroadcastStep {
  const ended = { ...state, round: null, fencedBy: epoch };
  return { state: ended, effects: [{ do: "step-down", epoch }] };
}

function heard(state: BroadcastState, member: MemberIndex, nowMs: number): BroadcastState {
  return { ...state, heardMs: state.heardMs.map((at, i) => (i === member ? nowMs : at)) };
}

/** When the member that completes the newest quorum of answers will have been silent for too long. */
function quorumLostAtMs({ heardMs, rules }: BroadcastState): number {
  const newest = [...heardMs].sort((a, b) => b - a)[rules.quorum - 1];
  return (newest ?? 0) + rules.quorumLostMs;
}

function append(state: BroadcastState, chunks: readonly TailChunk[]): BroadcastState {
  const next = ((state.tail.at(-1) ?? state.certified)?.height ?? -1) + 1;
  const inOrder = chunks.every(({ height }, i) => height === next + i);
  assert(inOrder, "chunks are appended in the order of the log");
  return { ...state, tail: [...state.tail, ...chunks] };
}

function onHolds(state: BroadcastState, member: MemberIndex, through: number): BroadcastState {
  const most = state.tail.at(-1)?.height ?? state.certified?.height ?? -1;
  const holds = Math.min(through, most);
  return withFlow(state, member, (flow) => noteHolds(flow, holds, state.rules));
}

/** With one more member there may be a quorum: a leader that had grown quiet asks everybody. */
function onSeen(state: BroadcastState, member: MemberIndex, nowMs: number): BroadcastState {
  const isQuiet = nowMs >= quorumLostAtMs(state);
  const flows = state.flows.map((flow, i) =>
    i === member || isQuiet ? noteSeen(flow, state.rules) : flow,
  );
  return heard({ ...state, flows }, member, nowMs);
}

function withFlow(
  state: BroadcastState,
  member: MemberIndex,
  change: (flow: Flow) => Flow,
): BroadcastState {
  return { ...state, flows: state.flows.map((flow, i) => (i === member ? change(flow) : flow)) };
}

function onAck(
  state: BroadcastState,
  chunk: ChunkRef,
  by: SignedByMember,
  nowMs: number,
): BroadcastStep {
  if (!isOnLine(state, chunk)) return { state, effects: [] };
  const noted = withFlow(state, by.member, (flow) => noteDone(flow, chunk.height, state.rules));
  const { round } = noted;
  const counts =
    round !== null &&
    round.target.hash === chunk.hash &&
    round.acks.every(({ member }) => member !== by.member);
  if (!counts) return advance(noted, nowMs, []);
  const acks = [...round.acks, by];
  if (acks.length < state.rules.quorum) {
    return advance({ ...noted, round: { ...round, acks } }, nowMs, []);
  }
  const { height, hash } = round.target;
  const certify: BroadcastEffect = { do: "certify", chunk: { height, hash }, acks };
  return prune(certifiedAt(noted, { height, hash }), nowMs, [certify]);
}

/** Whether the leader's own line has this chunk, as far as it is remembered. */
function isOnLine({ certified, tail }: BroadcastState, chunk: ChunkRef): boolean {
  return chunk.hash === certified?.hash || tail.some(({ hash }) => hash === chunk.hash);
}

function certifiedAt(state: BroadcastState, chunk: ChunkRef): BroadcastState {
  const tail = state.tail.filter(({ height }) => height > chunk.height);
  return { ...state, certified: chunk, tail, round: null };
}

/** Payloads go when twice as many certified ones are kept as must be; certificates stay. */
function prune(
  state: BroadcastState,
  nowMs: number,
  effects: readonly BroadcastEffect[],
): BroadcastStep {
  const { certified, nextCheckpoint, rules } = state;
  if (nextCheckpoint === null || certified === null) {
    return advance({ ...state, nextCheckpoint: certified }, nowMs, effects);
  }
  if (certified.height - nextCheckpoint.height < rules.retainChunks) {
    return advance(state, nowMs, effects);
  }
  const next = { ...state, nextCheckpoint: certified };
  return advance(next, nowMs, [...effects, { do: "prune", through: nextCheckpoint }]);
}

/** Starts a round when one is due, then writes to everybody who may be written to. */
function advance(
  state: BroadcastState,
  nowMs: number,
  effects: readonly BroadcastEffect[],
): BroadcastStep {
  const begun = roundDueMs(state) <= nowMs ? beginRound(state, nowMs) : state;
  const written: BroadcastEffect[] = [];
  const lostAtMs = quorumLostAtMs(begun);
  const flows = begun.flows.map((flow, i) => {
    if (nowMs < quietUntilMs(begun, flow, lostAtMs, nowMs)) return flow;
    const effect = speak(begun, flow, memberIndex(i), nowMs);
    if (effect === null) return flow;
    written.push(effect);
    return effect.do === "propose"
      ? noteSent(flow, begun.rules, nowMs)
      : { ...flow, spokeMs: nowMs };
  });
  return { state: { ...begun, flows }, effects: [...effects, ...written] };
}

function roundDueMs(state: BroadcastState): number {
  const { round, tail, roundStartedMs, rules } = state;
  if (round !== null || tail.length === 0) return Number.POSITIVE_INFINITY;
  if (roundStartedMs === null) return 0;
  const isWanted =
    state.wantedThrough > (state.certified?.height ?? -1) ||
    uncertifiedEvents(state) >= rules.wantedEvents;
  return roundStartedMs + (isWanted ? rules.wantedGapMs : rules.roundGapMs);
}

function beginRound(state: BroadcastState, nowMs: number): BroadcastState {
  const newest = state.tail.at(-1);
  assert(newest !== undefined, "a round has a chunk to ask for");
  const target = { height: newest.height, hash: newest.hash };
  return { ...state, round: { target, acks: [] }, roundStartedMs: nowMs };
}

function speak(
  state: BroadcastState,
  flow: Flow,
  to: MemberIndex,
  nowMs: number,
): BroadcastEffect | null {
  const wanted = wantedOf(state, flow, to);
  if (wanted !== null && mayWrite(flow, nowMs)) {
    const page = pageFor(flow, wanted.height, state.rules);
    const target = wanted === state.round?.target ? wanted : null;
    const { checkpoint } = state;
    if (checkpoint === null || page.from > checkpoint.height) {
      return { do: "propose", to, page, checkpoint: null, target };
    }
    const rest = pageFor({ ...flow, holds: checkpoint.height }, wanted.height, state.rules);
    return { do: "propose", to, page: rest, checkpoint, target };
  }
  return nowMs - flow.spokeMs >= state.rules.heartbeatMs ? { do: "heartbeat", to } : null;
}

/** When this peer may be spoken to, as far as a leader without a quorum keeps quiet. */
function quietUntilMs(
  { rules }: BroadcastState,
  flow: Flow,
  lostAtMs: number,
  nowMs: number,
): number {
  return nowMs < lostAtMs ? nowMs : flow.spokeMs + rules.quietMs;
}

/** What a peer should have and is not known to have: the round's target, else what is certified. */
function wantedOf(state: BroadcastState, flow: Flow, to: MemberIndex): ChunkRef | null {
  const { round, certified } = state;
  if (round !== null) {
    return round.acks.some(({ member }) => member === to) ? null : round.target;
  }
  return certified !== null && flow.holds < certified.height ? certified : null;
}

/** When the next `tick` will do something, if nothing else happens. */
export function broadcastDueMs(state: BroadcastState, nowMs: number): number {
  if (state.fencedBy !== null) return Number.POSITIVE_INFINITY;
  const lostAtMs = quorumLostAtMs(state);
  const speech = state.flows.map((flow, i) => {
    const heartbeat = flow.spokeMs + state.rules.heartbeatMs;
    const isWanted = wantedOf(state, flow, memberIndex(i)) !== null;
    const dueMs = isWanted ? Math.min(heartbeat, writeDueMs(flow, nowMs)) : heartbeat;
    return Math.max(dueMs, quietUntilMs(state, flow, lostAtMs, nowMs));
  });
  return Math.min(roundDueMs(state), ...speech);
}
