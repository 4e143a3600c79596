/**
 * How a candidate gets the log from validators: to recover what it inherits, and to follow the others.
 *
 * Pages are taken only where they link to what is certified here, are signed by their epochs' leaders
 * and carry the bytes that their headers name. They wait in memory until the chunk is reached that was
 * asked for, or that a certificate covers; then they enter the log in one write.
 */

import type { Certificate } from "../core/consensus/certificate.ts";
import { followsLine, type LineEnd, lineEnd } from "../core/consensus/line.ts";
import {
  type ChunkRef,
  type MemberIndex,
  UNCERTIFIED_EVENTS_MAX,
} from "../core/consensus/types.ts";
import { must } from "../core/types/assert.ts";
import { type BeginningHooks, Beginnings } from "./beginnings.ts";
import type { Surroundings } from "./clock.ts";
import type { EpochManager } from "./epoch-manager.ts";
import type { Answer, SentChunk } from "./messages.ts";
import { OpenQuestion } from "./open-question.ts";
import type { PayloadCheck } from "./payload.ts";
import { type LogEntry, logEntry, type PayloadStore, type Place } from "./payload-store.ts";
import { CHUNKS_MAX, verifyCertificate, verifyHeader } from "./verify.ts";

type Chunks = Answer & { readonly is: "chunks" };

export type FetcherOptions = {
  readonly manager: EpochManager;
  readonly store: PayloadStore;
  /** Where a payload of these bytes stands; null for an opening. */
  readonly placeOf: (bytes: Uint8Array) => Place | null;
  readonly checkPayload: PayloadCheck;
  /** How long an answer may take. */
  readonly answerMs: number;
  /** Absent: a log begins with its first chunk. */
  readonly begin?: BeginningHooks | undefined;
};

/** Each holder is asked this often before a recovery is given up. */
const TRIES = 3;

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #around: Surroundings;
  readonly #question: OpenQuestion<Chunks>;
  readonly #beginnings: Beginnings;
  #staged: readonly LogEntry[] = [];
  /** Whoever writes to the log, to the end of the last write. */
  #busy: Promise<unknown> = Promise.resolve();
  /** What began in an earlier turn writes no more. */
  #turn = 0;
  #isHeld = false;

  constructor(options: FetcherOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#question = new OpenQuestion(around.clock, options.answerMs);
    this.#beginnings = new Beginnings(options, around);
  }

  receive(from: string, answer: Chunks | (Answer & { readonly is: "beginning" })): void {
    if (answer.is === "chunks") this.#question.receive(from, answer);
    else this.#beginnings.receive(from, answer);
  }

  /** The log up to `goal`, and nothing beyond it. False: nobody gave it, or it is not the log's. */
  async recover(goal: ChunkRef | null, holders: readonly MemberIndex[]): Promise<boolean> {
    const turn = this.#newTurn();
    this.#isHeld = true;
    await this.#busy;
    if (turn !== this.#turn) return false;
    const recovered = this.#recover(goal, holders, turn);
    this.#busy = recovered.catch(() => false);
    return await recovered;
  }

  /**
   * The log is another one's to write from here on: nothing is followed until `release`. Two writers of
   * one log would tear it apart, so a leader and a recovery wait until the last page is in.
   */
  async hold(): Promise<void> {
    this.#isHeld = true;
    this.#newTurn();
    await this.#busy;
  }

  release(): void {
    this.#isHeld = false;
    this.#newTurn();
  }

  /** One page of what the others have certified; says whether the log grew. */
  async follow(): Promise<boolean> {
    const turn = this.#turn;
    await this.#busy;
    if (this.#isHeld || turn !== this.#turn) return false;
    const followed = this.#follow(turn);
    this.#busy = followed.catch(() => false);
    return await followed;
  }

  #newTurn(): number {
    this.#turn += 1;
    this.#question.end();
    this.#beginnings.end();
    return this.#turn;
  }

  async #recover(
    goal: ChunkRef | null,
    holders: readonly MemberIndex[],
    turn: number,
  ): Promise<boolean> {
    const { store, manager } = this.#options;
    const { certified, newest } = await store.ends();
    const height = goal?.height ?? -1;
    if (height < certified.height) return false;
    const [own] = goal === null ? [] : await store.page(height, height, 0);
    if (goal === null || goal.hash === certified.hash || own?.ref.hash === goal.hash) {
      if (newest.height > height) await store.adopt(height + 1, []);
      return true;
    }
    const { members } = manager.current().record;
    this.#staged = [];
    for (let tries = 0; tries < holders.length * TRIES && turn === this.#turn; ) {
      const endpoint = members[holders[tries % holders.length] ?? 0]?.endpoint ?? "";
      const page = await this.#page(endpoint, await this.#end(), goal);
      if (turn !== this.#turn) return false;
      if (page === null || page.entries.length === 0) {
        tries += 1;
        continue;
      }
      this.#staged = [...this.#staged, ...page.entries];
      if (this.#staged.at(-1)?.ref.hash === goal.hash) {
        await this.#adopt(this.#staged);
        return true;
      }
      await this.#settle(page.certificate);
      // Beyond the goal's height the line is another one: start again with the next holder.
      if ((this.#staged.at(-1)?.ref.height ?? -1) >= goal.height) {
        this.#staged = [];
        tries += 1;
      }
    }
    return false;
  }

  async #follow(turn: number): Promise<boolean> {
    const { members } = this.#options.manager.current().record;
    const endpoints = members.map(({ endpoint }) => endpoint);
    const endpoint = this.#beginnings.next(endpoints);
    const end = await this.#end();
    const isOver = (): boolean => turn !== this.#turn;
    if (endpoint === null) return await this.#beginnings.ask(endpoints, end, isOver);
    const page = await this.#page(endpoint, end, null);
    if (isOver()) return false;
    // Whoever has let go of what is asked for has no certificate up to there, either.
    const hasMore = page === null ? null : page.entries.length > 0 || page.certificate !== null;
    this.#beginnings.heard(endpoint, hasMore);
    if (page === null) return false;
    this.#staged = [...this.#staged, ...page.entries];
    return await this.#settle(page.certificate);
  }

  /** The end of what is certified here and of what waits beyond it, as far as that still links to it. */
  async #end(): Promise<LineEnd> {
    const { certified } = await this.#options.store.ends();
    const isStale = this.#staged[0]?.signed.header.parent !== certified.hash;
    if (isStale || this.#staged.length > UNCERTIFIED_EVENTS_MAX) this.#staged = [];
    const last = this.#staged.at(-1);
    return last === undefined ? certified : lineEnd(last.signed.header, last.ref.hash);
  }

  /** What the certificate covers enters the log; says whether that was anything. */
  async #settle(certificate: Certificate | null): Promise<boolean> {
    const reached = this.#staged.findIndex(({ ref }) => ref.hash === certificate?.chunk.hash);
    if (certificate === null || reached === -1) return false;
    const { store } = this.#options;
    const { height, hash } = certificate.chunk;
    const [own] = await store.page(height, height, 0);
    // Where the own log has it, what is beyond it stays: it may be this one's, signed and lost by no epoch.
    if (own?.ref.hash !== hash) await this.#adopt(this.#staged.slice(0, reached + 1));
    await store.certify(certificate);
    this.#staged = this.#staged.slice(reached + 1);
    return true;
  }

  /** They link to what is certified. */
  async #adopt(entries: readonly LogEntry[]): Promise<void> {
    const first = must(entries[0], "there is something to adopt");
    await this.#options.store.adopt(first.ref.height, entries);
  }

  async #page(
    endpoint: string,
    after: LineEnd,
    goal: ChunkRef | null,
  ): Promise<{
    readonly entries: readonly LogEntry[];
    readonly certificate: Certificate | null;
  } | null> {
    const { judge, transport } = this.#around;
    const { height, hash } = after;
    const answered = this.#question.ask(endpoint);
    transport.send(endpoint, { is: "fetch", after: { height, hash }, goal });
    const answer = await answered;
    if (answer === null || answer.after.hash !== hash || answer.goal?.hash !== goal?.hash) {
      return null;
    }
    const chain = this.#options.manager.chain();
    const certificate =
      answer.certificate === null
        ? null
        : await verifyCertificate(judge, chain, answer.certificate);
    return { entries: await this.#verified(answer.chunks, after), certificate };
  }

  async #verified(chunks: readonly SentChunk[], after: LineEnd): Promise<readonly LogEntry[]> {
    const { manager, placeOf, checkPayload } = this.#options;
    const { judge } = this.#around;
    const chain = manager.chain();
    const sent = chunks.slice(0, CHUNKS_MAX);
    const verified = await Promise.all(
      sent.map(({ signed }) => verifyHeader(judge, chain, signed)),
    );
    const entries: LogEntry[] = [];
    let end = after;
    for (const [i, { signed, payload }] of sent.entries()) {
      const chunk = verified[i] ?? null;
      if (chunk === null || !followsLine(end, signed.header)) break;
      if (!(await checkPayload(signed.header, payload))) break;
      entries.push(logEntry(signed, payload, placeOf(payload)));
      end = lineEnd(signed.header, chunk.ref.hash);
    }
    return entries;
  }
}
