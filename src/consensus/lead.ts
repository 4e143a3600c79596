/**
 * One epoch of a leader at work: it feeds the committee with chunks and assembles certificates (C2, C6).
 *
 * Chunks are appended and signed by the owner of the log, and are durable when they are announced here;
 * a certificate is durable before anybody hears of it. An epoch after 0 serves once the chunk that it
 * inherits, and then the rollback that opens it, are certified.
 */

import { type Ack, ackClaim } from "../core/consensus/ack.ts";
import {
  broadcastDueMs,
  mayOrder,
  startBroadcast,
  stepBroadcast,
} from "../core/consensus/broadcast.ts";
import type {
  BroadcastEffect,
  BroadcastEvent,
  BroadcastRules,
  BroadcastState,
} from "../core/consensus/broadcast-state.ts";
import { assembleCertificate, type Certificate } from "../core/consensus/certificate.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { type LineEnd, lineEnd, refOf } from "../core/consensus/line.ts";
import { type ChunkRef, type MemberIndex, memberIndex } from "../core/consensus/types.ts";
import { assert, must } from "../core/types/assert.ts";
import { Alarm, type Surroundings, type Untimed } from "./clock.ts";
import type { Message, SentFeed } from "./messages.ts";
import { ChunkMeter, type Metrics } from "./metrics.ts";
import { Outgoing, tailAbove, tailChunk } from "./outgoing.ts";
import type { LogEntry, PayloadStore } from "./payload-store.ts";
import { ROLL_CALL_HEARTBEATS, RollCall } from "./roll-call.ts";

export type LeadOptions = {
  readonly known: KnownRecord;
  readonly store: PayloadStore;
  readonly rules: Omit<BroadcastRules, "members" | "quorum">;
  readonly metrics: Metrics;
  /** Writes the chunk that opens this epoch, and announces it. */
  readonly open: (known: KnownRecord) => Promise<void>;
  /** Lowest height whose payload must stay. */
  readonly retain: () => number;
};

export type LeadEvents = {
  /** The log up to this chunk is certified, durably. */
  readonly certified: (certificate: Certificate) => void;
  /** The epoch is open: payloads are taken. */
  readonly serving: () => void;
  /** Nothing of this epoch is certified any more, by this leader. */
  readonly ended: () => void;
  readonly failed: (error: unknown) => void;
};

export class Lead {
  readonly #options: LeadOptions;
  readonly #around: Surroundings;
  readonly #events: LeadEvents;
  readonly #alarm: Alarm;
  readonly #outgoing: Outgoing;
  readonly #meter: ChunkMeter;
  #state: BroadcastState | null = null;
  #newest: LineEnd | null = null;
  #certified: LineEnd | null = null;
  /** Announced while the log was being read. */
  #early: readonly LogEntry[] = [];
  #isStopped = false;
  #isOpening = false;
  #certificate: Certificate | null = null;
  #isServing = false;
  readonly #rollCall: RollCall;
  /** Appends and certificates, one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: LeadOptions, around: Surroundings, events: LeadEvents) {
    this.#options = options;
    this.#around = around;
    this.#events = events;
    this.#outgoing = new Outgoing(options.store, around.clock);
    this.#meter = new ChunkMeter(options.metrics);
    this.#alarm = new Alarm(around.clock, () => this.#step({ is: "tick" }));
    this.#rollCall = new RollCall(around.clock, () => this.#open());
  }

  get isServing(): boolean {
    return this.#isServing && this.#state !== null;
  }

  get mayOrder(): boolean {
    return this.#state !== null && mayOrder(this.#state);
  }

  get isOver(): boolean {
    return this.#isStopped;
  }

  get state(): BroadcastState | null {
    return this.#state;
  }

  get known(): KnownRecord {
    return this.#options.known;
  }

  /** Goes on where the log is: at the start of its epoch, or in its midst after a restart. */
  async start(): Promise<void> {
    const { known, store, rules } = this.#options;
    const { newest, certified } = await store.ends();
    const tail = await tailAbove(store, certified.height, newest.height);
    const { members, quorum, epoch } = known.record;
    this.#certificate = await store.certificateFor(certified.height);
    const checkpoint = await store.prunedThrough();
    if (this.#isStopped) return;
    // Its log was lost, or forgotten: it gets that from the others, and leads no more.
    if (newest.height < (known.record.start.inherited?.height ?? -1)) return this.#events.ended();
    this.#newest = newest;
    this.#certified = certified;
    this.#state = startBroadcast({
      rules: { ...rules, members: members.length, quorum },
      epoch,
      certified: certified.height < 0 ? null : refOf(certified),
      tail,
      checkpoint,
      nowMs: this.#around.clock.nowMs(),
    });
    this.#meter.announced(certified.height + 1, newest.height, this.#around.clock.nowMs());
    this.#step({ is: "tick" });
    this.announce(this.#early.filter(({ ref }) => ref.height > newest.height));
    this.#early = [];
    this.#rollCall.start(rules.heartbeatMs * ROLL_CALL_HEARTBEATS);
    this.#open();
  }

  /** Resolves when nothing of this epoch is on its way to the log any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#state = null;
    this.#isServing = false;
    this.#meter.end();
    this.#rollCall.stop();
    this.#alarm.set(Number.POSITIVE_INFINITY);
    await this.#work;
  }

  /**
   * Chunks of this epoch that are durable and signed, in order, linked to the newest one: the committee
   * is asked for them. Those of an epoch that is over are left to whoever inherits them.
   */
  announce(entries: readonly LogEntry[]): void {
    const { epoch } = this.#options.known.record;
    const own = entries.filter(({ signed }) => signed.header.epoch === epoch);
    const last = own.at(-1);
    if (last === undefined || this.#isStopped) return;
    if (this.#state === null) {
      this.#early = [...this.#early, ...own];
      return;
    }
    const { height: through } = last.ref;
    this.#meter.announced(through - own.length + 1, through, this.#around.clock.nowMs());
    this.#newest = lineEnd(last.signed.header, last.ref.hash);
    this.#outgoing.hold(own);
    this.#step({ is: "appended", chunks: own.map(tailChunk) });
    if (!this.#isServing) this.want(through);
  }

  /** Somebody waits for the certificate of this height: rounds follow each other as closely as they may (C2). */
  want(through: number): void {
    this.#step({ is: "wanted", through });
  }

  /**
   * Does `work` on the log in its own turn, with the end of the log as it is then: certificates and
   * other work wait. Null when the epoch ended first. The term is not over before the work is.
   */
  inTurn<T>(work: (end: LineEnd) => Promise<T | null>): Promise<T | null> {
    const done = this.#work.then(async () =>
      this.#state === null ? null : await work(must(this.#newest, "the leader runs")),
    );
    this.#work = done.catch((error: unknown) => this.#events.failed(error));
    return done;
  }

  async handle(from: string, message: Message): Promise<void> {
    const { known } = this.#options;
    const at = known.record.members.findIndex(({ endpoint }) => endpoint === from);
    if (at === -1) return;
    const member = memberIndex(at);
    if (message.is === "ack") await this.#onAck(member, message.ack);
    if (message.is === "holds") this.#hear({ is: "holds", member, through: message.through });
    // Of another record it says so in answer to each chunk, and hears records instead.
    if (message.is === "head" && message.hash === known.hash) this.#hear({ is: "seen", member });
    if (message.is === "fenced") this.#step({ is: "fenced", epoch: message.epoch });
  }

  async #onAck(member: MemberIndex, ack: Ack): Promise<void> {
    const claim = ackClaim(ack, this.#options.known);
    if (!claim.ok || ack.by.member !== member) return;
    const settled = await this.#around.judge.settle(claim.value);
    if (!settled.ok) return;
    const { statement, by } = settled.value;
    const chunk = { height: statement.height, hash: statement.chunkHash };
    this.#hear({ is: "acked", chunk, by: { member, signature: by.signature } });
  }

  #hear(event: Untimed<BroadcastEvent & { readonly is: "holds" | "seen" | "acked" }>): void {
    this.#step(event);
    this.#rollCall.hear("by" in event ? event.by.member : event.member);
    this.#open();
  }

  #step(event: Untimed<BroadcastEvent>): void {
    if (this.#state === null) return;
    const nowMs = this.#around.clock.nowMs();
    const { state, effects } = stepBroadcast(this.#state, { ...event, nowMs });
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (this.#state !== null) this.#alarm.set(broadcastDueMs(this.#state, nowMs));
  }

  #perform(effect: BroadcastEffect): void {
    switch (effect.do) {
      case "propose":
        void this.#propose(effect).catch((error: unknown) => this.#events.failed(error));
        return;
      case "heartbeat":
        this.#send(effect.to, null, {
          ...{ certificate: this.#certificate, checkpoint: null, chunks: [] },
        });
        return;
      case "certify":
        this.#work = this.#work
          .then(async () => await this.#certify(effect))
          .catch((error: unknown) => this.#events.failed(error));
        return;
      case "prune":
        this.#work = this.#work
          .then(async () => await this.#prune(effect.through))
          .catch((error: unknown) => this.#events.failed(error));
        return;
      case "step-down":
        this.#events.ended();
    }
  }

  async #propose(effect: BroadcastEffect & { readonly do: "propose" }): Promise<void> {
    const feed = await this.#outgoing.feed(effect, () => this.#certificate);
    this.#send(effect.to, effect.target, feed);
  }

  #send(to: MemberIndex, target: ChunkRef | null, feed: SentFeed): void {
    if (this.#state === null) return;
    const { record, hash } = this.#options.known;
    const endpoint = must(record.members[to], "a peer is a member").endpoint;
    const { epoch } = record;
    this.#around.transport.send(endpoint, { is: "propose", epoch, recordHash: hash, target, feed });
  }

  async #certify(effect: BroadcastEffect & { readonly do: "certify" }): Promise<void> {
    const { known, store } = this.#options;
    const scheme = this.#around.judge.schemes[known.record.scheme];
    const certificate = assembleCertificate(known, effect.chunk, effect.acks, scheme);
    await store.certify(certificate);
    this.#meter.certified(certificate.chunk.height, this.#around.clock.nowMs());
    this.#certificate = certificate;
    this.#outgoing.certified(certificate.chunk.height);
    if (!this.#isServing) this.#certified = (await store.ends()).certified;
    this.#events.certified(certificate);
    this.#open();
  }

  /** Whoever owns the log may need a payload longer: it is asked again at the next checkpoint. */
  async #prune(through: ChunkRef): Promise<void> {
    if (this.#options.retain() <= through.height) return;
    // First the state: a page without its payloads must not be asked for.
    this.#step({ is: "pruned", through });
    await this.#options.store.prune(through.height);
  }

  /**
   * What an epoch does before it serves; asked whenever a member answers or a certificate comes. Once
   * its opening chunk is certified, a restart waits for the roll call only, whatever waits for certificates.
   */
  #open(): void {
    const { known, open } = this.#options;
    if (this.#isServing || this.#state === null) return;
    const { epoch, start } = known.record;
    if (epoch === 0 || this.#certified?.epoch === epoch) {
      if (!this.#rollCall.isOver(known.record.quorum)) return;
      this.#isServing = true;
      this.#events.serving();
      return;
    }
    const end = must(this.#newest, "the leader runs");
    if (this.#isOpening || end.epoch === epoch || this.#state.tail.length > 0) return;
    const inherited = start.inherited?.hash ?? null;
    assert(inherited === null || inherited === end.hash, "an epoch continues what it inherits");
    this.#isOpening = true;
    void open(known).catch((error: unknown) => this.#events.failed(error));
  }
}
