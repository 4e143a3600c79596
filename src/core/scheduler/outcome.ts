/** What goes into the canonical fold and what comes out of it (S2, P§3.1). */

import type { DirectInput, Output } from "../application/application.ts";
import type { Address } from "../types/hex.ts";
import type { BatchNonce, BlockNumber, FeeExponent } from "../types/units.ts";

/**
 * One InputBox input. They come in L1 order, so block numbers do not go back. The payload is kept,
 * not copied.
 */
export type SchedulerInput = {
  /** Chain and application as the input's own envelope names them: the domain of its ops. */
  readonly chainId: number;
  readonly app: Address;
  readonly sender: Address;
  readonly blockNumber: BlockNumber;
  readonly payload: Uint8Array;
};

/** Why a batch was dropped; its nonce stays. The machine reports these and no other outcome. */
export type BatchRejection =
  | { readonly reason: "decode-failed" }
  | { readonly reason: "wrong-nonce"; readonly expected: bigint; readonly got: bigint }
  | { readonly reason: "safe-block-above-inclusion-block" }
  | { readonly reason: "non-monotonic-safe-blocks" };

export type Outcome =
  | { readonly kind: "direct-enqueued" }
  | { readonly kind: "batch-executed"; readonly nonce: BatchNonce }
  | { readonly kind: "batch-skipped-stale"; readonly nonce: BatchNonce }
  | { readonly kind: "batch-rejected"; readonly why: BatchRejection };

/** One execution, for whoever compares orders. */
export type Executed =
  | { readonly kind: "direct"; readonly input: DirectInput }
  | {
      readonly kind: "user-op";
      readonly batchNonce: BatchNonce;
      /** Positions in the batch, from 0, as they are on the wire; skipped ops count. */
      readonly frame: number;
      readonly op: number;
      readonly sender: Address;
      readonly nonce: number;
      readonly fee: FeeExponent;
      readonly safeBlock: BlockNumber;
      readonly data: Uint8Array;
    };

/** What ran and what came of it, both in order. */
export type Execution = {
  readonly executed: readonly Executed[];
  readonly outputs: readonly Output[];
};

/** Overdue direct inputs are among the executed whatever the outcome is. */
export type Processed = Execution & { readonly outcome: Outcome };

/** Where a fold stands apart from the application's state: enough to go on elsewhere. */
export type Checkpoint = {
  readonly nextBatchNonce: BatchNonce;
  /** Direct inputs not executed yet, oldest first. */
  readonly fridge: readonly DirectInput[];
};

export type SchedulerConfig = {
  /** The batch submitter: its inputs are batches, all others are direct inputs. */
  readonly sequencer: Address;
  readonly maxWaitBlocks?: number;
};

export type Scheduler = {
  process(input: SchedulerInput): Processed;
  /** Executes every direct input up to `block`, inclusive: the end of a recovery fold (P§3.7). */
  drainThrough(block: BlockNumber): Execution;
  checkpoint(): Checkpoint;
};
