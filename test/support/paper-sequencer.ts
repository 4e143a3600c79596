/**
 * What a sequencer knows, on paper: an order, its rollbacks and the wallet's state, with no storage and no L1.
 *
 * The state after a rollback is made from genesis and the valid records, the plainest way there is.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { METHOD_BYTES_MAX } from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { executionRejected, notFound, type Rejection } from "../../src/core/api/rejection.ts";
import type { OpState, SignedUserOp, TransactionBody } from "../../src/core/api/sequencer-api.ts";
import { parseTxRequest } from "../../src/core/api/tx-request.ts";
import { verifySender } from "../../src/core/api/verify-sender.ts";
import type { ApplicationState } from "../../src/core/application/application.ts";
import {
  executeDirectInput,
  executeUserOp,
  validateUserOp,
} from "../../src/core/application/execute.ts";
import type { FeedRecord, RollbackRecord } from "../../src/core/feed/record.ts";
import { assert } from "../../src/core/types/assert.ts";
import { type Address, hash32, toHex } from "../../src/core/types/hex.ts";
import { err, ok, type Result } from "../../src/core/types/result.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../src/core/types/units.ts";
import { recoverAddress } from "../../src/core/wire/signature.ts";
import { type Domain, domainSeparator, userOpDigest } from "../../src/core/wire/user-op.ts";
import { CONFIG, depositPayload, PORTAL, TOKEN } from "./wallet.ts";

type Entry = { readonly record: FeedRecord; voidedBy: RollbackRecord | null; state: OpState };

export type Place = { readonly offset: number; readonly isNew: boolean };

export class PaperSequencer {
  readonly domain: Domain = { chainId: 31_337, verifyingContract: PORTAL };
  readonly #separator = domainSeparator(this.domain);
  readonly #entries: Entry[] = [];
  readonly #digests = new Map<number, string>();
  #state = walletApplication.genesis(CONFIG);
  #generation = 0;
  /** Of the open frame; exponent. */
  fee = 0;
  /** History below it was deleted (F8). */
  availableFrom = 0;
  /** Told of everything that is appended. */
  onAppend: () => void = () => undefined;

  /** The truth. */
  get state(): ApplicationState {
    return this.#state;
  }

  get head(): number {
    return this.#entries.at(-1)?.record.offset ?? 0;
  }

  get generation(): number {
    return this.#generation;
  }

  /** What a reader with this cursor is sent, whatever it holds. */
  after(cursor: number): readonly FeedRecord[] {
    return this.#entries
      .filter(({ voidedBy, record }) => voidedBy === null && record.offset > cursor)
      .map(({ record }) => record);
  }

  deposit(account: Address, units: bigint): void {
    this.#append({
      kind: "direct_input",
      offset: offset(this.head + 1),
      sender: PORTAL,
      blockNumber: blockNumber(this.head + 1),
      payload: depositPayload(TOKEN, account, units),
      inputIndex: this.#entries.length,
      batchNonce: batchNonce(0),
      blockTimestamp: 1_700_000_000,
      transactionHash: hash32(`0x${"ab".repeat(32)}`),
    });
  }

  /** The body of a `POST /tx` (I1, I4). */
  submit(text: string): Result<SignedUserOp & Place, Rejection> {
    const parsed = parseTxRequest(text, METHOD_BYTES_MAX);
    if (!parsed.ok) return parsed;
    const curve = { keccak: keccak_256, recoverAddress };
    const op = verifySender(parsed.value, this.#separator, curve);
    if (!op.ok) return op;
    const digest = toHex(userOpDigest(this.#separator, op.value));
    const known = this.#find(op.value.sender, op.value.nonce);
    const knownAt = known?.record.offset ?? 0;
    if (known?.voidedBy === null && this.#digests.get(knownAt) === digest) {
      return ok({ ...op.value, offset: knownAt, isNew: false });
    }
    const frame = { fee: feeExponent(this.fee), safeBlock: blockNumber(0) };
    const claim = { ...op.value, maxFee: feeExponent(op.value.maxFee) };
    const invalid = validateUserOp(this.#state, op.value.sender, claim, frame);
    if (invalid !== null) return err(executionRejected(invalid));
    const place = this.include(op.value);
    this.#digests.set(place, digest);
    return ok({ ...op.value, offset: place, isNew: true });
  }

  /** An op whose signature nobody asks for. */
  include({ sender, nonce, data }: Pick<SignedUserOp, "sender" | "nonce" | "data">): number {
    return this.#append({
      kind: "user_op",
      offset: offset(this.head + 1),
      sender,
      nonce,
      fee: feeExponent(this.fee),
      data,
      safeBlock: blockNumber(0),
      batchNonce: batchNonce(0),
    });
  }

  /** `jump`: how far beyond the head the rollback stands, as where an epoch begins (C6). */
  rollBack(keepThrough: number, jump = 1): RollbackRecord {
    this.#generation += 1;
    const rollback: RollbackRecord = {
      kind: "rollback",
      offset: offset(this.head + jump),
      keepThrough: offset(keepThrough),
      generation: this.#generation,
    };
    for (const entry of this.#entries) {
      if (entry.record.kind === "rollback" || entry.record.offset <= keepThrough) continue;
      entry.voidedBy ??= rollback;
    }
    this.#entries.push({ record: rollback, voidedBy: null, state: "ordered" });
    this.#state = walletApplication.genesis(CONFIG);
    for (const record of this.after(0)) execute(this.#state, record);
    this.onAppend();
    return rollback;
  }

  /** How far the op at this offset has come. */
  advance(at: number, state: OpState): void {
    for (const entry of this.#entries) if (entry.record.offset === at) entry.state = state;
  }

  /** `GET /tx/:sender/:nonce`. */
  transaction(sender: Address, nonce: number): Result<TransactionBody, Rejection> {
    const found = this.#find(sender, nonce);
    if (found === null) return err(notFound("no such op"));
    const { record, voidedBy, state } = found;
    const rollback = { rollback_offset: Number(voidedBy?.offset), generation: 0 };
    const common = { ok: true, sender, nonce, batch_nonce: 0, frame_fee: 0, l1: null } as const;
    const at = { offset: record.offset, digest: this.#digests.get(record.offset) ?? "" };
    if (voidedBy === null) return ok({ ...common, ...at, state, voided: null, receipt: null });
    return ok({ ...common, ...at, state: "voided", voided: rollback, receipt: null });
  }

  /** The valid op, else the newest void one. */
  #find(sender: Address, nonce: number): Entry | null {
    const all = this.#entries.filter(
      ({ record }) =>
        record.kind === "user_op" && record.sender === sender && record.nonce === nonce,
    );
    return all.find(({ voidedBy }) => voidedBy === null) ?? all.at(-1) ?? null;
  }

  #append(record: FeedRecord): number {
    assert(record.kind !== "rollback", "a rollback has its own way");
    execute(this.#state, record);
    this.#entries.push({ record, voidedBy: null, state: "ordered" });
    this.onAppend();
    return record.offset;
  }
}

function execute(state: ApplicationState, record: FeedRecord): void {
  if (record.kind === "user_op") executeUserOp(state, record, record.safeBlock);
  if (record.kind === "direct_input") executeDirectInput(state, record);
}
