/** The proposals of a leader at work: sent to the members, voted on, written down, answered (C8). */

import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CommitCertificate,
  commitCertificate,
  type ProposalStatement,
  proposalPreimage,
} from "../core/consensus/commit-certificate.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { memberCheck } from "../core/consensus/member-signature.ts";
import {
  type CommitEntry,
  type ProposalRules,
  type ProposalsEffect,
  type ProposalsEvent,
  type ProposalsRow,
  type ProposalsSnapshot,
  type ProposalsState,
  proposalsDueMs,
  snapshotOf,
  startProposals,
  stepProposals,
} from "../core/consensus/proposals.ts";
import { type Committee, committeeDigest } from "../core/consensus/takeover.ts";
import { memberIndex } from "../core/consensus/types.ts";
import { hashFromBytes } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { Alarm, type Surroundings, type Untimed } from "./clock.ts";
import type { ProposeError } from "./errors.ts";
import type { Answer, Message } from "./messages.ts";
import type { Metrics } from "./metrics.ts";

/** Durable when it resolves. */
export type CommitLog = {
  readonly load: () => Promise<{
    readonly nextSequence: (term: number) => number;
    readonly entries: readonly CommitEntry[];
    readonly evicted: ProposalsState["evicted"] | null;
  }>;
  readonly write: (row: ProposalsRow) => Promise<void>;
};

/** A commit log in memory, which keeps everything. */
export class MemoryCommitLog implements CommitLog {
  readonly #rows: ProposalsRow[] = [];

  load() {
    const entries = this.#rows.flatMap((row) => (row.row === "committed" ? [row.entry] : []));
    const nextSequence = (term: number): number =>
      1 +
      Math.max(
        0,
        ...this.#rows.flatMap((row) =>
          row.row === "proposed" && row.id.term === term ? [row.id.sequence] : [],
        ),
      );
    return Promise.resolve({ nextSequence, entries, evicted: null });
  }

  write(row: ProposalsRow): Promise<void> {
    this.#rows.push(row);
    return Promise.resolve();
  }
}

export type CouncilOptions = {
  readonly known: KnownRecord;
  readonly log: CommitLog;
  readonly rules: ProposalRules;
  readonly metrics: Metrics;
};

type Asked = {
  readonly payload: Uint8Array;
  readonly committee: Committee | null;
  readonly answer: (result: Result<CommitCertificate, ProposeError>) => void;
};

/** How often an unanswered proposal is sent again. */
const RESEND_MS = 500;

export class Council {
  readonly #options: CouncilOptions;
  readonly #around: Surroundings;
  readonly #alarm: Alarm;
  readonly #resend: Alarm;
  #state: ProposalsState | null = null;
  /** Asked and without a number yet, in order; then by digest and number. */
  readonly #queue: Asked[] = [];
  readonly #open = new Map<number, Asked>();
  /** Numbers that are durable, and may be sent again. */
  readonly #sent = new Set<number>();

  constructor(options: CouncilOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#alarm = new Alarm(around.clock, () => this.#step({ is: "tick" }));
    this.#resend = new Alarm(around.clock, () => this.#sendAgain());
  }

  async start(): Promise<void> {
    const { known, log, rules } = this.#options;
    const { nextSequence, entries, evicted } = await log.load();
    this.#state = startProposals({
      rules,
      head: known,
      nextSequence: nextSequence(known.record.epoch),
      log: entries.slice(-rules.logMax),
      evicted,
    });
  }

  get snapshot(): ProposalsSnapshot | null {
    return this.#state === null ? null : snapshotOf(this.#state);
  }

  /** Ends what is pending; nothing is taken any more. */
  close(): void {
    this.#step({ is: "close" });
    this.#state = null;
    this.#alarm.set(Number.POSITIVE_INFINITY);
    this.#resend.set(Number.POSITIVE_INFINITY);
    for (const asked of [...this.#queue, ...this.#open.values()]) {
      asked.answer(err({ reason: "closed" }));
    }
  }

  /** `committee`: what the payload stands for, in which case it is what the digest binds. */
  async propose(
    payload: Uint8Array,
    committee: Committee | null,
    ttlMs: number | null,
  ): Promise<Result<CommitCertificate, ProposeError>> {
    if (this.#state === null) return err({ reason: "closed" });
    const digest = committee === null ? hashFromBytes(sha256(payload)) : committeeDigest(committee);
    return await new Promise((answer) => {
      this.#queue.push({ payload, committee, answer });
      this.#step({ is: "propose", digest, ttlMs });
    });
  }

  async handle(from: string, message: Message): Promise<void> {
    const { members } = this.#options.known.record;
    const at = members.findIndex(({ endpoint }) => endpoint === from);
    if (at === -1) return;
    if (message.is === "proposal-denied") {
      return this.#step({ is: "deny", id: message.id, member: memberIndex(at) });
    }
    if (message.is === "proposal-vote") await this.#onVote(at, message);
  }

  async #onVote(at: number, vote: Answer & { readonly is: "proposal-vote" }): Promise<void> {
    const { statement, by } = vote;
    const check = memberCheck(by, this.#options.known.record, proposalPreimage(statement));
    if (by.member !== at || !check.ok) return;
    const claim = { unproven: null, checks: [check.value] };
    if (!(await this.#around.judge.settle(claim)).ok) return;
    const { member, signature } = by;
    this.#step({ is: "vote", statement, by: { member, signature } });
  }

  #step(event: Untimed<ProposalsEvent>): void {
    if (this.#state === null) return;
    const { state, effects } = stepProposals(this.#state, {
      ...event,
      nowMs: this.#around.clock.nowMs(),
    });
    this.#state = state;
    this.#options.metrics.pendingDecisions = state.pending.length;
    for (const effect of effects) this.#perform(effect);
    if (this.#state !== null) this.#alarm.set(proposalsDueMs(this.#state));
  }

  #perform(effect: ProposalsEffect): void {
    switch (effect.do) {
      case "write": {
        const { write, row } = effect;
        if (row.row === "proposed") this.#number(row.id.sequence);
        void this.#options.log.write(row).then(
          () => this.#step({ is: "written", write }),
          // A log that fails has kept nothing: neither may anything of it be said.
          () => this.close(),
        );
        return;
      }
      case "refused": {
        const reason = effect.why;
        this.#queue.shift()?.answer(err({ reason }));
        return;
      }
      case "broadcast":
        this.#sent.add(effect.statement.id.sequence);
        this.#send(effect.statement);
        return;
      case "committed":
        this.#commit(effect.entry, effect.latencyMs);
        return;
      case "aborted": {
        const { cause, id } = effect;
        this.#options.metrics.proposals[cause === "expired" ? "expired" : "aborted"] += 1;
        this.#open.get(id.sequence)?.answer(err({ reason: cause }));
        this.#open.delete(id.sequence);
      }
    }
  }

  /** The one that was just asked for got its number. */
  #number(sequence: number): void {
    const asked = this.#queue.shift();
    if (asked !== undefined) this.#open.set(sequence, asked);
  }

  #commit({ statement, votes }: CommitEntry, latencyMs: number): void {
    const { known, metrics } = this.#options;
    metrics.countCommit(latencyMs);
    const scheme = this.#around.judge.schemes[known.record.scheme];
    const certificate = commitCertificate(statement, votes, known, scheme);
    this.#open.get(statement.id.sequence)?.answer(ok(certificate));
    this.#open.delete(statement.id.sequence);
  }

  #send(statement: ProposalStatement): void {
    const asked = this.#open.get(statement.id.sequence);
    if (asked === undefined) return;
    const { payload, committee } = asked;
    for (const { endpoint } of this.#options.known.record.members) {
      const message = { is: "proposal", statement, payload, committee } as const;
      this.#around.transport.send(endpoint, message);
    }
    this.#resend.set(this.#around.clock.nowMs() + RESEND_MS);
  }

  #sendAgain(): void {
    for (const { statement } of this.#state?.pending ?? []) {
      if (this.#sent.has(statement.id.sequence)) this.#send(statement);
    }
  }
}
