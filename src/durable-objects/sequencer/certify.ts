/**
 * The sequencer as a candidate of its committee: it signs chunks, and learns how far they are certified.
 *
 * Rules C2, C6, C9. The lane commits a chunk and calls `wrote` in the same turn; the signature comes a
 * turn later, and the chunk is shown to the committee after it. What may happen in between:
 *
 * - The object dies. The chunk is there and unsigned, nobody saw it, and `begin` signs it again.
 * - The next chunk is committed. Signatures are made side by side and shown in the order of the commits.
 * - A certificate of an older chunk comes. It names that chunk by hash, and stores what signatures there
 *   are up to it; one that covers this chunk cannot come, for no validator has seen it.
 * - A rollback is committed. It is a chunk like any other: what is certified before it stays certified,
 *   and readers learn of it when a certificate covers it (F3).
 * - The epoch ends. From that turn on `leads` is false and nothing is appended; the chunk is announced to
 *   a candidate that ignores it, and the successor inherits it or does not.
 *
 * An alarm that comes twice finds nothing to do here: all that this part does follows from messages.
 */

import type { Candidate } from "../../consensus/candidate.ts";
import { type EpochManager, recordChainManager } from "../../consensus/epoch-manager.ts";
import type { TransferError } from "../../consensus/errors.ts";
import { Metrics } from "../../consensus/metrics.ts";
import type { LogEntry } from "../../consensus/payload-store.ts";
import type { Certificate } from "../../core/consensus/certificate.ts";
import type { KnownRecord } from "../../core/consensus/epoch-record.ts";
import type { Receipt } from "../../core/consensus/receipt.ts";
import type { SignedHeader } from "../../core/consensus/signed-header.ts";
import { height as heightOf } from "../../core/consensus/types.ts";
import { must } from "../../core/types/assert.ts";
import { err, type Result } from "../../core/types/result.ts";
import type { Offset } from "../../core/types/units.ts";
import type { CommitteeTransport } from "../shared/committee-transport.ts";
import { errorName, log } from "../shared/log.ts";
import type { MemberKey } from "../shared/member-key.ts";
import { transact } from "../shared/transact.ts";
import { CertifiedLog } from "./certified-log.ts";
import { ChunkSignatures } from "./chunk-signatures.ts";
import type { Written } from "./chunk-writer.ts";
import { JUDGE, type LogHooks, newCandidate } from "./new-candidate.ts";
import type { LaneCommittee } from "./promise.ts";
import { receiptOf } from "./receipts.ts";
import type { Runtime } from "./runtime.ts";
import type { Committed } from "./status.ts";
import { loadChunkHead } from "./storage/chunks.ts";
import { type Conduct, loadConduct, saveConduct } from "./storage/committee.ts";
import { loadGenesisHash, recordStore } from "./storage/epochs.ts";
import { ResetNeeded } from "./storage/log-store.ts";
import { isResetting } from "./storage/replica-reset.ts";
import { Waiters } from "./waiters.ts";
import { Yielding } from "./yielding.ts";

export type CertifyHooks = LogHooks & {
  /** The log up to this chunk is certified, durably. */
  readonly certified: (certificate: Certificate) => void;
  /** Who leads, or whether this one may order, is another one now. */
  readonly changed: () => void;
  /** The epoch is open: this one leads now. */
  readonly serving: () => void;
  /** The log here is not what the committee goes on with, and must be forgotten. */
  readonly resetNeeded: () => void;
};

export class Certify implements LaneCommittee {
  readonly log: CertifiedLog;
  readonly waiters: Waiters;
  /** Of this life, whatever candidates it had. */
  readonly metrics: Metrics = new Metrics();
  readonly #runtime: Runtime;
  readonly #transport: CommitteeTransport;
  readonly #hooks: CertifyHooks;
  #key: MemberKey | null = null;
  #manager: EpochManager | null = null;
  #candidate: Candidate | null = null;
  #isFaulty = false;
  readonly #yielding: Yielding;
  #waitingSinceMs = 0;
  /** Whether nothing waits for a certificate. */
  #isLevel = true;
  readonly #signatures: ChunkSignatures;
  #beginning: Promise<void> = Promise.resolve();
  /** The last chunk's way to the committee. */
  #announced: Promise<void> = Promise.resolve();

  constructor(runtime: Runtime, transport: CommitteeTransport, hooks: CertifyHooks) {
    this.#runtime = runtime;
    this.#transport = transport;
    this.#hooks = hooks;
    this.log = new CertifiedLog(runtime.sql);
    this.waiters = new Waiters(runtime, (height) => this.#candidate?.want(height));
    this.#signatures = new ChunkSignatures(runtime, this.fail);
    this.#yielding = new Yielding(runtime.later, () => hooks.changed());
  }

  get key(): MemberKey | null {
    return this.#key;
  }

  get manager(): EpochManager | null {
    return this.#manager;
  }

  get candidate(): Candidate | null {
    return this.#candidate;
  }

  get isFaulty(): boolean {
    return this.#isFaulty;
  }

  /** The newest record; null before there is a committee. */
  get record(): KnownRecord | null {
    return this.#manager?.current() ?? null;
  }

  /** Since when something waits for a certificate and none came. */
  get waitingSinceMs(): number {
    return this.#waitingSinceMs;
  }

  readonly leads = (): boolean =>
    !this.#isFaulty && !this.#yielding.isUnderWay && this.#candidate?.isServing === true;

  readonly isFull = (): boolean => this.log.isFull;

  /** Takes the key, and goes on where the rows are; again after the founding, whoever calls it. */
  begin(key: MemberKey): Promise<void> {
    this.#key = key;
    this.#beginning = this.#beginning.then(async () => await this.#begin(key));
    return this.#beginning;
  }

  async #begin(key: MemberKey): Promise<void> {
    try {
      const genesis = loadGenesisHash(this.#runtime.sql);
      const { storage, sql } = this.#runtime;
      if (genesis === null || this.#candidate !== null || isResetting(sql)) return;
      const store = recordStore(storage);
      this.#manager = await recordChainManager({ judge: JUDGE, store, genesis });
      await this.#signatures.signAgain(key.signer, this.#manager);
      this.#waitingSinceMs = this.#runtime.now();
      const conduct = loadConduct(sql);
      if (conduct !== "stopped") {
        const candidate = this.#newCandidate(this.#manager, key);
        if (conduct === "paused") candidate.pause();
        this.#candidate = candidate;
        await candidate.start();
      }
      this.#hooks.changed();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends it for good: nothing is signed until `begin`. */
  async end(): Promise<void> {
    await this.#candidate?.stop();
    this.#candidate = null;
    this.#hooks.changed();
  }

  /** Ends it until `resume`. */
  async suspend(): Promise<void> {
    if (this.#candidate !== null) await this.end();
  }

  /** Begins again, where it was suspended. */
  async resume(): Promise<void> {
    if (this.#candidate === null && this.#key !== null) await this.begin(this.#key);
  }

  /** Asks for another leader; what this one ordered is certified before, if that is soon. */
  async handOver(to: string | null): Promise<Result<KnownRecord, TransferError>> {
    const candidate = this.#candidate;
    if (candidate === null) return err({ reason: "stopped" });
    return await this.#yielding.to(to, candidate, async () => {
      await this.#announced;
      this.hurry();
      return this.log.uncertifiedEvents === 0;
    });
  }

  /** Somebody waits for the certificate of what is committed (C2). */
  hurry(): void {
    this.#candidate?.want(loadChunkHead(this.#runtime.sql)?.height ?? -1);
  }

  get isYielding(): boolean {
    return this.#yielding.isUnderWay;
  }

  /** The operator's order, durable before it is carried out. */
  async conduct(conduct: Conduct): Promise<void> {
    const { storage, sql } = this.#runtime;
    transact(storage, () => saveConduct(sql, conduct));
    if (conduct === "stopped") return await this.suspend();
    await this.resume();
    if (conduct === "paused") this.#candidate?.pause();
    else this.#candidate?.resume();
    this.#hooks.changed();
  }

  get isStopped(): boolean {
    return loadConduct(this.#runtime.sql) === "stopped";
  }

  #newCandidate(manager: EpochManager, key: MemberKey): Candidate {
    const signatures = this.#signatures.book(() => this.#announced);
    const [runtime, transport, hooks] = [this.#runtime, this.#transport, this.#hooks];
    const candidate = newCandidate(
      { runtime, transport, hooks, signatures, manager, key, metrics: this.metrics },
      {
        certified: (certificate) => this.#onCertified(certificate),
        serving: () => {
          hooks.serving();
          hooks.changed();
        },
        ended: () => {
          this.waiters.endAll();
          hooks.changed();
        },
        failed: (error) => {
          // One that was replaced says nothing about the log that its successor works on.
          if (this.#candidate === candidate) this.fail(error);
        },
        records: () => hooks.changed(),
      },
    );
    return candidate;
  }

  /** A store failed, or a bug showed: nothing is promised on it any more. */
  readonly fail = (error: unknown): void => {
    if (error instanceof ResetNeeded || isResetting(this.#runtime.sql)) {
      // Not a fault: it begins anew when the log is forgotten.
      this.#candidate = null;
      this.#hooks.resetNeeded();
      this.#hooks.changed();
      return;
    }
    log("error", "committee-failed", { error: errorName(error) });
    this.#isFaulty = true;
    this.waiters.endAll();
    this.#hooks.changed();
  };

  #onCertified(certificate: Certificate): void {
    this.log.moved();
    this.#waitingSinceMs = this.#runtime.now();
    // Asked here, so that it is known when the next chunk comes whether anything waited before it.
    this.#isLevel = this.log.uncertifiedEvents === 0;
    if (this.#isLevel) this.#yielding.levelled();
    this.waiters.certified(certificate.chunk.height);
    this.#hooks.certified(certificate);
  }

  readonly wrote = (written: Written): Promise<readonly SignedHeader[]> => {
    if (this.#isLevel) this.#waitingSinceMs = this.#runtime.now();
    this.#isLevel = false;
    this.log.appended(written);
    const key = this.#key;
    // Before the founding there is nobody to show it to; `begin` signs it then.
    if (key === null || this.#candidate === null) return Promise.resolve([]);
    const signed = Promise.all(
      written.chunks.map(({ header, encoded }) =>
        this.#signatures.sign(key.signer, header, encoded),
      ),
    );
    this.#announced = this.#announced
      .then(async () => this.#announce(written, await signed))
      .catch(this.fail);
    return signed;
  };

  #announce({ chunks, last }: Written, signed: readonly SignedHeader[]): void {
    const entries = chunks.map(({ header, hash, events }, i): LogEntry => {
      const ref = { height: heightOf(header.height), hash };
      const own = must(signed[i], "each chunk is signed");
      return { ref, signed: own, bytes: events, place: null };
    });
    this.#candidate?.announce(entries);
    // Readers are told of it, and service goes on, when it is certified (F3).
    if (last?.events.some(({ kind }) => kind === "rollback") === true) this.hurry();
  }

  /** Waits for the signature of what was committed just now. */
  readonly receipt = async (at: Offset): Promise<Receipt | null> => {
    await this.#announced;
    return this.#receiptNow(at);
  };

  /** What an op's whereabouts are judged by now. */
  get committed(): Committed {
    const { nextOffset: certifiedNext } = this.log.end;
    return { certifiedNext, receipt: (at) => this.#receiptNow(at) };
  }

  #receiptNow(at: Offset): Receipt | null {
    return receiptOf(this.#runtime.sql, at, this.#signatures.of);
  }
}
