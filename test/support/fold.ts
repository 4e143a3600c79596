/** A fold over the recording application, driven by short calls. */

import type { DirectInput } from "../../src/core/application/application.ts";
import type {
  BatchRejection,
  Checkpoint,
  Executed,
  Execution,
  Outcome,
  Processed,
} from "../../src/core/scheduler/outcome.ts";
import { createScheduler } from "../../src/core/scheduler/scheduler.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch, type Frame, type WireUserOp } from "../../src/core/wire/batch.ts";
import type { RecoverAddress } from "../../src/core/wire/signature.ts";
import { APP, CHAIN_ID, recoverSymbolic, SEQUENCER, symbolicOp } from "./l1-ledger.ts";
import { STRANGERS, USERS } from "./l1-stream.ts";
import { type RecordingState, recordingState } from "./recording-app.ts";

const [STRANGER = SEQUENCER] = STRANGERS;
const [USER = SEQUENCER] = USERS;

const bytesOf = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, "hex"));
const digitsOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A direct input whose payload is the hex digits of `name`. */
export function direct(block: number, name: string, sender: Address = STRANGER): DirectInput {
  return { sender, blockNumber: blockNumber(block), payload: bytesOf(name) };
}

/** An op of the one user, with a max fee above every test's frame. */
export function op(nonce: number, name: string): WireUserOp {
  return symbolicOp(USER, { nonce, maxFee: 2_500, data: bytesOf(name) });
}

export function frame(safeBlock: number, userOps: readonly WireUserOp[] = [], feePrice = 0): Frame {
  return { userOps, safeBlock: BigInt(safeBlock), feePrice };
}

export function rejected(why: BatchRejection): Outcome {
  return { kind: "batch-rejected", why };
}

export type TestFold = {
  readonly state: RecordingState;
  /** A direct input of the one stranger. */
  direct(block: number, name: string): Processed;
  /** Bytes from the sequencer. */
  bytes(block: number, digits: string): Processed;
  batch(block: number, nonce: bigint, frames: readonly Frame[]): Processed;
  batchFrom(sender: Address, block: number, nonce: bigint, frames: readonly Frame[]): Processed;
  batchFor(app: Address, block: number, nonce: bigint, frames: readonly Frame[]): Processed;
  drainThrough(block: number): Execution;
  checkpoint(): Checkpoint;
  /** Payloads of direct inputs, `op` and the data of ops. */
  names(executed: readonly Executed[]): readonly string[];
};

export function newFold(
  options: {
    readonly state?: RecordingState;
    readonly recover?: RecoverAddress;
    readonly checkpoint?: Checkpoint;
    readonly maxWaitBlocks?: number;
  } = {},
): TestFold {
  const {
    state = recordingState(),
    recover = recoverSymbolic,
    maxWaitBlocks,
    checkpoint,
  } = options;
  const wait = maxWaitBlocks === undefined ? {} : { maxWaitBlocks };
  const from = checkpoint === undefined ? {} : { checkpoint };
  const config = { sequencer: SEQUENCER, ...wait };
  const scheduler = createScheduler({ config, state, recover, ...from });
  const process = (sender: Address, block: number, payload: Uint8Array, app = APP): Processed =>
    scheduler.process({ chainId: CHAIN_ID, app, sender, blockNumber: blockNumber(block), payload });
  const batchFor = (app: Address, block: number, nonce: bigint, frames: readonly Frame[]) =>
    process(SEQUENCER, block, encodeBatch({ nonce, frames }), app);
  return {
    state,
    direct: (block, name) => process(STRANGER, block, bytesOf(name)),
    bytes: (block, digits) => process(SEQUENCER, block, bytesOf(digits)),
    batch: (block, nonce, frames) => batchFor(APP, block, nonce, frames),
    batchFrom: (sender, block, nonce, frames) =>
      process(sender, block, encodeBatch({ nonce, frames })),
    batchFor,
    drainThrough: (block) => scheduler.drainThrough(blockNumber(block)),
    checkpoint: () => scheduler.checkpoint(),
    names: (executed) =>
      executed.map((entry) =>
        entry.kind === "direct" ? digitsOf(entry.input.payload) : `op ${digitsOf(entry.data)}`,
      ),
  };
}
