/**
 * A validator at work: verifies what arrives, asks its step functions, writes, signs and answers.
 *
 * Messages are handled one after the other; what a step says is done at once, and what waits for the
 * disk is released by the step itself. A write that fails stops the validator for good: what it would
 * have said was never said, and whoever starts it again starts from what is durable.
 */

import type { SignedRecord } from "../core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import type { LineChunk } from "../core/consensus/line.ts";
import { leaderOf } from "../core/consensus/signed-header.ts";
import { eldersOf } from "../core/consensus/takeover.ts";
import type { AsyncSigner } from "../core/consensus/types.ts";
import { stepValidator, type ValidatorState, wakeValidator } from "../core/consensus/validator.ts";
import type { ValidatorEffect, ValidatorEvent, Wish } from "../core/consensus/validator-events.ts";
import type { ValidatorDurable, ValidatorRow } from "../core/consensus/validator-state.ts";
import { must } from "../core/types/assert.ts";
import type { Hash32 } from "../core/types/hex.ts";
import type { Surroundings } from "./clock.ts";
import { ElectionDriver, type ElectionOptions } from "./election.ts";
import { evidenceAgainst, provenEvidence } from "./forks.ts";
import { GivenUpGossip } from "./given-up.ts";
import { Inbox } from "./inbox.ts";
import { dispatch, type Handlers, type Message, type Request, type SentFeed } from "./messages.ts";
import { offeredPayloads, rowsWrite } from "./offered.ts";
import type { PayloadCheck } from "./payload.ts";
import { answerToHead, Records, type VerifiedRecord } from "./records.ts";
import { serveBeginning, serveFetch } from "./serve.ts";
import { SignatureBook } from "./signature-book.ts";
import { type Speech, speak } from "./speech.ts";
import type { ValidatorStore } from "./validator-store.ts";
import { verifyChange, verifyElection, verifyFeed, verifyTakeovers } from "./verify.ts";
import { ProposalVoter } from "./vote-on-proposal.ts";

export type ValidatorOptions = ElectionOptions & {
  readonly store: ValidatorStore;
  readonly signer: AsyncSigner;
  readonly checkPayload: PayloadCheck;
  /** Hash of the first record. */
  readonly genesis: Hash32;
};

export class Validator {
  readonly #options: ValidatorOptions;
  readonly #around: Surroundings;
  #state: ValidatorState | null = null;
  #records: Records | null = null;
  #election: ElectionDriver | null = null;
  #book: SignatureBook | null = null;
  #voter: ProposalVoter | null = null;
  #offered: ReadonlyMap<Hash32, Uint8Array> = new Map();
  /** Records that a row is about to name. */
  #taken: readonly VerifiedRecord[] = [];
  #inbox: Inbox | null = null;
  readonly #gossip: GivenUpGossip;
  #stopListening: (() => void) | null = null;
  #fault: unknown = null;

  constructor(options: ValidatorOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#gossip = new GivenUpGossip(around.clock, (message) => this.#election?.toOthers(message));
  }

  async start(): Promise<void> {
    const { store, signer, genesis } = this.#options;
    const image = await store.load();
    this.#records = await Records.open(this.#around.judge, genesis, image.records);
    this.#state = wakeValidator(signer.publicKey, image.durable);
    this.#book = new SignatureBook(signer, image.signatures);
    this.#voter = new ProposalVoter(this.#book, image.voted, (voted) =>
      this.#write({ is: "proposal", voted }),
    );
    this.#election = new ElectionDriver(this.#options, this.#around, {
      records: this.#records,
      durable: image.election,
      book: this.#book,
      tip: () => this.#state?.durable.tip ?? null,
      write: (election) => this.#write({ is: "election", election }),
    });
    this.#inbox = new Inbox(
      (from, message) => this.#handle(from, message),
      (error) => this.#fail(error),
    );
    this.#stopListening = this.#around.transport.listen(this.#inbox.receive);
    this.#gossip.show(image.durable.givenUp);
    // The leader may have grown tired of sending to one that was down.
    this.#tellHead(leaderOf(this.#chain.head.record).endpoint);
  }

  /** Nothing is sent or handled any more; what is durable stays. */
  stop(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#inbox?.close();
    this.#election?.stop();
    this.#gossip.stop();
    this.#state = null;
  }

  /** What it stands on; null before `start` and after `stop`. */
  get durable(): ValidatorDurable | null {
    return this.#state?.durable ?? null;
  }

  get election(): ElectionDriver | null {
    return this.#election;
  }

  get head(): KnownRecord | null {
    return this.#records?.head ?? null;
  }

  /** Why it stopped by itself; null when it did not. */
  get fault(): unknown {
    return this.#fault;
  }

  #fail(error: unknown): void {
    this.#fault ??= error;
    this.stop();
  }

  async #handle(from: string, message: Message): Promise<void> {
    const isMine = await dispatch(this.#handlers, from, message);
    if (!isMine) await this.#election?.handle(from, message);
  }

  readonly #handlers: Handlers = {
    propose: (from, message) => this.#onPropose(from, message),
    sign: (from, message) => this.#onSign(from, message),
    prepare: (from, message) => this.#onPrepare(from, message),
    records: (_from, { records }) => this.#onRecords(records),
    "want-records": (from, message) =>
      this.#send(from, { is: "records", records: this.#chain.after(message.after) }),
    head: (from, { hash }) => this.#send(from, answerToHead(this.#chain, hash)),
    proposal: async (from, said) => {
      const { head, promised } = this.#durable;
      this.#send(from, (await this.#voter?.answer(head, promised.epoch, said)) ?? null);
    },
    fetch: async (from, message) =>
      this.#send(from, await serveFetch(this.#options.store, this.#durable, message)),
    "want-beginning": async (from, message) =>
      this.#send(from, await serveBeginning(this.#options.store, this.#durable, message)),
    evidence: async (_from, message) => {
      const { chain } = this.#chain;
      const evidence = await provenEvidence(this.#around.judge, chain, message.evidence);
      if (evidence !== null) this.#step({ is: "evidence", evidence });
    },
    "given-up": async (_from, { headers }) => {
      const { store } = this.#options;
      const known = { store, durable: this.#durable, chain: this.#chain.chain };
      const found = await evidenceAgainst(this.#around.judge, known, headers);
      for (const evidence of found) this.#step({ is: "evidence", evidence });
    },
  };

  get #durable(): ValidatorDurable {
    return must(this.#state, "the validator runs").durable;
  }

  get #chain(): Records {
    return must(this.#records, "the validator runs");
  }

  async #onPrepare(from: string, message: Request & { readonly is: "prepare" }): Promise<void> {
    const { head } = this.#chain;
    const { epoch, recordHash, candidate, votes } = message;
    if (recordHash !== head.hash) return this.#tellHead(from);
    const won = await verifyElection(this.#around.judge, head, votes);
    if (won === null || won.term !== epoch || won.candidate !== candidate) return;
    this.#election?.courted(epoch);
    this.#step({ is: "prepare", from, recordHash, epoch, candidate });
  }

  async #onPropose(from: string, message: Request & { readonly is: "propose" }): Promise<void> {
    const records = this.#chain;
    const { epoch, recordHash, target } = message;
    // Only the leader speaks for itself: anybody else's proposal would be a sign of its life.
    const isLeader = from === leaderOf(records.head.record).endpoint;
    if (recordHash === records.head.hash && !isLeader) return;
    await this.#offer(from, message.feed, { is: "ack", epoch, recordHash, target });
  }

  async #onSign(from: string, message: Request & { readonly is: "sign" }): Promise<void> {
    const { judge } = this.#around;
    const records = this.#chain;
    const { takeovers, change: asked } = message;
    if (takeovers[0]?.known.record.previous !== records.head.hash) return this.#tellHead(from);
    if (!(await verifyTakeovers(judge, records.chain, takeovers))) return;
    const change = asked === null ? null : await verifyChange(judge, records.head, asked);
    const elders = eldersOf(records.chain);
    this.#election?.courted(takeovers.at(-1)?.known.record.epoch ?? 0);
    await this.#offer(from, message.feed, { is: "sign", takeovers, change, elders });
  }

  async #offer(from: string, sent: SentFeed, wish: Wish): Promise<void> {
    if (this.#state === null) return;
    const feed = await verifyFeed(this.#around.judge, this.#chain.chain, sent, this.#durable);
    // In one turn with the step: verdicts about an offer that waits are about its own payloads.
    if (feed.chunks.length > 0) this.#offered = offeredPayloads(sent.chunks);
    this.#step({ is: "offer", from, feed, wish });
  }

  async #onRecords(sent: readonly SignedRecord[]): Promise<void> {
    const records = this.#chain;
    this.#taken = records.take(await records.check(sent));
    if (this.#taken.length === 0) return;
    this.#step({ is: "records", records: this.#taken.map(({ known }) => known) });
    this.#election?.moved();
  }

  #tellHead(to: string): void {
    const { record, hash } = this.#chain.head;
    this.#send(to, { is: "head", epoch: record.epoch, hash });
  }

  #step(event: ValidatorEvent): void {
    if (this.#state === null) return;
    const { state, effects } = stepValidator(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ValidatorEffect): void {
    switch (effect.do) {
      case "write":
        this.#run(() => this.#persist(effect.write, effect.rows));
        return;
      case "check":
        for (const chunk of effect.chunks) this.#run(() => this.#check(effect.offer, chunk));
        return;
      case "holds":
        this.#send(effect.to, { is: "holds", through: effect.through });
        return;
      case "head":
        this.#tellHead(effect.to);
        return;
      case "fenced":
        this.#send(effect.to, { is: "fenced", epoch: effect.epoch });
        return;
      case "refuse":
        this.#send(effect.to, { is: "refused", why: effect.why });
        return;
      case "alive":
        this.#election?.heard();
        return;
      case "accuse":
        this.#election?.accuse(effect.evidence);
        return;
      case "give-up":
        this.#gossip.show(effect.chunks);
        return;
      case "ack":
      case "report":
      case "sign-records":
        this.#run(() => this.#speak(effect));
    }
  }

  async #persist(write: number, rows: readonly ValidatorRow[]): Promise<void> {
    const signatures = must(this.#book, "the validator runs").takeUnstored();
    const isDurable = await this.#write(rowsWrite(rows, this.#offered, this.#taken, signatures));
    if (isDurable) this.#step({ is: "written", write });
  }

  /** False when it failed: then the validator stops. */
  async #write(write: Parameters<ValidatorStore["write"]>[0]): Promise<boolean> {
    try {
      await this.#options.store.write(write);
      return true;
    } catch (error) {
      // A store that fails has promised nothing: neither may what rests on it.
      this.#fail(error);
      return false;
    }
  }

  #run(work: () => Promise<void>): void {
    void work().catch((error: unknown) => this.#fail(error));
  }

  async #check(offer: number, { ref: { hash }, signed }: LineChunk): Promise<void> {
    const bytes = this.#offered.get(hash);
    const isValid = bytes !== undefined && (await this.#options.checkPayload(signed.header, bytes));
    this.#step({ is: "checked", offer, hash, isValid });
  }

  /** Signs what was written, once, and sends it. */
  async #speak(effect: Speech): Promise<void> {
    const { head } = this.#durable;
    this.#send(effect.to, await speak(effect, head, must(this.#book, "the validator runs")));
  }

  /** Null: nothing. */
  #send(to: string, message: Message | null): void {
    if (this.#state !== null && message !== null) this.#around.transport.send(to, message);
  }
}
