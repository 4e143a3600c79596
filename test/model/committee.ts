/**
 * Leader changes of a committee, as a machine around the real rules: promise, start, signature, ack (C6, C7).
 *
 * Validators are real rows under the real `decidePromise`, `decideAck`, `startProblem`, `startAfter` and
 * `applyRows`. Anybody may ask for any later epoch at any time, reports and acks may be given or not, a
 * leader may stop after any step, and whatever was said may be heard at any later time. What the machine
 * leaves out: signatures, payloads, the election before a takeover, and certificates on their way to
 * validators, which only ever refuse more than they do here. Everything a validator does is one durable
 * step; a rule that forgets is put in by a mutant.
 */

import { decideAck, decidePromise } from "../../src/core/consensus/admit.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { EMPTY_LINE, type LineChunk } from "../../src/core/consensus/line.ts";
import { startAfter, startProblem } from "../../src/core/consensus/takeover.ts";
import { candidateIndex, epoch } from "../../src/core/consensus/types.ts";
import {
  applyRows,
  newValidator,
  type ValidatorDurable,
  type ValidatorRow,
} from "../../src/core/consensus/validator-state.ts";
import { must } from "../../src/core/types/assert.ts";
import { offset } from "../../src/core/types/units.ts";
import {
  type Attempt,
  attemptOf,
  brokenIn,
  type CommitteeRules,
  type CommitteeState,
  certifiedIn,
  fresh,
  isRecordCertified,
  keyOf,
  Ledger,
  type Reach,
  type ReportOf,
  replaced,
  reportOf,
  short,
  withAttempt,
  withValidator,
} from "./committee-state.ts";
import type { Machine } from "./explorer.ts";

export type CommitteeBounds = {
  readonly validators: number;
  /** Epochs after 0. */
  readonly epochs: number;
  /** Rivals for each of them. */
  readonly rivals: number;
  /** Chunks of each leader. */
  readonly chunks: number;
  /** Whether a validator may join an epoch and not ack anything in it yet. */
  readonly joinsApart: boolean;
  /** Batches that each leader may post. */
  readonly posts: 0 | 1;
};

export function committee(bounds: CommitteeBounds, rules: CommitteeRules): Machine<CommitteeState> {
  return new Committee(bounds, rules);
}

class Committee implements Machine<CommitteeState> {
  readonly initial: readonly CommitteeState[];
  readonly #bounds: CommitteeBounds;
  readonly #rules: CommitteeRules;
  readonly #quorum: number;
  readonly #ledger: Ledger;

  constructor(bounds: CommitteeBounds, rules: CommitteeRules) {
    this.#bounds = bounds;
    this.#rules = rules;
    this.#quorum = rules.quorum(bounds.validators);
    this.#ledger = new Ledger(this.#quorum);
    const genesis = this.#ledger.record(0, 0, EMPTY_LINE.hash, {
      inherited: null,
      keepThrough: offset(0),
      firstOffset: offset(1),
    });
    const validator = newValidator(genesis);
    const all = Array.from({ length: bounds.validators }, () => validator);
    const first: Attempt = {
      ...{ epoch: 0, candidate: 0, reports: all.map(() => null), record: genesis },
      ...{ previous: EMPTY_LINE.hash, signed: all.map(() => true), chunks: [], hasPosted: false },
    };
    this.initial = [{ validators: all, attempts: [first], acks: new Map(), posted: [] }];
  }

  key(state: CommitteeState): string {
    return keyOf(state);
  }

  readonly expand: Machine<CommitteeState>["expand"] = (state, reach) => {
    const { epochs, rivals } = this.#bounds;
    for (let at = 1; at <= epochs; at++) {
      for (let candidate = 0; candidate < rivals; candidate++) {
        this.#expandReports(state, at, candidate, reach);
      }
    }
    for (const [i, attempt] of state.attempts.entries()) {
      this.#expandAttempt(state, attempt, i, reach);
    }
    if (!this.#rules.keepsPromises) this.#expandCrashes(state, reach);
  };

  /** A crash forgets what was promised beyond the record that was joined. */
  #expandCrashes(state: CommitteeState, reach: Reach): void {
    for (const [v, one] of state.validators.entries()) {
      const { epoch: at, leader } = one.head.record;
      if (one.promised.epoch === at) continue;
      const forgot = { ...one, promised: { epoch: at, candidate: leader } };
      reach(`v${v} crashes`, withValidator(state, v, forgot));
    }
  }

  #expandReports(state: CommitteeState, at: number, candidate: number, reach: Reach): void {
    const i = state.attempts.findIndex((one) => one.epoch === at && one.candidate === candidate);
    for (const [v, one] of state.validators.entries()) {
      if ((state.attempts[i]?.reports[v] ?? null) !== null) continue;
      if (state.attempts[i]?.record) continue;
      const asked = [epoch(at), candidateIndex(candidate)] as const;
      if (decidePromise(one, ...asked) === "fenced") continue;
      const promised = { epoch: asked[0], candidate: asked[1] };
      const report = {
        tip: this.#rules.reported(one.tip),
        head: one.head,
        newest: one.accepted.at(-1)?.known ?? one.head,
      };
      const next = withValidator(state, v, applyRows(one, [{ row: "promise", promised }]));
      const attempt = state.attempts[i] ?? attemptOf(at, candidate, this.#bounds.validators);
      const reports = replaced(attempt.reports, v, report);
      reach(
        `v${v} reports to ${candidate} for ${at}`,
        withAttempt(next, i, { ...attempt, reports }),
      );
    }
  }

  #expandAttempt(state: CommitteeState, attempt: Attempt, i: number, reach: Reach): void {
    const name = `${attempt.candidate} in ${attempt.epoch}`;
    if (attempt.record === null) {
      const given = attempt.reports.filter((report) => report !== null);
      if (given.length < this.#quorum) return;
      const { record, previous } = this.#justified(attempt, given);
      reach(`${name} records`, withAttempt(state, i, { ...attempt, record, previous }));
      return;
    }
    this.#expandSignatures(state, attempt, attempt.record, reach);
    if (!isRecordCertified(state, this.#quorum, attempt.record)) return;
    this.#expandLeading(state, attempt, attempt.record, i, reach);
  }

  #justified(attempt: Attempt, given: readonly ReportOf[]) {
    const { continuesAccepted } = this.#rules;
    const previous = given
      .map(({ newest, head }) => (continuesAccepted ? newest : head))
      .reduce((a, b) => (b.record.epoch > a.record.epoch ? b : a));
    const reports = given.map(({ tip }) => reportOf(tip));
    const start = startAfter(previous.record, reports, epoch(attempt.epoch));
    const record = this.#ledger.record(attempt.epoch, attempt.candidate, previous.hash, start);
    return { record, previous: previous.hash };
  }

  #expandSignatures(
    state: CommitteeState,
    attempt: Attempt,
    known: KnownRecord,
    reach: Reach,
  ): void {
    for (const [v, one] of state.validators.entries()) {
      if (attempt.signed[v] === true || one.head.record.epoch >= attempt.epoch) continue;
      const { promised } = one;
      const isPromised =
        promised.epoch < attempt.epoch ||
        (promised.epoch === attempt.epoch && promised.candidate === attempt.candidate);
      if (!isPromised) continue;
      const line = this.#ledger.lineTo(known.record.start.inherited?.hash ?? null);
      const fed = applyRows(one, fresh(one, line));
      if (startProblem(fed, known.record.start) !== null) continue;
      const suffix = this.#ledger.suffix(one.head, known);
      if (suffix === null) continue;
      const isRival = one.accepted.some(({ known: other }) =>
        suffix.some((mine) => mine.record.epoch === other.record.epoch && mine.hash !== other.hash),
      );
      if (isRival) continue;
      const accepted = suffix.map((each) => ({ known: each, reports: [] }));
      const rows: ValidatorRow[] = [{ row: "accepted", accepted }];
      if (promised.epoch < attempt.epoch) {
        const next = { epoch: epoch(attempt.epoch), candidate: candidateIndex(attempt.candidate) };
        rows.push({ row: "promise", promised: next });
      }
      let next = withValidator(state, v, applyRows(fed, rows));
      for (const each of suffix) {
        const at = next.attempts.findIndex(({ record }) => record?.hash === each.hash);
        const other = must(next.attempts[at], "a record is an attempt's");
        next = withAttempt(next, at, { ...other, signed: replaced(other.signed, v, true) });
      }
      reach(`v${v} signs ${attempt.candidate} in ${attempt.epoch}`, next);
    }
  }

  #expandLeading(
    state: CommitteeState,
    attempt: Attempt,
    known: KnownRecord,
    i: number,
    reach: Reach,
  ): void {
    const name = `${attempt.candidate} in ${attempt.epoch}`;
    const inherited = known.record.start.inherited;
    const line = this.#ledger.lineTo(attempt.chunks.at(-1)?.ref.hash ?? inherited?.hash ?? null);
    if (attempt.chunks.length < this.#bounds.chunks) {
      const chunk = this.#ledger.chunk(attempt, line.at(-1) ?? null);
      reach(
        `${name} proposes`,
        withAttempt(state, i, { ...attempt, chunks: [...attempt.chunks, chunk] }),
      );
    }
    for (const [v, one] of state.validators.entries()) {
      const joined = this.#joined(state, one, attempt, known);
      if (joined === null) continue;
      if (joined !== one && this.#bounds.joinsApart) {
        reach(`v${v} joins ${name}`, withValidator(state, v, joined));
      } else if (joined.promised.epoch === attempt.epoch) {
        this.#expandAcks(withValidator(state, v, joined), known, line, v, reach);
      }
    }
    this.#expandPost(state, attempt, line, i, reach);
  }

  /** The validator with this record as its head; null when it cannot be, or is beyond it. */
  #joined(
    state: CommitteeState,
    one: ValidatorDurable,
    attempt: Attempt,
    known: KnownRecord,
  ): ValidatorDurable | null {
    if (one.head.hash === known.hash) return one;
    const suffix =
      one.head.record.epoch < attempt.epoch ? this.#ledger.suffix(one.head, known) : null;
    if (suffix?.every((each) => isRecordCertified(state, this.#quorum, each)) !== true) return null;
    return applyRows(
      one,
      suffix.map((each): ValidatorRow => ({ row: "record", known: each })),
    );
  }

  #expandAcks(
    state: CommitteeState,
    known: KnownRecord,
    line: readonly LineChunk[],
    v: number,
    reach: Reach,
  ): void {
    const one = must(state.validators[v], "there is such a validator");
    for (const [at, chunk] of line.entries()) {
      const fed = applyRows(one, fresh(one, line.slice(0, at + 1)));
      const decision = decideAck(fed, chunk.ref);
      if (decision.do !== "ack" || decision.isRepeat) continue;
      const tip = { ackEpoch: known.record.epoch, chunk };
      const next = withValidator(state, v, applyRows(fed, [{ row: "ack", tip }]));
      const key = `${short(known.hash)}>${short(chunk.ref.hash)}`;
      const acks = new Map(state.acks);
      acks.set(
        key,
        [...(acks.get(key) ?? []), v].sort((a, b) => a - b),
      );
      reach(`v${v} acks ${chunk.ref.height} in ${known.record.epoch}`, { ...next, acks });
    }
  }

  #expandPost(
    state: CommitteeState,
    attempt: Attempt,
    line: readonly LineChunk[],
    i: number,
    reach: Reach,
  ): void {
    const certified = new Set(certifiedIn(state, this.#ledger).map(({ ref }) => ref.hash));
    const chunk = this.#rules.certifiesFirst
      ? line.findLast(({ ref }) => certified.has(ref.hash))
      : line.at(-1);
    if (attempt.hasPosted || this.#bounds.posts === 0 || chunk === undefined) return;
    const posted = [...state.posted, chunk];
    reach(`${attempt.candidate} posts ${chunk.ref.height}`, {
      ...withAttempt(state, i, { ...attempt, hasPosted: true }),
      posted,
    });
  }

  broken(state: CommitteeState): string | null {
    return brokenIn(state, this.#ledger);
  }
}
