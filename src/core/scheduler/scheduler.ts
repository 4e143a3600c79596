/**
 * The canonical fold over InputBox inputs: the order that counts (S2, P§3.1-3.3).
 *
 * Everything else predicts it. It treats the sequencer as an adversary, so it refuses what it cannot
 * use without an error, and in this order of checks: decode, nonce, empty, frame clocks, staleness.
 * The application is executed through `execute.ts` only. A throw has no canonical successor: the
 * scheduler that threw refuses to go on (P§3.3).
 */

import type { ApplicationState, DirectInput, Output } from "../application/application.ts";
import { executeDirectInput, executeUserOp, validateUserOp } from "../application/execute.ts";
import { assert } from "../types/assert.ts";
import type { Address } from "../types/hex.ts";
import { MAX_WAIT_BLOCKS } from "../types/protocol.ts";
import {
  type BatchNonce,
  type BlockNumber,
  batchNonce,
  blockNumber,
  type FeeExponent,
  feeExponent,
} from "../types/units.ts";
import { type Batch, decodeBatch, type Frame, type WireUserOp } from "../wire/batch.ts";
import type { RecoverAddress } from "../wire/signature.ts";
import { domainSeparator, userOpDigest } from "../wire/user-op.ts";
import { Fridge } from "./fridge.ts";
import type {
  BatchRejection,
  Checkpoint,
  Executed,
  Execution,
  Outcome,
  Processed,
  Scheduler,
  SchedulerConfig,
  SchedulerInput,
} from "./outcome.ts";
import { isOverdue, isStale } from "./timing.ts";

/**
 * A fold that owns `state` from here on.
 *
 * Without a checkpoint it starts at genesis and asserts that nothing was executed. With one, asserts
 * that the direct inputs are in order and none is the sequencer's own.
 */
export function createScheduler(options: {
  readonly config: SchedulerConfig;
  readonly state: ApplicationState;
  readonly recover: RecoverAddress;
  readonly checkpoint?: Checkpoint;
}): Scheduler {
  const { config, state, recover, checkpoint } = options;
  if (checkpoint === undefined) {
    assert(state.progress().executedInputCount === 0, "at genesis nothing was executed");
    return new Fold(config, state, recover, { nextBatchNonce: batchNonce(0), fridge: [] });
  }
  assertFridge(checkpoint.fridge, config.sequencer);
  return new Fold(config, state, recover, checkpoint);
}

function assertFridge(fridge: readonly DirectInput[], sequencer: Address): void {
  let block = 0;
  for (const input of fridge) {
    assert(input.sender !== sequencer, "the sequencer's own inputs are never direct inputs");
    assert(input.blockNumber >= block, "direct inputs wait in L1 order");
    block = input.blockNumber;
  }
}

/** Fills up while one input is processed. */
type Run = { readonly executed: Executed[]; readonly outputs: Output[] };

/** A frame whose clock is known to be a block number, and where it is. */
type OpenedFrame = {
  readonly batchNonce: BatchNonce;
  readonly index: number;
  readonly safeBlock: BlockNumber;
  readonly fee: FeeExponent;
};

class Fold implements Scheduler {
  readonly #sequencer: Address;
  readonly #maxWaitBlocks: number;
  readonly #state: ApplicationState;
  readonly #recover: RecoverAddress;
  readonly #domain = new DomainMemo();
  readonly #fridge: Fridge;
  #nextBatchNonce: BatchNonce;
  #isRunning = false;

  constructor(
    config: SchedulerConfig,
    state: ApplicationState,
    recover: RecoverAddress,
    checkpoint: Checkpoint,
  ) {
    this.#sequencer = config.sequencer;
    this.#maxWaitBlocks = config.maxWaitBlocks ?? MAX_WAIT_BLOCKS;
    this.#state = state;
    this.#recover = recover;
    this.#fridge = new Fridge(checkpoint.fridge);
    this.#nextBatchNonce = checkpoint.nextBatchNonce;
  }

  process(input: SchedulerInput): Processed {
    return this.#whole((run) => {
      const { blockNumber: block } = input;
      this.#drain(run, (front) => isOverdue(block, front.blockNumber, this.#maxWaitBlocks));
      return { outcome: this.#accept(input, run), ...run };
    });
  }

  drainThrough(block: BlockNumber): Execution {
    return this.#whole((run) => {
      this.#drain(run, (front) => front.blockNumber <= block);
      return run;
    });
  }

  checkpoint(): Checkpoint {
    assert(!this.#isRunning, "a fold that failed has no successor");
    return { nextBatchNonce: this.#nextBatchNonce, fridge: this.#fridge.contents() };
  }

  /** A throw leaves the fold running for good: what it did half is never gone on from. */
  #whole<T>(work: (run: Run) => T): T {
    assert(!this.#isRunning, "a fold that failed has no successor");
    this.#isRunning = true;
    const result = work({ executed: [], outputs: [] });
    this.#isRunning = false;
    return result;
  }

  #accept(input: SchedulerInput, run: Run): Outcome {
    if (input.sender !== this.#sequencer) {
      const { sender, blockNumber: block, payload } = input;
      this.#fridge.push({ sender, blockNumber: block, payload });
      return { kind: "direct-enqueued" };
    }
    const decoded = decodeBatch(input.payload);
    if (!decoded.ok) return { kind: "batch-rejected", why: { reason: "decode-failed" } };
    return this.#acceptBatch(decoded.value, input, run);
  }

  #acceptBatch(batch: Batch, input: SchedulerInput, run: Run): Outcome {
    const nonce = this.#nextBatchNonce;
    const expected = BigInt(nonce);
    if (batch.nonce !== expected) {
      const why: BatchRejection = { reason: "wrong-nonce", expected, got: batch.nonce };
      return { kind: "batch-rejected", why };
    }
    // The reference counts to 2^64; neither end is reached with one batch per L1 input.
    const next = batchNonce(nonce + 1);
    const [first] = batch.frames;
    if (first !== undefined) {
      const why = decideClocks(batch.frames, input.blockNumber);
      if (why !== null) return { kind: "batch-rejected", why };
      if (isStale(input.blockNumber, first.safeBlock, this.#maxWaitBlocks)) {
        return { kind: "batch-skipped-stale", nonce };
      }
      this.#executeFrames(batch.frames, nonce, input, run);
    }
    this.#nextBatchNonce = next;
    return { kind: "batch-executed", nonce };
  }

  #executeFrames(
    frames: readonly Frame[],
    nonce: BatchNonce,
    input: SchedulerInput,
    run: Run,
  ): void {
    const separator = this.#domain.separator(input.chainId, input.app);
    for (const [index, frame] of frames.entries()) {
      // Exact: `decideClocks` bounded every clock by the inclusion block (S7).
      const safeBlock = blockNumber(Number(frame.safeBlock));
      const opened = { batchNonce: nonce, index, safeBlock, fee: feeExponent(frame.feePrice) };
      this.#drain(run, (front) => front.blockNumber <= safeBlock);
      for (const [position, op] of frame.userOps.entries()) {
        this.#executeOp(op, position, opened, separator, run);
      }
    }
  }

  /** P§3.2: an op that may not run is skipped and uses nothing. */
  #executeOp(
    op: WireUserOp,
    position: number,
    frame: OpenedFrame,
    separator: Uint8Array,
    run: Run,
  ): void {
    const recovered = this.#recover(userOpDigest(separator, op), op.signature);
    if (!recovered.ok) return;
    const sender = recovered.value;
    const { nonce, data } = op;
    const signed = { nonce, maxFee: feeExponent(op.maxFee), data };
    if (validateUserOp(this.#state, sender, signed, frame) !== null) return;
    const { fee, safeBlock } = frame;
    run.outputs.push(...executeUserOp(this.#state, { sender, fee, data }, safeBlock));
    const at = { batchNonce: frame.batchNonce, frame: frame.index, op: position };
    run.executed.push({ kind: "user-op", ...at, sender, nonce, fee, safeBlock, data });
  }

  #drain(run: Run, isDue: (front: DirectInput) => boolean): void {
    for (let input = this.#fridge.takeIf(isDue); input !== null; ) {
      run.outputs.push(...executeDirectInput(this.#state, input));
      run.executed.push({ kind: "direct", input });
      input = this.#fridge.takeIf(isDue);
    }
  }
}

/**
 * Null when no frame's clock is above the block or below its predecessor's.
 *
 * Clocks are compared as the u64 they are (S7): one above 2^53 is above every block number, so it is
 * rejected here, as the u64 scheduler rejects it, and none is narrowed before.
 */
function decideClocks(
  frames: readonly Frame[],
  inclusionBlock: BlockNumber,
): BatchRejection | null {
  const most = BigInt(inclusionBlock);
  let before = 0n;
  for (const { safeBlock } of frames) {
    if (safeBlock > most) return { reason: "safe-block-above-inclusion-block" };
    if (safeBlock < before) return { reason: "non-monotonic-safe-blocks" };
    before = safeBlock;
  }
  return null;
}

/** One deployment has one domain, so the last separator is nearly always the one asked for. */
class DomainMemo {
  #chainId: number | null = null;
  #app: Address | null = null;
  #separator: Uint8Array = new Uint8Array();

  separator(chainId: number, app: Address): Uint8Array {
    if (chainId !== this.#chainId || app !== this.#app) {
      this.#separator = domainSeparator({ chainId, verifyingContract: app });
      this.#chainId = chainId;
      this.#app = app;
    }
    return this.#separator;
  }
}
