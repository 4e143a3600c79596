/**
 * A candidate for one log, whoever writes it: follows it, takes it over when elected, gets it certified (C5-C8).
 *
 * The owner of the log says what a payload is and appends it; a candidate says when that may be done, and
 * asks the committee for its acks. One that does not lead follows the log, and one that is elected
 * continues it where the committee left it. It holds no clock, no socket and no disk of its own.
 */

import type { CommitCertificate } from "../core/consensus/commit-certificate.ts";
import type { SignedRecord } from "../core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import type { ProposalsSnapshot } from "../core/consensus/proposals.ts";
import { leaderOf } from "../core/consensus/signed-header.ts";
import type { Committee } from "../core/consensus/takeover.ts";
import { err, type Result } from "../core/types/result.ts";
import { Candidacy } from "./candidacy.ts";
import type { Surroundings } from "./clock.ts";
import type { CandidateEvents, CandidateOptions, Health } from "./conductor-types.ts";
import type { ProposeError, TransferError } from "./errors.ts";
import { Fetcher } from "./fetcher.ts";
import { Follower } from "./follower.ts";
import { HandOvers } from "./hand-over.ts";
import { healthOf } from "./health.ts";
import { Inbox } from "./inbox.ts";
import type { Lead } from "./lead.ts";
import { Leadership } from "./leadership.ts";
import { dispatch, type Handlers, type Message } from "./messages.ts";
import type { LogEntry } from "./payload-store.ts";
import { PendingChange } from "./pending-change.ts";
import { answerToHead } from "./records.ts";

export class Candidate {
  readonly #options: CandidateOptions;
  readonly #around: Surroundings;
  readonly #events: CandidateEvents;
  readonly #fetcher: Fetcher;
  readonly #candidacy: Candidacy;
  readonly #follower: Follower;
  readonly #leadership: Leadership;
  readonly #inbox: Inbox;
  readonly #change: PendingChange;
  readonly #handOvers: HandOvers;
  #isPaused = false;
  #isRunning = false;
  #certifiedMs: number | null = null;
  #fault: unknown = null;
  #stopListening: (() => void) | null = null;

  constructor(options: CandidateOptions, around: Surroundings, events: CandidateEvents) {
    const { manager, store, signer, rules, placeOf, checkPayload } = options;
    this.#options = options;
    this.#around = around;
    this.#events = events;
    this.#change = new PendingChange(manager, around);
    this.#handOvers = new HandOvers(manager, rules, around);
    this.#fetcher = new Fetcher(
      { manager, store, placeOf, checkPayload, answerMs: rules.askMs, begin: options.begin },
      around,
    );
    this.#leadership = new Leadership(options, around, {
      certified: (certificate) => {
        this.#certifiedMs = around.clock.nowMs();
        events.certified(certificate);
      },
      serving: () => events.serving(),
      ended: () => {
        events.ended();
        this.#fetcher.release();
      },
      failed: (error) => this.#fail(error),
    });
    this.#candidacy = new Candidacy(
      {
        ...{ key: signer.publicKey, manager, store, rules: rules.transfer },
        fetcher: this.#fetcher,
        change: this.#change.current,
        settled: this.#leadership.settled,
      },
      around,
      {
        began: () => this.#leadership.end(),
        opened: (records) => this.#run(() => this.#onOpened(records)),
        failed: () => this.#fetcher.release(),
        faulted: (error) => this.#fail(error),
      },
    );
    this.#inbox = new Inbox(
      (from, message) => this.#handle(from, message),
      (error) => this.#fail(error),
    );
    this.#follower = new Follower({
      clock: around.clock,
      everyMs: rules.followMs,
      follow: () => this.#fetcher.follow(),
      mayFollow: () => this.#leadership.lead === null && this.#candidacy.phase === "idle",
      grew: () => {
        this.#certifiedMs = around.clock.nowMs();
      },
      failed: (error) => this.#fail(error),
    });
  }

  async start(): Promise<void> {
    this.#isRunning = true;
    const { transport } = this.#around;
    this.#stopListening = transport.listen(this.#inbox.receive);
    this.#options.metrics.term = this.#options.manager.current().record.epoch;
    // Whoever began to take a later epoch over has cut its log, and leads no older one on it.
    const made = (await this.#options.store.takeover()) ?? -1;
    const { epoch } = this.#options.manager.current().record;
    if (this.#leads() && made <= epoch) await this.#leadership.begin(this.#fetcher.hold());
    if (this.#isRunning) this.#follower.start();
  }

  /**
   * For good: whoever starts again makes a new one on the same store. Resolves when nothing of it is on
   * its way to the log any more.
   */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#stopListening?.();
    this.#inbox.close();
    this.#candidacy.stop();
    this.#handOvers.stop();
    this.#leadership.end();
    this.#follower.stop();
    await Promise.all([this.#leadership.settled(), this.#fetcher.hold()]);
  }

  /** Takes no leadership until `resume`, and gives none up. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Why it stopped by itself; null when it did not. */
  get fault(): unknown {
    return this.#fault;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The term at work; null where another one leads, or a takeover is under way. */
  get lead(): Lead | null {
    return this.#leadership.lead;
  }

  /** Whether this one leads the newest epoch that is known here. */
  get isLeading(): boolean {
    return this.#leadership.lead !== null;
  }

  /** Whether it leads, and has opened its epoch. */
  get isServing(): boolean {
    return this.#leadership.lead?.isServing ?? false;
  }

  /** Whether more may be ordered now: it serves, and not too much waits for certificates (C6). */
  get mayOrder(): boolean {
    const { lead } = this.#leadership;
    return lead?.isServing === true && lead.mayOrder && !this.#isPaused;
  }

  /** Id of the leader of the newest epoch that is known here. */
  get leaderId(): string {
    return leaderOf(this.#options.manager.current().record).id;
  }

  /**
   * Chunks of this one's epoch that are durable and signed, linked to the newest one, in order. Those of
   * an epoch that is over are ignored: its successor inherits them or does not.
   */
  announce(entries: readonly LogEntry[]): void {
    this.#leadership.lead?.announce(entries);
  }

  /** Somebody waits for the certificate of this height (C2). */
  want(through: number): void {
    this.#leadership.lead?.want(through);
  }

  /** Resolves when another epoch has begun; `to` is a candidate's id, null: whoever's turn it is. */
  async transfer(to: string | null): Promise<Result<KnownRecord, TransferError>> {
    return await this.#handOvers.transfer(to, this.#leadership.lead?.state ?? null);
  }

  /** A decision of the committee that is no payload. */
  async propose(
    payload: Uint8Array,
    ttlMs: number | null = null,
  ): Promise<Result<CommitCertificate, ProposeError>> {
    const { council } = this.#leadership;
    if (council === null) return err({ reason: "not-leader" });
    return await council.propose(payload, null, ttlMs);
  }

  /** Certifies another committee, which the next epoch then begins with, whoever leads it. */
  async proposeCommittee(committee: Committee): Promise<Result<CommitCertificate, ProposeError>> {
    const { council } = this.#leadership;
    if (council === null) return err({ reason: "not-leader" });
    return await this.#change.propose(council, committee);
  }

  get proposals(): ProposalsSnapshot | null {
    return this.#leadership.council?.snapshot ?? null;
  }

  async health(): Promise<Health> {
    const nowMs = this.#around.clock.nowMs();
    return await healthOf(this.#options, this.#leadership.lead, this.#certifiedMs, nowMs);
  }

  async #handle(from: string, message: Message): Promise<void> {
    if (!this.#isRunning || (await dispatch(this.#handlers, from, message))) return;
    if (message.is === "fenced") this.#askRecords(from, message.epoch);
    if (message.is === "elected" && this.#isPaused) return;
    await this.#candidacy.handle(from, message);
    await this.#leadership.handle(from, message);
  }

  readonly #handlers: Handlers = {
    records: (_from, { records }) => this.#onRecords(records),
    change: (_from, { change }) => this.#change.hear(change),
    "want-records": (from, { after }) =>
      this.#send(from, { is: "records", records: this.#options.manager.after(after) }),
    head: async (from, message) => {
      const { chain, after } = this.#options.manager;
      this.#send(from, answerToHead({ chain: chain(), after }, message.hash));
      await this.#leadership.handle(from, message);
    },
    beginning: (from, message) => this.#fetcher.receive(from, message),
    chunks: (from, message) => {
      this.#fetcher.receive(from, message);
      this.#askRecords(from, message.certificate?.epoch ?? 0);
    },
  };

  /** Somebody knows of a later epoch. */
  #askRecords(from: string, epoch: number): void {
    const { record } = this.#options.manager.current();
    if (epoch > record.epoch) this.#send(from, { is: "want-records", after: record.epoch });
  }

  async #onRecords(records: readonly SignedRecord[]): Promise<void> {
    const { manager } = this.#options;
    if (!(await manager.extend(records))) return;
    // Whoever opened a newer epoch has ended this one's; the own epochs begin in `#onOpened`.
    if (!this.#leads()) this.#leadership.end();
    this.#moved();
  }

  async #onOpened(records: readonly SignedRecord[]): Promise<void> {
    const { manager } = this.#options;
    if (!(await manager.extend(records)) || !this.#isRunning) return;
    const { record } = manager.current();
    const endpoints = [...record.members, ...record.candidates].map(({ endpoint }) => endpoint);
    for (const endpoint of endpoints) this.#send(endpoint, { is: "records", records });
    this.#moved();
    if (this.#leads()) await this.#leadership.begin(this.#fetcher.hold());
  }

  #leads(): boolean {
    return this.#options.manager.isSequencer(this.#options.signer.publicKey);
  }

  #moved(): void {
    this.#options.metrics.term = this.#options.manager.current().record.epoch;
    this.#events.records();
  }

  #run(work: () => Promise<void>): void {
    void work().catch((error: unknown) => this.#fail(error));
  }

  /** What fails is a store, or a bug: neither may be gone on with. */
  #fail(error: unknown): void {
    if (this.#fault !== null) return;
    this.#fault = error;
    void this.stop();
    this.#events.failed(error);
  }

  #send(to: string, message: Message | null): void {
    if (this.#isRunning && message !== null) this.#around.transport.send(to, message);
  }
}
