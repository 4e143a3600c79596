/**
 * One log of payloads, committed through whichever candidate leads (C5-C8).
 *
 * `commit` resolves when a quorum has the payload on disk, with the certificate that says so, or with a
 * typed error. Everything about leading and following is the candidate's; what is added here is what a
 * payload is, and how one is appended.
 */

import type { Certificate } from "../core/consensus/certificate.ts";
import type { CommitCertificate } from "../core/consensus/commit-certificate.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import type { ProposalsSnapshot } from "../core/consensus/proposals.ts";
import type { Committee } from "../core/consensus/takeover.ts";
import type { ChunkRef } from "../core/consensus/types.ts";
import type { Hash32 } from "../core/types/hex.ts";
import { err, type Result } from "../core/types/result.ts";
import { appendEntry } from "./append.ts";
import { Candidate } from "./candidate.ts";
import type { Surroundings } from "./clock.ts";
import type { Committed, ConductorOptions, Health, Latest, Level } from "./conductor-types.ts";
import { type EpochChange, EpochChannel } from "./epoch-channel.ts";
import type { CommitError, ProposeError, TransferError } from "./errors.ts";
import { LogView } from "./log-view.ts";
import { checkLinkage, encodeEntry, openingEntry, PAYLOAD_BYTES_MAX } from "./payload.ts";
import { PendingCommits } from "./pending-commits.ts";

export class Conductor<P> {
  readonly #options: ConductorOptions<P>;
  readonly #around: Surroundings;
  readonly #channel = new EpochChannel();
  readonly #view: LogView<P>;
  readonly #pending: PendingCommits;
  readonly #candidate: Candidate;

  constructor(options: ConductorOptions<P>, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#pending = new PendingCommits(around.clock, options.rules.commitMs);
    this.#view = new LogView(options);
    const { manager, store, log, signer, rules, metrics } = options;
    const { placeOf } = this.#view;
    const open = (known: KnownRecord): Promise<void> => this.#open(known);
    this.#candidate = new Candidate(
      { manager, store, log, signer, rules, metrics, placeOf, checkPayload: checkLinkage, open },
      around,
      {
        certified: (certificate) => this.#pending.certified(certificate),
        serving: () => this.#announce(),
        ended: () => this.#pending.endAll({ reason: "fenced" }),
        failed: () => this.#close(),
        records: () => this.#announce(),
      },
    );
  }

  async start(): Promise<void> {
    await this.#candidate.start();
  }

  /** For good: whoever starts again makes a new conductor on the same store. */
  stop(): void {
    void this.#candidate.stop();
    this.#close();
  }

  /** Takes no payloads and no leadership until `resume`; what was taken goes on. */
  pause(): void {
    this.#candidate.pause();
  }

  resume(): void {
    this.#candidate.resume();
  }

  get fault(): unknown {
    return this.#candidate.fault;
  }

  /** Whether this one orders now: it leads the newest epoch, and has opened it. */
  leader(): boolean {
    return this.#candidate.isServing;
  }

  /** Id of the leader of the newest epoch that is known here. */
  leaderId(): string {
    return this.#candidate.leaderId;
  }

  /** Each epoch from the newest one on; ends when the conductor stops. */
  leaderChannel(): AsyncIterable<EpochChange> {
    return this.#channel.subscribe(this.#epoch());
  }

  async commit(payload: P): Promise<Result<Committed, CommitError>> {
    const { isRunning, isPaused, lead } = this.#candidate;
    if (!isRunning) return err({ reason: "stopped" });
    if (isPaused) return err({ reason: "paused" });
    if (lead === null || !lead.isServing) return err({ reason: "not-leader" });
    const bytes = this.#options.type.encode(payload);
    if (bytes.length > PAYLOAD_BYTES_MAX) return err({ reason: "too-large" });
    const startedMs = this.#around.clock.nowMs();
    const declined: CommitError[] = [];
    const chunk = await appendEntry(lead, this.#options, async () => {
      const problem = lead.mayOrder ? await this.#view.problem(payload) : overloaded;
      if (problem === null) {
        return { bytes: encodeEntry({ is: "payload", bytes }), place: this.#view.place(payload) };
      }
      declined.push(problem);
      return null;
    });
    const [problem] = declined;
    if (problem !== undefined) return err(problem);
    if (chunk === null || this.#candidate.lead !== lead) return err({ reason: "fenced" });
    lead.want(chunk.height);
    return await this.#pending.wait(chunk, startedMs);
  }

  /** The newest payload of this log; `certified` is final under crash faults. */
  async latest({ level }: { readonly level: Level }): Promise<Latest<P> | null> {
    return await this.#view.latest(level);
  }

  async byHeight(height: number): Promise<Latest<P> | null> {
    return await this.#view.byHeight(height);
  }

  async byDigest(digest: Hash32): Promise<Latest<P> | null> {
    return await this.#view.byDigest(digest);
  }

  /** The certificate that covers this chunk; null while it has none. */
  async certificateFor(chunk: ChunkRef): Promise<Certificate | null> {
    return await this.#options.store.certificateFor(chunk.height);
  }

  /** Resolves when another epoch has begun; `to` is a candidate's id. */
  async transferLeader(to: string | null = null): Promise<Result<KnownRecord, TransferError>> {
    return await this.#candidate.transfer(to);
  }

  /** A decision of the committee that is no payload. */
  async propose(
    payload: Uint8Array,
    ttlMs: number | null = null,
  ): Promise<Result<CommitCertificate, ProposeError>> {
    return await this.#candidate.propose(payload, ttlMs);
  }

  /** Certifies another committee, which the next epoch then begins with, whoever leads it. */
  async proposeCommittee(committee: Committee): Promise<Result<CommitCertificate, ProposeError>> {
    return await this.#candidate.proposeCommittee(committee);
  }

  get proposals(): ProposalsSnapshot | null {
    return this.#candidate.proposals;
  }

  async health(): Promise<Health> {
    return await this.#candidate.health();
  }

  /** C6: an epoch opens with the rollback that its record names. */
  async #open(known: KnownRecord): Promise<void> {
    const { lead } = this.#candidate;
    if (lead?.known !== known) return;
    const { epoch, start } = known.record;
    const opening = { bytes: encodeEntry(openingEntry(epoch, start)), place: null };
    await appendEntry(lead, this.#options, () => Promise.resolve(opening));
  }

  #close(): void {
    this.#pending.endAll({ reason: "stopped" });
    this.#channel.close();
  }

  #announce(): void {
    this.#channel.push(this.#epoch());
  }

  #epoch(): EpochChange {
    const { epoch } = this.#options.manager.current().record;
    return { epoch, leader: this.leaderId(), isServingHere: this.leader() };
  }
}

const overloaded: CommitError = { reason: "overloaded" };
