/**
 * The election of a validator at work: its messages, its timer and its signed votes (C8).
 *
 * The step function decides; what is added here are signatures, the records that two members must share
 * before they can vote for each other, and the votes that an elected candidate shows.
 */

import { electionDueMs, startElection, stepElection } from "../core/consensus/election.ts";
import type { ElectionRules } from "../core/consensus/election-rules.ts";
import type {
  ElectionDurable,
  ElectionEffect,
  ElectionEvent,
  ElectionState,
  Role,
} from "../core/consensus/election-state.ts";
import type { Evidence } from "../core/consensus/evidence.ts";
import {
  type CandidateIndex,
  epoch,
  type MemberIndex,
  memberIndex,
  type Tip,
} from "../core/consensus/types.ts";
import { type AckedTip, memberOf, tipOfAck } from "../core/consensus/validator-state.ts";
import { type Vote, type VoteStatement, votePreimage } from "../core/consensus/vote.ts";
import { Alarm, type Surroundings, type Untimed } from "./clock.ts";
import { dispatch, type Handlers, type Message } from "./messages.ts";
import type { Metrics } from "./metrics.ts";
import { answerToHead, type Records } from "./records.ts";
import type { SignatureBook } from "./signature-book.ts";
import { verifyVote } from "./verify.ts";

export type ElectionOptions = { readonly rules: ElectionRules; readonly metrics: Metrics };

/** What it shares with the validator whose part it is. */
export type ElectionShare = {
  readonly records: Records;
  readonly durable: ElectionDurable | null;
  readonly book: SignatureBook;
  readonly tip: () => AckedTip | null;
  /** False when it failed. */
  readonly write: (durable: ElectionDurable) => Promise<boolean>;
};

export class ElectionDriver {
  readonly #metrics: Metrics;
  readonly #around: Surroundings;
  readonly #share: ElectionShare;
  readonly #alarm: Alarm;
  #state: ElectionState;
  /** For what this member asked last. */
  #votes: readonly Vote[] = [];
  #isStopped = false;

  constructor({ rules, metrics }: ElectionOptions, around: Surroundings, share: ElectionShare) {
    this.#metrics = metrics;
    this.#around = around;
    this.#share = share;
    const { head } = share.records;
    this.#state = startElection({
      rules,
      durable: share.durable,
      head,
      self: memberOf(head.record, share.book.publicKey),
      nowMs: around.clock.nowMs(),
      unit: around.random(),
    });
    this.#alarm = new Alarm(around.clock, () => this.#step({ is: "tick", tip: this.#tip() }));
    this.#arm();
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): number {
    return this.#state.durable.term;
  }

  stop(): void {
    this.#isStopped = true;
    this.#alarm.set(Number.POSITIVE_INFINITY);
  }

  /** The leader of the newest record spoke. */
  heard(): void {
    this.#step({ is: "heard" });
  }

  /** The candidate of this epoch takes over. */
  courted(by: number): void {
    this.#step({ is: "courted", epoch: epoch(by) });
  }

  /** The chain of records has a new head. */
  moved(): void {
    const { head } = this.#share.records;
    const self = memberOf(head.record, this.#share.book.publicKey);
    this.#step({ is: "record", head, self });
  }

  /** Shows members and candidates what was found, and stops waiting for a leader that forked its log. */
  accuse(evidence: Evidence): void {
    this.toOthers({ is: "evidence", evidence });
    const { epoch: current, candidates } = this.#share.records.head.record;
    for (const { endpoint } of candidates) this.#send(endpoint, { is: "evidence", evidence });
    const isLeader = evidence.kind === "fork" && evidence.pair[0].header.epoch === current;
    if (isLeader) this.#step({ is: "distrusted" });
  }

  transfer(candidate: CandidateIndex | null): void {
    this.#step({ is: "transfer", candidate, tip: this.#tip() });
  }

  async handle(from: string, message: Message): Promise<void> {
    await dispatch(this.#handlers, from, message);
  }

  readonly #handlers: Handlers = {
    transfer: (_from, { candidate }) => this.transfer(candidate),
    ask: (from, { vote, isTransfer }) => this.#onAsk(from, vote, isTransfer),
    vote: (_from, { vote }) => this.#onVote(vote),
    denied: (_from, { term }) => this.#step({ is: "denied", term }),
    "election-heartbeat": (from, { term }) => {
      const member = this.#memberAt(from);
      if (member !== null) this.#step({ is: "heartbeat", term, from: member });
    },
  };

  async #onAsk(from: string, vote: Vote, isTransfer: boolean): Promise<void> {
    const { records } = this.#share;
    const { recordHash } = vote.statement;
    if (recordHash !== records.head.hash) {
      // The vote is asked for again when both have the same records.
      const answer = answerToHead(records, recordHash);
      if (answer !== null) this.#send(from, answer);
      return;
    }
    const verified = await verifyVote(this.#around.judge, records.head, vote);
    const ask = verified?.statement;
    if (ask === undefined || verified?.by.member !== ask.asker) return;
    this.#step({ is: "asked", ask, isTransfer, tip: this.#tip() });
  }

  async #onVote(vote: Vote): Promise<void> {
    const verified = await verifyVote(this.#around.judge, this.#share.records.head, vote);
    if (verified !== null) this.#count(verified);
  }

  #count(vote: Vote): void {
    const { statement, by } = vote;
    const [first] = this.#votes;
    const isSame = first !== undefined && first.statement.term === statement.term;
    this.#votes = isSame
      ? [...this.#votes.filter((one) => one.by.member !== by.member), vote]
      : [vote];
    this.#step({ is: "voted", statement, by: by.member });
  }

  #tip(): Tip | null {
    return tipOfAck(this.#share.tip());
  }

  #step(event: Untimed<ElectionEvent>): void {
    if (this.#isStopped) return;
    const at = { nowMs: this.#around.clock.nowMs(), unit: this.#around.random() };
    const { state, effects } = stepElection(this.#state, { ...event, ...at });
    this.#state = state;
    this.#metrics.term = state.durable.term;
    for (const effect of effects) this.#perform(effect);
    this.#arm();
  }

  #arm(): void {
    if (!this.#isStopped) this.#alarm.set(electionDueMs(this.#state));
  }

  #perform(effect: ElectionEffect): void {
    switch (effect.do) {
      case "write": {
        const { write } = effect;
        void this.#share.write(effect.durable).then((isDurable) => {
          if (isDurable) this.#step({ is: "written", write });
        });
        return;
      }
      case "ask":
        void this.#ask(effect.statement, effect.isTransfer);
        return;
      case "vote":
        void this.#vote(effect.to, effect.statement);
        return;
      case "deny":
        this.#sendTo(effect.to, { is: "denied", term: effect.term });
        return;
      case "heartbeat":
        this.toOthers({ is: "election-heartbeat", term: effect.term });
        return;
      case "elect":
        this.#elect(effect.statement);
        return;
      case "role":
        this.#metrics.countRole(effect.from, effect.to);
    }
  }

  async #ask(statement: VoteStatement, isTransfer: boolean): Promise<void> {
    const vote = await this.#sign(statement);
    if (vote === null || this.#isStopped) return;
    this.toOthers({ is: "ask", vote, isTransfer });
    this.#count(vote);
  }

  async #vote(to: MemberIndex, statement: VoteStatement): Promise<void> {
    const vote = await this.#sign(statement);
    if (vote !== null) this.#sendTo(to, { is: "vote", vote });
  }

  async #sign(statement: VoteStatement): Promise<Vote | null> {
    const { self } = this.#state;
    if (self === null) return null;
    const { book } = this.#share;
    const signature = await book.sign("vote", votePreimage(statement));
    return { statement, by: { member: self, scheme: book.scheme, signature } };
  }

  /** Tells the candidate, with the votes that make it one. */
  #elect({ candidate, term }: VoteStatement): void {
    const votes = this.#votes.filter(
      ({ statement }) => statement.candidate === candidate && statement.term === epoch(term),
    );
    const elected = this.#state.head.record.candidates[candidate];
    if (elected !== undefined) this.#send(elected.endpoint, { is: "elected", votes });
  }

  #memberAt(endpoint: string): MemberIndex | null {
    const at = this.#state.head.record.members.findIndex((one) => one.endpoint === endpoint);
    return at === -1 ? null : memberIndex(at);
  }

  /** To every other member of the newest record. */
  toOthers(message: Message): void {
    const { head, self } = this.#state;
    for (const [i, member] of head.record.members.entries()) {
      if (i !== self) this.#send(member.endpoint, message);
    }
  }

  #sendTo(member: MemberIndex, message: Message): void {
    const endpoint = this.#state.head.record.members[member]?.endpoint;
    if (endpoint !== undefined) this.#send(endpoint, message);
  }

  #send(to: string, message: Message): void {
    if (!this.#isStopped) this.#around.transport.send(to, message);
  }
}
