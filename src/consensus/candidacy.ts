/**
 * A candidate's way to an epoch at work: it shows its votes, fetches, records and gathers signatures (C6).
 */

import type { SignedRecord } from "../core/consensus/epoch-chain.ts";
import type { EpochRecord } from "../core/consensus/epoch-record.ts";
import { recordPreimage } from "../core/consensus/epoch-record-bytes.ts";
import { forkEvidence } from "../core/consensus/evidence.ts";
import type { MemberSignature } from "../core/consensus/member-signature.ts";
import { memberCheck } from "../core/consensus/member-signature.ts";
import { combineSignatures, type SignedByMember } from "../core/consensus/multi-signature.ts";
import type { Report } from "../core/consensus/report.ts";
import { IDLE_TRANSFER, stepTransfer, transferDueMs } from "../core/consensus/transfer.ts";
import type {
  Opening,
  TransferEffect,
  TransferEvent,
  TransferRules,
  TransferState,
} from "../core/consensus/transfer-state.ts";
import { memberOf, type Takeover } from "../core/consensus/validator-state.ts";
import type { Vote } from "../core/consensus/vote.ts";
import { must } from "../core/types/assert.ts";
import { bytesEqual } from "../core/types/bytes.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import { Alarm, type Surroundings, type Untimed } from "./clock.ts";
import type { EpochManager } from "./epoch-manager.ts";
import type { Fetcher } from "./fetcher.ts";
import {
  type Answer,
  type CertifiedChange,
  dispatch,
  type Handlers,
  type Message,
} from "./messages.ts";
import { sentChunks } from "./outgoing.ts";
import type { PayloadStore } from "./payload-store.ts";
import { verifyElection, verifyReport, verifyTakeovers } from "./verify.ts";

export type CandidacyOptions = {
  readonly key: Uint8Array;
  readonly manager: EpochManager;
  readonly store: PayloadStore;
  readonly fetcher: Fetcher;
  readonly rules: TransferRules;
  /** Resolves when nobody else writes to the log. */
  readonly settled: () => Promise<void>;
  /** The certified change of committee that waits for the next epoch. */
  readonly change: () => CertifiedChange | null;
};

export type CandidacyEvents = {
  /** The candidate begins: nothing is ordered here until it has ended. */
  readonly began: () => void;
  readonly opened: (records: readonly SignedRecord[]) => void;
  readonly failed: (why: "timeout" | "fenced" | "lost") => void;
  readonly faulted: (error: unknown) => void;
};

export class Candidacy {
  readonly #options: CandidacyOptions;
  readonly #around: Surroundings;
  readonly #events: CandidacyEvents;
  readonly #alarm: Alarm;
  #state: TransferState = IDLE_TRANSFER;
  #votes: readonly Vote[] = [];
  #change: CertifiedChange | null = null;
  #isStopped = false;

  constructor(options: CandidacyOptions, around: Surroundings, events: CandidacyEvents) {
    this.#options = options;
    this.#around = around;
    this.#events = events;
    this.#alarm = new Alarm(around.clock, () => this.#step({ is: "tick" }));
  }

  get phase(): TransferState["phase"] {
    return this.#state.phase;
  }

  stop(): void {
    this.#isStopped = true;
    this.#state = IDLE_TRANSFER;
    this.#alarm.set(Number.POSITIVE_INFINITY);
  }

  async handle(from: string, message: Message): Promise<void> {
    await dispatch(this.#handlers, from, message);
  }

  readonly #handlers: Handlers = {
    elected: (_from, { votes }) => this.#onElected(votes),
    report: (_from, { report, accepted }) => this.#onReport(report, accepted),
    signed: (from, answer) => this.#onSigned(from, answer),
    fenced: (from, { epoch }) => {
      if (this.#peersAt(from).length > 0) this.#step({ is: "fenced", epoch });
    },
    holds: (from, { through }) => {
      for (const peer of this.#peersAt(from)) this.#step({ is: "holds", peer, through });
    },
  };

  async #onReport(said: Report, accepted: readonly Takeover[]): Promise<void> {
    const { judge } = this.#around;
    const chain = this.#options.manager.chain();
    if (this.#state.phase !== "collecting") return;
    const report = await verifyReport(judge, chain, said);
    if (report === null) return;
    const isSound = await verifyTakeovers(judge, chain, accepted);
    this.#compare(report);
    this.#step({ is: "reported", report, accepted: isSound ? accepted : [] });
  }

  /** Two reporters that acked two chunks of one leader at one height have the proof of it between them. */
  #compare({ statement: { tip } }: Report): void {
    const state = this.#state;
    if (tip === null || state.phase !== "collecting") return;
    for (const { statement } of state.reports) {
      const other = statement.tip?.header ?? null;
      const evidence = other === null ? null : forkEvidence(other, tip.header);
      if (evidence === null) continue;
      for (const { endpoint } of state.peers) {
        this.#around.transport.send(endpoint, { is: "evidence", evidence });
      }
    }
  }

  async #onElected(votes: readonly Vote[]): Promise<void> {
    const { manager, key, rules, store } = this.#options;
    const head = manager.current();
    const won = await verifyElection(this.#around.judge, head, votes);
    if (won === null || this.#isStopped) return;
    const candidate = head.record.candidates[won.candidate];
    if (candidate === undefined || !bytesEqual(candidate.key, key)) return;
    // An epoch has one record: whoever made one, and lost what it knew of it, waits for the next term.
    const made = await store.takeover();
    if (made !== null && won.term <= made) return;
    if (this.#state.phase !== "idle" && won.term <= this.#state.epoch) return;
    this.#votes = votes;
    this.#change = this.#options.change();
    this.#events.began();
    this.#step({
      is: "elected",
      ...{ rules, head, term: won.term, candidate: won.candidate },
      change: this.#change?.committee ?? null,
    });
  }

  /** A member signed the records, or one that joins the last of them. */
  async #onSigned(from: string, answer: Answer & { readonly is: "signed" }): Promise<void> {
    const state = this.#state;
    if (state.phase !== "signing") return;
    const { takeovers, head } = state;
    const joinsOnly = answer.byPrevious === null;
    const peer = this.#peersAt(from).find((at) => at >= head.record.members.length === joinsOnly);
    if (peer === undefined) return;
    if (answer.records.join() !== takeovers.map(({ known }) => known.hash).join()) return;
    const last = must(takeovers.at(-1), "there is a record to sign").known.record;
    const key = must(state.peers[peer], "a peer has a key").key;
    const member = memberOf(head.record, key);
    const joins = member === null ? memberOf(last, key) : null;
    const { byPrevious, byJoining } = answer;
    if (member !== null) {
      const all = byPrevious ?? [];
      if (all.length !== takeovers.length) return;
      const verdicts = await Promise.all(
        all.map(async (one, i) => {
          const record = must(takeovers[i], "one for each record").known.record;
          return one.member === member && (await this.#isSigned(one, head.record, record));
        }),
      );
      if (!verdicts.every((verdict) => verdict)) return;
      const signatures = all.map(({ signature }) => signature);
      return this.#step({ is: "signed", peer, member, byPrevious: signatures, byJoining: null });
    }
    if (joins === null || byJoining === null || byJoining.member !== joins) return;
    if (!(await this.#isSigned(byJoining, last, last))) return;
    const joined: SignedByMember = { member: joins, signature: byJoining.signature };
    this.#step({ is: "signed", peer, member: null, byPrevious: [], byJoining: joined });
  }

  async #isSigned(by: MemberSignature, as: EpochRecord, record: EpochRecord): Promise<boolean> {
    const check = memberCheck(by, as, recordPreimage(record));
    if (!check.ok) return false;
    return (await this.#around.judge.settle({ unproven: null, checks: [check.value] })).ok;
  }

  /** One that came back with another key is two: the member that was, and the one that joins. */
  #peersAt(endpoint: string): readonly number[] {
    if (this.#state.phase === "idle") return [];
    return this.#state.peers.flatMap((peer, i) => (peer.endpoint === endpoint ? [i] : []));
  }

  #step(event: Untimed<TransferEvent>): void {
    if (this.#isStopped) return;
    const nowMs = this.#around.clock.nowMs();
    const { state, effects } = stepTransfer(this.#state, { ...event, nowMs });
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#alarm.set(transferDueMs(this.#state, nowMs));
  }

  #perform(effect: TransferEffect): void {
    switch (effect.do) {
      case "prepare":
        this.#prepare(effect.to);
        return;
      case "recover":
        this.#run(async () => {
          const { fetcher, settled } = this.#options;
          await settled();
          const isThere = await fetcher.recover(effect.goal, effect.holders);
          return { is: isThere ? "recovered" : "lost" };
        });
        return;
      case "write":
        this.#run(async () => {
          const last = must(effect.takeovers.at(-1), "there is a record to make").known.record;
          await this.#options.store.saveTakeover(last.epoch);
          return { is: "written" };
        });
        return;
      case "sign":
        this.#run(async () => {
          await this.#sign(effect);
          return null;
        });
        return;
      case "opened":
        this.#events.opened(this.#signedRecords(effect.opening));
        return;
      case "failed":
        this.#events.failed(effect.why);
        return;
    }
  }

  /** What fails here is a store: the node stops. An answer for an attempt that is over is dropped. */
  #run(work: () => Promise<Untimed<TransferEvent> | null>): void {
    const begun = this.#epoch;
    void work().then(
      (event) => {
        if (event !== null && this.#epoch === begun) this.#step(event);
      },
      (error: unknown) => this.#events.faulted(error),
    );
  }

  get #epoch(): number | null {
    return this.#state.phase === "idle" ? null : this.#state.epoch;
  }

  #prepare(to: number): void {
    const state = this.#state;
    const peer = state.phase === "idle" ? undefined : state.peers[to];
    if (state.phase === "idle" || peer === undefined) return;
    const { epoch, candidate, head } = state;
    const votes = this.#votes;
    this.#around.transport.send(peer.endpoint, {
      ...{ is: "prepare", epoch, recordHash: head.hash, candidate, votes },
    });
  }

  async #sign(effect: TransferEffect & { readonly do: "sign" }): Promise<void> {
    const { store } = this.#options;
    const { page, takeovers, to } = effect;
    const entries =
      page.from > page.through ? [] : await store.page(page.from, page.through, BLOB_BYTES_MAX);
    const { certified } = await store.ends();
    const certificate = await store.certificateFor(certified.height);
    const peer = this.#state.phase === "idle" ? undefined : this.#state.peers[to];
    if (peer === undefined) return;
    const feed = { certificate, checkpoint: null, chunks: sentChunks(entries) };
    const change = effect.change === null ? null : this.#change;
    this.#around.transport.send(peer.endpoint, { is: "sign", takeovers, change, feed });
  }

  /** The records with the signatures that were gathered; asserts that those are enough. */
  #signedRecords({ takeovers, signatures, joined }: Opening): readonly SignedRecord[] {
    const { schemes } = this.#around.judge;
    const { record: head } = this.#options.manager.current();
    return takeovers.map(({ known: { record } }, i) => ({
      record,
      byPrevious: combineSignatures(schemes[head.scheme], head.members.length, signatures[i] ?? []),
      byJoining: combineSignatures(
        schemes[record.scheme],
        record.members.length,
        i === takeovers.length - 1 ? joined : [],
      ),
    }));
  }
}
