/**
 * Submits ops: finds out nonce and fee, signs, and repeats what may be repeated (I4).
 *
 * The same bytes are sent again after no answer, 429 and 5xx: an op that was included gets the answer
 * that got lost. Another nonce is signed only after the sequencer refused the one before, for had that op
 * been included the answer had been its own. Ops of one account take turns, since the sequencer takes them
 * in the order of their nonces alone; ops of different accounts do not wait for each other.
 */

import { type Address, parseAddress } from "../core/types/hex.ts";
import { U32_MAX } from "../core/types/units.ts";
import type { Domain } from "../core/wire/user-op.ts";
import { confirmationOf, feeOf, nonceOf } from "./bodies.ts";
import type { Account, OpRequest, OrderedOp, SignedOp } from "./client-types.ts";
import { BatonError, SubmissionError } from "./errors.ts";
import type { Http } from "./http.ts";
import { isTransient } from "./retry.ts";
import { signOp, submissionOf } from "./sign-op.ts";

export type Included = {
  readonly signed: SignedOp;
  readonly at: OrderedOp;
  readonly hasCommittee: boolean;
};

/** The suggestion is half as much again as what is charged, so it is good for a while. */
const QUOTE_MS = 5_000;
/** Nonces that one op is signed for, when others send for the same account. */
const SIGNATURES_MAX = 5;
/**
 * How long the next nonce is known from the last answer. No longer: had another client of the account
 * meanwhile used it for the very same op, the sequencer would take this one for a repetition (I4).
 */
const NONCE_MS = 1_000;
/** Accounts that are remembered. */
const SENDERS_MAX = 1_024;

type Turns = {
  tail: Promise<unknown>;
  waiting: number;
  next: { readonly nonce: number; readonly untilMs: number } | null;
};

export class Submitter {
  readonly #http: Http;
  readonly #domain: (signal: AbortSignal | undefined) => Promise<Domain>;
  readonly #senders = new Map<Address, Turns>();
  #quote: { readonly maxFee: number; readonly untilMs: number } | null = null;

  constructor(http: Http, domain: (signal: AbortSignal | undefined) => Promise<Domain>) {
    this.#http = http;
    this.#domain = domain;
  }

  send(op: OpRequest, account: Account, signal: AbortSignal | undefined): Promise<Included> {
    const sender = parseAddress(account.address);
    if (sender === null) throw new BatonError("BAD_REQUEST", "the account has no address");
    return this.#inTurn(sender, (turns) => this.#sendNext(op, { account, sender, turns, signal }));
  }

  /** Throws `SubmissionError` when it is open what became of the op. */
  async submit(signed: SignedOp, signal: AbortSignal | undefined): Promise<Included> {
    try {
      const body = await this.#http.json("/tx", { body: submissionOf(signed), signal });
      const { hasCommittee, ...at } = confirmationOf(body, signed);
      return { signed, at, hasCommittee };
    } catch (error) {
      throw isOpen(error) ? new SubmissionError(error, signed) : error;
    }
  }

  async #sendNext(
    op: OpRequest,
    by: {
      readonly account: Account;
      readonly sender: Address;
      readonly turns: Turns;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<Included> {
    const { account, sender, turns, signal } = by;
    for (let signatures = 1; ; signatures++) {
      signal?.throwIfAborted();
      const domain = await this.#domain(signal);
      const maxFee = op.maxFee ?? (await this.#suggestedFee(signal));
      const nonce = op.nonce ?? knownNonce(turns) ?? (await this.#askNonce(sender, signal));
      const signed = await signOp(domain, { nonce, maxFee, data: op.data }, account);
      // Until the answer is there, nobody here knows the next one.
      turns.next = null;
      try {
        const included = await this.submit(signed, signal);
        if (nonce < U32_MAX) turns.next = { nonce: nonce + 1, untilMs: Date.now() + NONCE_MS };
        return included;
      } catch (error) {
        if (signatures >= SIGNATURES_MAX || !this.#mayChange(error, op)) throw error;
      }
    }
  }

  /** Whether the op was refused for something that the caller left to be found out. */
  #mayChange(error: unknown, op: OpRequest): boolean {
    if (!(error instanceof BatonError) || error.code !== "EXECUTION_REJECTED") return false;
    if (error.message.startsWith(BAD_NONCE)) return op.nonce === undefined;
    if (!LOW_FEE.test(error.message)) return false;
    this.#quote = null;
    return op.maxFee === undefined;
  }

  async #suggestedFee(signal: AbortSignal | undefined): Promise<number> {
    const known = this.#quote;
    if (known !== null && Date.now() < known.untilMs) return known.maxFee;
    const { suggested_max_fee: maxFee } = feeOf(await this.#http.json("/fee", { signal }));
    this.#quote = { maxFee, untilMs: Date.now() + QUOTE_MS };
    return maxFee;
  }

  async #askNonce(sender: Address, signal: AbortSignal | undefined): Promise<number> {
    return nonceOf(await this.#http.json(`/nonce?sender=${sender}`, { signal }));
  }

  async #inTurn<T>(sender: Address, job: (turns: Turns) => Promise<T>): Promise<T> {
    const turns = this.#turnsOf(sender);
    turns.waiting += 1;
    const turn = turns.tail.then(() => job(turns));
    // A job tells its own caller how it ended; whoever is next only waits for the end.
    turns.tail = turn.then(ended, ended);
    try {
      return await turn;
    } finally {
      turns.waiting -= 1;
    }
  }

  #turnsOf(sender: Address): Turns {
    const known = this.#senders.get(sender);
    if (known !== undefined) return known;
    if (this.#senders.size >= SENDERS_MAX) this.#forgetIdle();
    const turns: Turns = { tail: Promise.resolve(), waiting: 0, next: null };
    this.#senders.set(sender, turns);
    return turns;
  }

  #forgetIdle(): void {
    for (const [sender, { waiting }] of this.#senders) {
      if (waiting === 0) this.#senders.delete(sender);
    }
  }
}

function knownNonce({ next }: Turns): number | null {
  return next !== null && Date.now() < next.untilMs ? next.nonce : null;
}

/** Neither a refusal nor a confirmation: an answer that got lost on its way, or was garbled. */
function isOpen(error: unknown): error is BatonError {
  if (isTransient(error)) return true;
  return error instanceof BatonError && (error.status ?? 0) < 300;
}

/** Texts of I1, rows 19 and 18. */
const BAD_NONCE = "bad nonce: ";
const LOW_FEE = /^max fee [0-9]+ below base fee /;

const ended = (): void => undefined;
