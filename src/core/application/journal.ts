/**
 * What every application keeps of its inputs: the nonce that each sender is at, and its progress.
 *
 *     executed_input_count u64 | last_executed_safe_block u64 | nonces: address 20, nonce u32
 *
 * Integers little-endian, accounts ascending (P§2.5). An application holds one and adds its own state.
 */

import { assert } from "../types/assert.ts";
import { viewOf } from "../types/bytes.ts";
import type { Address } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type BlockNumber, blockNumber, U32_MAX } from "../types/units.ts";
import { decodeAccounts, encodeAccounts, type ValueCodec } from "./account-table.ts";
import type { InvalidReason, Progress } from "./application.ts";

export type JournalContents = {
  readonly nonces: ReadonlyMap<Address, number>;
  readonly progress: Progress;
};

/** Bytes of a progress, and so of the journal of a state that nobody sent an op to. */
export const PROGRESS_BYTES: number = 16;

const NONCE: ValueCodec<number> = {
  name: "nonces",
  valueBytes: 4,
  write(view, at, nonce) {
    assert(nonce >= 0 && nonce <= U32_MAX, "a nonce is a u32");
    view.setUint32(at, nonce, true);
  },
  read: (view, at) => view.getUint32(at, true),
};

const GENESIS: JournalContents = {
  nonces: new Map(),
  progress: { executedInputCount: 0, lastExecutedSafeBlock: blockNumber(0) },
};

export class Journal {
  readonly #nonces: Map<Address, number>;
  #progress: Progress;

  /** At genesis when nothing is given. What is given is copied. */
  constructor(contents: JournalContents = GENESIS) {
    this.#nonces = new Map(contents.nonces);
    this.#progress = contents.progress;
  }

  /** The journal's own maps: to be encoded, not to be kept. */
  contents(): JournalContents {
    return { nonces: this.#nonces, progress: this.#progress };
  }

  progress(): Progress {
    return this.#progress;
  }

  nextNonce(sender: Address): number {
    return this.#nonces.get(sender) ?? 0;
  }

  /** Null when `nonce` is the sender's next and may be used up. The last u32 never is. */
  refuseNonce(sender: Address, nonce: number): InvalidReason | null {
    const expected = this.nextNonce(sender);
    if (nonce !== expected) return { reason: "invalid-nonce", expected, got: nonce };
    return expected === U32_MAX ? { reason: "nonce-exhausted" } : null;
  }

  /** Asserts that there is one left: the op was validated. */
  useNonce(sender: Address): void {
    const nonce = this.nextNonce(sender);
    assert(nonce < U32_MAX, "a validated op has a nonce left");
    this.#nonces.set(sender, nonce + 1);
  }

  /** Counts an executed input of the block `clock`. The clock never goes back. */
  advance(clock: BlockNumber): void {
    const { executedInputCount, lastExecutedSafeBlock } = this.#progress;
    this.#progress = {
      executedInputCount: executedInputCount + 1,
      lastExecutedSafeBlock: blockNumber(Math.max(lastExecutedSafeBlock, clock)),
    };
  }

  encode(): Uint8Array {
    const nonces = encodeNonces(this.#nonces);
    const bytes = new Uint8Array(PROGRESS_BYTES + nonces.length);
    encodeProgress(viewOf(bytes), 0, this.#progress);
    bytes.set(nonces, PROGRESS_BYTES);
    return bytes;
  }

  /** The inverse. Errors: what is wrong, for bytes that `encode` does not make. */
  static decode(bytes: Uint8Array): Result<Journal, string> {
    if (bytes.length < PROGRESS_BYTES) return err("shorter than a progress");
    const progress = decodeProgress(viewOf(bytes), 0);
    if (!progress.ok) return progress;
    const nonces = decodeNonces(bytes.subarray(PROGRESS_BYTES));
    if (!nonces.ok) return nonces;
    return ok(new Journal({ nonces: nonces.value, progress: progress.value }));
  }
}

export function encodeNonces(nonces: ReadonlyMap<Address, number>): Uint8Array {
  return encodeAccounts(nonces, NONCE);
}

/** Errors: as `decodeAccounts`. */
export function decodeNonces(bytes: Uint8Array): Result<Map<Address, number>, string> {
  return decodeAccounts(bytes, NONCE);
}

export function encodeProgress(view: DataView, at: number, progress: Progress): void {
  view.setBigUint64(at, BigInt(progress.executedInputCount), true);
  view.setBigUint64(at + 8, BigInt(progress.lastExecutedSafeBlock), true);
}

/** Errors: what is wrong with the 16 bytes at `at`. */
export function decodeProgress(view: DataView, at: number): Result<Progress, string> {
  const count = Number(view.getBigUint64(at, true));
  const clock = Number(view.getBigUint64(at + 8, true));
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(clock)) return err("bad progress");
  if (count === 0 && clock !== 0) return err("a clock without inputs");
  return ok({ executedInputCount: count, lastExecutedSafeBlock: blockNumber(clock) });
}
