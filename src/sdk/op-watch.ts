/**
 * What becomes of an op that was included: its stages as promises, asked for only while somebody waits.
 *
 * The feed's offset is the op's identity: an offset is never used twice, so another op at the nonce, or the
 * same op included again after a rollback, has another one (F1). Which rollback voided an op is read from
 * the feed, behind the op's own place: all that is valid there comes after that rollback.
 */

import type { RollbackRecord } from "../core/feed/record.ts";
import type { Address } from "../core/types/hex.ts";
import { transactionOf } from "./bodies.ts";
import type { OrderedOp, SentOp, SignedOp, Transaction, Voiding } from "./client-types.ts";
import { BatonError, OpVoidedError } from "./errors.ts";
import { sliceOf, slicePath } from "./feed-slice.ts";
import type { Http } from "./http.ts";
import { isTransient, pauseAfter, sleep } from "./retry.ts";
import type { Included } from "./send.ts";

const FIRST_POLL_MS = 250;
const POLL_MS_MAX = 10_000;
const POLL_GROWTH = 1.3;
/** A new leader may not know the op yet, nor the rollback that voided it: both take a moment. */
const UNKNOWN_MAX = 30;

const RANK = { ordered: 0, certified: 1, posted: 2, settled: 3, voided: -1 } as const;

type Stage = "certified" | "posted" | "settled";

export class SentOperation implements SentOp {
  readonly sender: Address;
  readonly nonce: number;
  readonly offset: number;
  readonly batchNonce: number;
  readonly frameFee: number;
  readonly receipt: string | null;
  readonly signed: SignedOp;
  readonly ordered: Promise<OrderedOp>;
  readonly #hasCommittee: boolean;
  readonly #watch: Watch;

  constructor(http: Http, { signed, at, hasCommittee }: Included, signal: AbortSignal | undefined) {
    this.sender = signed.sender;
    this.nonce = signed.nonce;
    this.offset = at.offset;
    this.batchNonce = at.batchNonce;
    this.frameFee = at.frameFee;
    this.receipt = at.receipt;
    this.signed = signed;
    this.ordered = Promise.resolve(at);
    this.#hasCommittee = hasCommittee;
    this.#watch = new Watch(http, { ...signed, offset: at.offset }, signal);
  }

  get certified(): Promise<Transaction | null> {
    return this.#hasCommittee ? this.#watch.reaches("certified") : Promise.resolve(null);
  }

  get posted(): Promise<Transaction> {
    return this.#watch.reaches("posted");
  }

  get settled(): Promise<Transaction> {
    return this.#watch.reaches("settled");
  }

  get voided(): Promise<Voiding | null> {
    return this.#watch.isVoided();
  }
}

type Place = { readonly sender: Address; readonly nonce: number; readonly offset: number };

/** One waiter for each stage that was looked at. */
class Watch {
  readonly #http: Http;
  readonly #op: Place;
  readonly #signal: AbortSignal | undefined;
  readonly #stages = new Map<Stage, Waiter<Transaction>>();
  #voiding: Waiter<Voiding | null> | null = null;
  #last: Transaction | null = null;
  #failure: { readonly reason: unknown } | null = null;
  #isAsking = false;
  #unknowns = 0;

  constructor(http: Http, op: Place, signal: AbortSignal | undefined) {
    this.#http = http;
    this.#op = op;
    this.#signal = signal;
  }

  reaches(stage: Stage): Promise<Transaction> {
    const known = this.#stages.get(stage);
    const waiter = known ?? new Waiter<Transaction>();
    if (known === undefined) this.#stages.set(stage, waiter);
    this.#tell();
    void this.#ask();
    return waiter.promise;
  }

  isVoided(): Promise<Voiding | null> {
    this.#voiding ??= new Waiter();
    this.#tell();
    void this.#ask();
    return this.#voiding.promise;
  }

  /** To everybody who waits, what is known. */
  #tell(): void {
    const failure = this.#failure;
    const last = this.#last;
    const rank = last === null ? 0 : RANK[last.state];
    for (const [stage, waiter] of this.#stages) {
      if (last !== null && rank >= RANK[stage]) waiter.resolve(last);
      else if (failure !== null) waiter.reject(failure.reason);
    }
    if (this.#voiding === null) return;
    if (rank >= RANK.settled) this.#voiding.resolve(null);
    else if (failure?.reason instanceof OpVoidedError) {
      this.#voiding.resolve({ rollback: failure.reason.rollback });
    } else if (failure !== null) this.#voiding.reject(failure.reason);
  }

  #isWaitedFor(): boolean {
    const waiters = [...this.#stages.values(), ...(this.#voiding === null ? [] : [this.#voiding])];
    return waiters.some((waiter) => waiter.isPending);
  }

  /** One loop at a time, for as long as anybody waits. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    let pauseMs = FIRST_POLL_MS;
    for (let failures = 0; this.#isWaitedFor(); ) {
      try {
        await this.#look();
        failures = 0;
        if (!this.#isWaitedFor()) break;
        await sleep(pauseMs * (0.75 + Math.random() / 2), this.#signal);
        pauseMs = Math.min(pauseMs * POLL_GROWTH, POLL_MS_MAX);
      } catch (error) {
        failures += 1;
        if (isTransient(error)) await this.#outlast(pauseAfter(failures, error.retryAfterS));
        else this.#fail(error);
      }
    }
    this.#isAsking = false;
  }

  async #outlast(pauseMs: number): Promise<void> {
    try {
      await sleep(pauseMs, this.#signal);
    } catch (reason) {
      this.#fail(reason);
    }
  }

  #fail(reason: unknown): void {
    this.#failure = { reason };
    this.#tell();
  }

  /** Throws `OpVoidedError`, and whatever else ends the watch. */
  async #look(): Promise<void> {
    const found = await this.#transaction();
    if (found !== null && found.offset === this.#op.offset && found.state !== "voided") {
      this.#unknowns = 0;
      this.#last = found;
      this.#tell();
      return;
    }
    const rollback = await this.#rollback();
    if (rollback !== null || found !== null) throw new OpVoidedError(rollback);
    this.#unknowns += 1;
    if (this.#unknowns > UNKNOWN_MAX) throw new BatonError("NOT_FOUND", "the op is not known");
  }

  /** Null: there is no such op. */
  async #transaction(): Promise<Transaction | null> {
    const { sender, nonce } = this.#op;
    try {
      const path = `/tx/${sender}/${nonce}`;
      return transactionOf(await this.#http.jsonOnce(path, { signal: this.#signal }));
    } catch (error) {
      if (error instanceof BatonError && error.code === "NOT_FOUND") return null;
      throw error;
    }
  }

  /** The first that voided the op; null when the feed does not tell, or not any more. */
  async #rollback(): Promise<RollbackRecord | null> {
    const { offset: fromOffset } = this.#op;
    const signal = this.#signal;
    try {
      const body = await this.#http.jsonOnce(slicePath({ fromOffset }), { signal });
      for (const record of sliceOf(body, fromOffset).records) {
        if (record.kind !== "rollback") return null;
        if (record.keepThrough < fromOffset) return record;
      }
      return null;
    } catch (error) {
      if (error instanceof BatonError && HISTORY_GONE.includes(error.code)) return null;
      throw error;
    }
  }
}

const HISTORY_GONE: readonly string[] = ["HISTORY_UNAVAILABLE", "AHEAD_OF_HEAD"];

/** A promise that is told once, and that nobody has to look at. */
class Waiter<T> {
  readonly promise: Promise<T>;
  isPending = true;
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    // Whoever holds the promise still gets the rejection; nobody has to.
    promise.catch(() => undefined);
  }

  resolve(value: T): void {
    this.isPending = false;
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    this.isPending = false;
    this.#reject(reason);
  }
}
