/**
 * The interface that a rollup implements: its state machine, its fees and its snapshot bytes.
 *
 * The same source runs in the sequencer, in the verifier and in the on-chain scheduler, so it is
 * deterministic: no clock, no randomness, no I/O, no iteration order that depends on the host.
 * Execution goes through `execute.ts` only, which checks the progress that an instance reports.
 */

import type { Address } from "../types/hex.ts";
import type { Result } from "../types/result.ts";
import type { BlockNumber, FeeExponent } from "../types/units.ts";

/** The part of a signed op that the application sees. `data` is its own encoding, any bytes. */
export type UserOp = {
  /** u32 */
  readonly nonce: number;
  /** u16 exponent: the most that the sender pays. */
  readonly maxFee: FeeExponent;
  readonly data: Uint8Array;
};

/** An op that was validated against the frame's fee; the fee charged is `fee`, not `maxFee`. */
export type ValidUserOp = {
  readonly sender: Address;
  readonly fee: FeeExponent;
  readonly data: Uint8Array;
};

/** An L1 input that the batch submitter did not send. */
export type DirectInput = {
  readonly sender: Address;
  readonly blockNumber: BlockNumber;
  readonly payload: Uint8Array;
};

/** What execution emits, in order; L1 sees the same outputs from the machine. */
export type Output =
  | { readonly kind: "notice"; readonly payload: Uint8Array }
  | {
      readonly kind: "voucher";
      readonly destination: Address;
      readonly value: bigint;
      readonly payload: Uint8Array;
    };

/** Why an op is not included. The op consumes nothing. */
export type InvalidReason =
  | { readonly reason: "invalid-nonce"; readonly expected: number; readonly got: number }
  | { readonly reason: "max-fee-too-low"; readonly maxFee: number; readonly baseFee: number }
  | {
      readonly reason: "insufficient-balance";
      readonly required: bigint;
      readonly available: bigint;
    }
  | { readonly reason: "nonce-exhausted" };

/** Count 0 implies clock 0; every executed op or direct input advances the count by exactly 1. */
export type Progress = {
  readonly executedInputCount: number;
  readonly lastExecutedSafeBlock: BlockNumber;
};

/** One live state. A throw from any method is fatal: there is no canonical successor. */
export type ApplicationState = {
  progress(): Progress;
  /** The nonce that `sender`'s next op must carry; 0 if it never sent one. */
  nextNonce(sender: Address): number;
  /** Null when the op may be executed at `fee`. Mutates nothing; every byte string is answered. */
  validateUserOp(sender: Address, op: UserOp, fee: FeeExponent): InvalidReason | null;
  /** Executes a validated op: charges its fee, consumes its nonce. A business failure is included. */
  applyUserOp(op: ValidUserOp, safeBlock: BlockNumber): readonly Output[];
  /** Executes an L1 input. Unknown senders and malformed payloads are no-ops that still count. */
  applyDirectInput(input: DirectInput): readonly Output[];
  /** Canonical bytes: equal states give equal bytes on every host. At most `stateBytesMax`. */
  snapshot(): Uint8Array;
};

/** What a rollup mounts in `worker/index.ts`. `Config` is public and printable. */
export type Application<Config = unknown> = {
  /** Short name, shown in `/deployment`. */
  readonly name: string;
  /** Longest `data` that ingress takes; the scheduler itself has no such limit. */
  readonly maxMethodPayloadBytes: number;
  /** At most `STATE_BYTES_MAX` (V1). */
  readonly stateBytesMax: number;
  /** Reads the application's own variables; every problem at once. */
  parseConfig(
    vars: Readonly<Record<string, unknown>>,
    context: { readonly submitter: Address },
  ): Result<Config, readonly ConfigProblem[]>;
  /** The configuration as plain JSON, for `/deployment`. */
  describeConfig(config: Config): Readonly<Record<string, string | number>>;
  /** The inverse: what a verifier makes of a `/deployment`. Null when no configuration has it. */
  parseDescription(description: Readonly<Record<string, unknown>>): Config | null;
  genesis(config: Config): ApplicationState;
  /** Errors: why the bytes are not a snapshot under this configuration. */
  restore(config: Config, snapshot: Uint8Array): Result<ApplicationState, string>;
};

/** One variable and what is wrong with it, without its value: it may be a secret. */
export type ConfigProblem = { readonly variable: string; readonly problem: string };
