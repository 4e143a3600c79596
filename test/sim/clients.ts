/**
 * Users of the wallet: they sign, send, lose answers, send again, and notice what was voided.
 *
 * Signatures are symbolic (`l1-ledger.ts`): the object checks none, since the Worker does that, and the
 * fold that judges the result recovers exactly these. Every 200 is written down with what it promised.
 */

import { encodeTransfer, encodeWithdrawal } from "../../src/apps/wallet/method.ts";
import type { Rejection } from "../../src/core/api/rejection.ts";
import type { SignedUserOp, SoftConfirmation } from "../../src/core/api/sequencer-api.ts";
import { must } from "../../src/core/types/assert.ts";
import { type Address, address } from "../../src/core/types/hex.ts";
import type { Result } from "../../src/core/types/result.ts";
import { submitOp } from "../../src/durable-objects/sequencer/intake.ts";
import { symbolicOp } from "../support/l1-ledger.ts";
import type { Audit } from "./audit.ts";
import type { SimObject } from "./object.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** A promise that the object made. */
export type Acknowledged = {
  readonly op: SignedUserOp;
  /** The newest offset that had left the object before. */
  readonly head: number;
} & SoftConfirmation;

type User = {
  readonly address: Address;
  /** The nonce that the user takes next, as far as it knows. */
  nonce: number;
  /** Ops without an answer yet, oldest first: sent again until there is one. */
  readonly unanswered: SignedUserOp[];
  isBusy: boolean;
};

const USERS = 5;

export type ClientOptions = {
  /** Chance that an answer is lost on its way to the client. */
  answerLoss: number;
  /** Chance that a client whose op was voided sends it again. */
  readonly resubmits: number;
};

export const users: readonly Address[] = Array.from({ length: USERS }, (_, i) =>
  address(`0x${(0xa0 + i).toString(16).padStart(40, "0")}`),
);

export class Clients {
  readonly acknowledged: Acknowledged[] = [];
  readonly options: ClientOptions;
  readonly #object: SimObject;
  readonly #timeline: Timeline;
  readonly #audit: Audit;
  readonly #random: Random;
  readonly #users: readonly User[];
  readonly #head: () => number;

  constructor(of: {
    readonly object: SimObject;
    readonly timeline: Timeline;
    readonly audit: Audit;
    readonly random: Random;
    readonly options: ClientOptions;
    readonly head: () => number;
  }) {
    this.#object = of.object;
    this.#timeline = of.timeline;
    this.#audit = of.audit;
    this.#random = of.random;
    this.options = of.options;
    this.#head = of.head;
    this.#users = users.map((one) => ({ address: one, nonce: 0, unanswered: [], isBusy: false }));
  }

  /** One client does one thing. */
  act(): Promise<void> {
    const user = this.#random.pick(this.#users);
    const again = user.unanswered[0];
    if (again !== undefined) return this.#send(user, again);
    if (this.#random.chance(0.08)) return this.#annoy(user);
    if (this.#random.chance(0.05)) return this.#askNonce(user);
    return this.#send(user, this.#newOp(user));
  }

  /** One op of one user, by itself: resolves with what came of it. */
  probe(done: (acknowledged: Acknowledged | null) => void): Promise<void> {
    const user = must(this.#users[0], "there is a user");
    if (user.unanswered.length > 0) return this.#send(user, must(user.unanswered[0], "one"), done);
    return this.#send(user, this.#newOp(user), done);
  }

  /** The user learns that these promises are void. */
  voided(promises: readonly Acknowledged[]): void {
    // In order most of the time: who sends the last op first is told of a bad nonce.
    const order = this.#random.chance(0.8) ? 1 : -1;
    for (const { op } of promises.toSorted((a, b) => order * (a.op.nonce - b.op.nonce))) {
      const user = must(
        this.#users.find((one) => one.address === op.sender),
        "a promise was made to a user",
      );
      user.nonce = Math.min(user.nonce, op.nonce);
      if (this.#random.chance(this.options.resubmits)) user.unanswered.push(op);
    }
  }

  #newOp(user: User): SignedUserOp {
    const nonce = user.nonce;
    const to = this.#random.pick(this.#users).address;
    const amount = BigInt(this.#random.between(1, 1_000_000));
    const kind = this.#random.below(10);
    const data =
      kind === 0
        ? this.#random.bytes(this.#random.below(53))
        : kind === 1
          ? encodeWithdrawal(amount)
          : encodeTransfer(amount, to);
    const op = symbolicOp(user.address, {
      nonce,
      maxFee: this.#random.between(1_300, 2_500),
      data,
    });
    return { ...op, sender: user.address };
  }

  /** What nobody should get through with: a used or a future nonce, a fee that is too low. */
  #annoy(user: User): Promise<void> {
    const op = this.#newOp(user);
    const nonce = Math.max(0, user.nonce + this.#random.between(-3, 3));
    const maxFee = this.#random.chance(0.5) ? op.maxFee : this.#random.below(1_060);
    const signed = symbolicOp(user.address, { nonce, maxFee, data: op.data });
    return this.#request({ ...signed, sender: user.address }, (outcome) => {
      // Whoever took a guess for its next nonce used it up.
      if (outcome?.ok === true) user.nonce = Math.max(user.nonce, nonce + 1);
    });
  }

  #askNonce(user: User): Promise<void> {
    return this.#object.request(
      `ask nonce of ${user.address.slice(-2)}`,
      ({ memory }) => memory.get()?.state.nextNonce(user.address) ?? null,
      (nonce) => {
        if (nonce !== null && user.unanswered.length === 0) user.nonce = nonce;
      },
    );
  }

  async #send(
    user: User,
    op: SignedUserOp,
    done: (acknowledged: Acknowledged | null) => void = () => undefined,
  ): Promise<void> {
    if (user.isBusy) return;
    user.isBusy = true;
    if (!user.unanswered.includes(op)) user.unanswered.push(op);
    await this.#request(op, (outcome) => {
      user.isBusy = false;
      done(this.#settle(user, op, outcome));
    });
  }

  /** What a client makes of an answer; null is a lost one, after which it tries again. */
  #settle(
    user: User,
    op: SignedUserOp,
    outcome: Result<SoftConfirmation, Rejection> | null,
  ): Acknowledged | null {
    if (outcome === null || (!outcome.ok && outcome.error.status !== 422)) return null;
    const at = user.unanswered.indexOf(op);
    if (at >= 0) user.unanswered.splice(at, 1);
    if (outcome.ok) {
      user.nonce = Math.max(user.nonce, op.nonce + 1);
      return { op, head: this.#head(), ...outcome.value };
    }
    // Its nonce is not what the user thought: everything it still wants to send is outdated.
    user.unanswered.length = 0;
    this.#timeline.after(this.#random.waitMs(1_000), () => this.#askNonce(user));
    return null;
  }

  #request(
    op: SignedUserOp,
    answer: (outcome: Result<SoftConfirmation, Rejection> | null) => void,
  ): Promise<void> {
    const name = `op ${op.sender.slice(-2)}/${op.nonce}`;
    return this.#object.request(
      name,
      (parts) => submitOp(parts, op),
      (outcome) => {
        const { nowMs } = this.#timeline;
        this.#audit.note(nowMs, `${name}: ${describe(outcome)}`);
        if (outcome?.ok === true) {
          this.acknowledged.push({ op, head: this.#head(), ...outcome.value });
        }
        const isLost = this.#random.chance(this.options.answerLoss);
        answer(isLost ? null : outcome);
      },
    );
  }
}

function describe(outcome: Result<SoftConfirmation, Rejection> | null): string {
  if (outcome === null) return "lost";
  return outcome.ok ? `200 at ${outcome.value.offset}` : `${outcome.error.status}`;
}
