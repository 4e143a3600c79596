/**
 * A validator as a step function: it never acks two histories, whatever crashes (C4, C6).
 *
 * Nothing leaves before the rows that it rests on are durable: an effect that speaks waits behind the
 * write, and for every write before it. Signatures are verified before an event comes here, and an ack
 * is signed after its write, over exactly what was written. Payloads are judged by the driver between
 * `check` and `checked`: their root in mode `linkage`, also their meaning in mode `full`. Since anything
 * may happen in between, an offer is judged anew when its last verdict is in.
 */

import { assert } from "../types/assert.ts";
import { ackStatement } from "./ack.ts";
import { decideAck, decidePromise } from "./admit.ts";
import type { KnownRecord } from "./epoch-record.ts";
import type { Evidence } from "./evidence.ts";
import { heldThrough, storedOf } from "./held.ts";
import type { ReportStatement } from "./report.ts";
import { type Taken, takeIn } from "./take-in.ts";
import { takeoverProblem } from "./takeover.ts";
import type { Offer, ValidatorEffect, ValidatorEvent, Wish } from "./validator-events.ts";
import {
  applyRows,
  EVIDENCE_MAX,
  isForked,
  memberOf,
  type Takeover,
  type ValidatorDurable,
  type ValidatorRow,
} from "./validator-state.ts";

/** Writes that wait for their confirmation, and replies that wait for them. */
export const WRITES_MAX: number = 64;
const REPLIES_MAX = 256;

export type ValidatorState = {
  readonly key: Uint8Array;
  readonly durable: ValidatorDurable;
  readonly offer: Offer | null;
  readonly writes: readonly Waiting[];
  readonly nextWrite: number;
  readonly nextOffer: number;
  /** See `heldThrough`. */
  readonly compared: number | null;
};

type Waiting = { readonly write: number; readonly replies: readonly ValidatorEffect[] };

export type ValidatorStep = {
  readonly state: ValidatorState;
  readonly effects: readonly ValidatorEffect[];
};

/** A validator that wakes up with its rows; `key` is its own, and may be one that no record lists. */
export function wakeValidator(key: Uint8Array, durable: ValidatorDurable): ValidatorState {
  return { key, durable, offer: null, writes: [], nextWrite: 0, nextOffer: 0, compared: null };
}

export function stepValidator(state: ValidatorState, event: ValidatorEvent): ValidatorStep {
  switch (event.is) {
    case "offer": {
      const { from, feed, wish } = event;
      const offer = { from, feed, wish, id: state.nextOffer, asked: 0, checked: [], refused: [] };
      const step = judge({ ...state, offer: null, nextOffer: offer.id + 1 }, offer);
      // What brings no chunks has nothing to be checked: what waits for its verdicts goes on waiting.
      const waits = feed.chunks.length === 0 ? state.offer : null;
      return { ...step, state: { ...step.state, offer: step.state.offer ?? waits } };
    }
    case "checked":
      return onChecked(state, event);
    case "written":
      return onWritten(state, event.write);
    case "prepare":
      return onPrepare(state, event);
    case "records":
      return onRecords(state, event.records);
    case "evidence":
      return accuse(state, event.evidence);
  }
}

function onChecked(
  state: ValidatorState,
  { offer: id, hash, isValid }: ValidatorEvent & { readonly is: "checked" },
): ValidatorStep {
  const { offer } = state;
  if (offer === null || offer.id !== id) return { state, effects: [] };
  const refused = isValid ? offer.refused : [...offer.refused, hash];
  const checked = [...offer.checked, hash];
  const next = { ...offer, checked, refused };
  if (checked.length < offer.asked) return { state: { ...state, offer: next }, effects: [] };
  return judge({ ...state, offer: null }, next);
}

/** An offer from its first look to its answer; the newest one replaces an older one that waits. */
function judge(state: ValidatorState, offer: Offer): ValidatorStep {
  const closed = gate(state, offer);
  if (closed !== null) return { state: { ...state, offer: null }, effects: [closed] };
  const { from, feed, wish, checked, refused } = offer;
  const isAlive: readonly ValidatorEffect[] =
    wish.is === "ack" && checked.length === 0 ? [{ do: "alive" }] : [];
  const taken = takeIn(state.durable, feed, refused);
  const judged = new Set(checked);
  const unchecked = taken.fresh.filter(({ ref }) => !judged.has(ref.hash));
  if (unchecked.length > 0) {
    // A second time for what was stored, or of no use, when the first verdicts were asked for.
    const waiting = { ...offer, asked: checked.length + unchecked.length };
    const ask = { do: "check", offer: offer.id, chunks: unchecked } as const;
    return { state: { ...state, offer: waiting }, effects: [...isAlive, ask] };
  }
  let step = withEffects(settle({ ...state, offer: null }, taken, offer), isAlive);
  if (taken.problem !== null) {
    step = withEffects(step, [{ do: "refuse", to: from, why: taken.problem }]);
  }
  for (const evidence of taken.evidence) step = chain(step, (at) => accuse(at, evidence));
  return step;
}

/** Whom a validator does not listen to at all; null: go on. */
function gate(
  { durable, key, writes }: ValidatorState,
  { from, wish }: Offer,
): ValidatorEffect | null {
  const { head, promised } = durable;
  if (writes.length >= WRITES_MAX) return { do: "refuse", to: from, why: "busy" };
  if (wish.is === "sign") {
    const last = wish.takeovers.at(-1)?.known.record;
    const isListed = last !== undefined && memberOf(last, key) !== null;
    const isMember = memberOf(head.record, key) !== null;
    return isListed || isMember ? null : { do: "refuse", to: from, why: "mute" };
  }
  if (memberOf(head.record, key) === null) return { do: "refuse", to: from, why: "mute" };
  if (wish.epoch < promised.epoch) return { do: "fenced", to: from, epoch: promised.epoch };
  if (wish.recordHash !== head.hash) {
    return { do: "head", to: from, epoch: head.record.epoch, hash: head.hash };
  }
  // The head's epoch is at most the promised one, and this one is at least that.
  assert(wish.epoch === head.record.epoch, "a record has one epoch");
  return isForked(durable, wish.epoch) ? { do: "refuse", to: from, why: "fork" } : null;
}

function settle(state: ValidatorState, taken: Taken, offer: Offer): ValidatorStep {
  const { from, feed, wish } = offer;
  const { rows, durable } = taken;
  if (wish.is === "sign") return settleSigning(state, taken, { ...offer, wish });
  const { through, compared } = heldThrough(taken, feed, wish.target, state.compared);
  const told = { ...state, compared };
  const holds = { do: "holds", to: from, through } as const;
  if (wish.target === null) return commit(told, rows, [holds]);
  const decision = decideAck(durable, wish.target);
  if (decision.do === "wait") return commit(told, rows, [holds]);
  if (decision.do === "refuse") {
    return commit(told, rows, [{ do: "refuse", to: from, why: decision.why }]);
  }
  const statement = ackStatement(durable.head, decision.chunk.ref);
  const tip = { ackEpoch: durable.head.record.epoch, chunk: decision.chunk };
  const ack: readonly ValidatorRow[] = decision.isRepeat ? [] : [{ row: "ack", tip }];
  return commit(told, [...rows, ...ack], [{ do: "ack", to: from, statement }]);
}

function settleSigning(
  state: ValidatorState,
  { rows, durable }: Taken,
  { from, feed, wish }: Offer & { readonly wish: Wish & { readonly is: "sign" } },
): ValidatorStep {
  const { takeovers } = wish;
  const isMember = memberOf(durable.head.record, state.key) !== null;
  const problem = takeoverProblem(durable, { ...wish, isMember });
  if (problem === "start") {
    const through = Math.max(durable.base.height, storedOf(durable, feed));
    return commit(state, rows, [{ do: "holds", to: from, through }]);
  }
  if (problem === "promise") {
    const { epoch } = durable.promised;
    return commit(state, rows, [{ do: "fenced", to: from, epoch }]);
  }
  if (problem !== null) {
    const why = problem === "certified" ? problem : "record";
    return commit(state, rows, [{ do: "refuse", to: from, why }]);
  }
  const records = takeovers.map(({ known }) => known);
  const sign = { do: "sign-records", to: from, records, previous: durable.head } as const;
  const promise = promiseRows(durable, takeovers);
  return commit(state, [...rows, ...promise, { row: "accepted", accepted: takeovers }], [sign]);
}

/** A member that was not among the reporters promises the epoch by signing its record. */
function promiseRows(
  { head, promised }: ValidatorDurable,
  takeovers: readonly Takeover[],
): readonly ValidatorRow[] {
  const [report] = takeovers.at(-1)?.reports ?? [];
  const epoch = takeovers.at(-1)?.known.record.epoch ?? head.record.epoch;
  if (report === undefined || epoch <= promised.epoch) return [];
  return [{ row: "promise", promised: { epoch, candidate: report.statement.candidate } }];
}

type Prepare = ValidatorEvent & { readonly is: "prepare" };

function onPrepare(state: ValidatorState, event: Prepare): ValidatorStep {
  const { from, epoch, candidate, recordHash } = event;
  const { durable, key } = state;
  const { head, promised } = durable;
  const say = (effect: ValidatorEffect): ValidatorStep => ({ state, effects: [effect] });
  if (memberOf(head.record, key) === null) return say({ do: "refuse", to: from, why: "mute" });
  if (state.writes.length >= WRITES_MAX) return say({ do: "refuse", to: from, why: "busy" });
  if (recordHash !== head.hash) {
    return say({ do: "head", to: from, epoch: head.record.epoch, hash: head.hash });
  }
  const decision = decidePromise(durable, epoch, candidate);
  if (decision === "fenced") return say({ do: "fenced", to: from, epoch: promised.epoch });
  const { tip, accepted } = durable;
  const statement: ReportStatement = {
    chainId: head.record.chainId,
    app: head.record.app,
    recordHash: head.hash,
    promisedEpoch: epoch,
    candidate,
    tip: tip === null ? null : { ackEpoch: tip.ackEpoch, header: tip.chunk.signed },
  };
  const rows: readonly ValidatorRow[] =
    decision === "repeat" ? [] : [{ row: "promise", promised: { epoch, candidate } }];
  return commit(state, rows, [{ do: "report", to: from, statement, accepted }]);
}

function onRecords(state: ValidatorState, records: readonly KnownRecord[]): ValidatorStep {
  const rows: ValidatorRow[] = [];
  let head = state.durable.head;
  for (const known of records) {
    if (known.record.previous !== head.hash) continue;
    rows.push({ row: "record", known });
    head = known;
  }
  return commit({ ...state, compared: null }, rows, []);
}

function accuse(state: ValidatorState, evidence: Evidence): ValidatorStep {
  const { evidence: kept } = state.durable;
  const isKnown = kept.some((one) => evidenceKey(one) === evidenceKey(evidence));
  if (isKnown || kept.length >= EVIDENCE_MAX) return { state, effects: [] };
  return commit(state, [{ row: "evidence", evidence }], [{ do: "accuse", evidence }]);
}

/** One piece per culprit, epoch and height is enough. */
function evidenceKey({ kind, pair: [first] }: Evidence): string {
  if ("header" in first) return `${kind} ${first.header.epoch} ${first.header.height}`;
  const { epoch, height } = first.statement;
  return `${kind} ${epoch} ${height} ${first.by.member}`;
}

/** Applies rows now, and lets `replies` out when they, and all rows before them, are durable. */
function commit(
  state: ValidatorState,
  rows: readonly ValidatorRow[],
  replies: readonly ValidatorEffect[],
): ValidatorStep {
  const { writes } = state;
  const last = writes.at(-1);
  if (rows.length > 0) {
    const write = state.nextWrite;
    const durable = applyRows(state.durable, rows);
    const { givenUp } = durable;
    const isShown = givenUp !== state.durable.givenUp;
    const said = isShown ? [...replies, { do: "give-up", chunks: givenUp } as const] : replies;
    const waiting = [...writes, { write, replies: said }];
    const next = { ...state, durable, nextWrite: write + 1, writes: waiting };
    return { state: next, effects: [{ do: "write", write, rows }] };
  }
  if (last === undefined) return { state, effects: replies };
  if (last.replies.length >= REPLIES_MAX) return { state, effects: [] };
  const longer = { ...last, replies: [...last.replies, ...replies] };
  return { state: { ...state, writes: [...writes.slice(0, -1), longer] }, effects: [] };
}

function onWritten(state: ValidatorState, write: number): ValidatorStep {
  const [first, ...writes] = state.writes;
  assert(first !== undefined && first.write === write, "writes are confirmed in their order");
  return { state: { ...state, writes }, effects: first.replies };
}

function withEffects(step: ValidatorStep, before: readonly ValidatorEffect[]): ValidatorStep {
  return { state: step.state, effects: [...before, ...step.effects] };
}

function chain(step: ValidatorStep, next: (state: ValidatorState) => ValidatorStep): ValidatorStep {
  return withEffects(next(step.state), step.effects);
}
