/**
 * The fold over L1: what the scheduler makes of an application's inputs up to the end of a block (S2).
 *
 * Nothing but L1 and the application goes in, and the fold is the sequencer's own source, so its
 * result is the canonical state by construction. It starts at genesis, or at a state that the operator
 * trusts. Memory holds the state, the direct inputs that wait, and one slice of L1.
 */

import type { ApplicationState, DirectInput } from "../core/application/application.ts";
import { decideAcceptance } from "../core/scheduler/acceptance.ts";
import type { Outcome, Scheduler } from "../core/scheduler/outcome.ts";
import { createScheduler } from "../core/scheduler/scheduler.ts";
import type { Address } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { type BatchNonce, type BlockNumber, batchNonce } from "../core/types/units.ts";
import type { RecoverAddress } from "../core/wire/signature.ts";
import type { InputSource } from "../l1/follow.ts";
import type { L1, L1Block, L1Error, ObservedInput } from "../l1/l1.ts";
import { readInputs } from "./read-inputs.ts";

/** Whose inputs, and who sends the batches among them. */
export type ReplayTarget = InputSource & {
  readonly chainId: number;
  readonly submitter: Address;
};

/** Where a trusted state stands: at the end of a block, before the batch with this nonce. */
export type StartingPoint = { readonly block: BlockNumber; readonly nextBatchNonce: BatchNonce };

export type ReplayOptions = {
  readonly target: ReplayTarget;
  /** The replay's own from here on. */
  readonly state: ApplicationState;
  /** Null: `state` is the genesis state. */
  readonly from: StartingPoint | null;
  /** Inputs up to the end of this block are folded. */
  readonly through: BlockNumber;
  readonly recover: RecoverAddress;
  readonly onProgress?: (at: BlockNumber) => void;
};

export type Outcomes = Readonly<Record<Outcome["kind"], number>>;

export type Replayed = {
  readonly state: ApplicationState;
  /** The fold at the end of the block: it can be asked where it stands, and drained. */
  readonly scheduler: Scheduler;
  /** InputBox's number of inputs at the end of the block. */
  readonly inputCount: number;
  /** The block; null when InputBox did not exist yet. */
  readonly end: L1Block | null;
  /** What came of the inputs that were folded. */
  readonly outcomes: Outcomes;
};

/** `no-such-batch`: the starting point's block holds no batch with the nonce before it. */
export type ReplayError = L1Error | { readonly reason: "no-such-batch"; readonly code: null };

/** Errors: `behind` while the endpoint's safe head is before `through`; the client's. */
export async function replay(
  l1: L1,
  options: ReplayOptions,
): Promise<Result<Replayed, ReplayError>> {
  const { target, through, onProgress } = options;
  const fold = new Fold(options);
  let end: L1Block | null = null;
  if (through >= target.inputBoxBlock) {
    const read = await readInputs(l1, target, {
      stopAt: through,
      visit: (slice) => {
        for (const input of slice.inputs) fold.visit(input);
        if (slice.end.number === through) end = slice.end;
        onProgress?.(slice.end.number);
      },
    });
    if (!read.ok) return read;
    if (end === null) return err({ reason: "behind", code: null });
  }
  const scheduler = fold.finish();
  if (scheduler === null) return err({ reason: "no-such-batch", code: null });
  const { state } = options;
  const { inputCount, outcomes } = fold;
  return ok({ state, scheduler, inputCount, end, outcomes });
}

class Fold {
  readonly #options: ReplayOptions;
  /** Direct inputs that the starting state has not executed. */
  readonly #waiting: DirectInput[] = [];
  readonly #executedThrough: BlockNumber;
  /** A fold from genesis has no batch to find. */
  #foundBatchBefore: boolean;
  #scheduler: Scheduler | null = null;
  inputCount = 0;
  readonly outcomes: Record<Outcome["kind"], number> = {
    "direct-enqueued": 0,
    "batch-executed": 0,
    "batch-skipped-stale": 0,
    "batch-rejected": 0,
  };

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#executedThrough = options.state.progress().lastExecutedSafeBlock;
    this.#foundBatchBefore = options.from === null;
  }

  visit(input: ObservedInput): void {
    const { from, through, target } = this.#options;
    if (input.blockNumber > through) return;
    this.inputCount++;
    if (from !== null && input.blockNumber <= from.block) {
      this.#pass(input, from);
      return;
    }
    // Without the batch that made it the starting point is a guess, and nothing is folded onto it.
    if (!this.#foundBatchBefore) return;
    this.#scheduler ??= this.#begin();
    const { chainId, app } = target;
    const { outcome } = this.#scheduler.process({ ...input, chainId, app });
    this.outcomes[outcome.kind]++;
  }

  /** Null: the starting point's block does not hold the batch that it must. */
  finish(): Scheduler | null {
    return this.#foundBatchBefore ? (this.#scheduler ?? this.#begin()) : null;
  }

  /** An input up to the starting point: its effect is in the state, unless it is a direct that waits. */
  #pass(input: ObservedInput, from: StartingPoint): void {
    const { submitter } = this.#options.target;
    if (input.sender !== submitter) {
      if (input.blockNumber > this.#executedThrough) this.#waiting.push(input);
      return;
    }
    if (input.blockNumber !== from.block || from.nextBatchNonce === 0) return;
    const before = batchNonce(from.nextBatchNonce - 1);
    if (decideAcceptance(before, input, submitter).accepted) this.#foundBatchBefore = true;
  }

  #begin(): Scheduler {
    const { target, state, from, recover } = this.#options;
    const config = { sequencer: target.submitter };
    if (from === null) return createScheduler({ config, state, recover });
    const checkpoint = { nextBatchNonce: from.nextBatchNonce, fridge: this.#waiting };
    return createScheduler({ config, state, recover, checkpoint });
  }
}
