/**
 * The write head of the promised order, and the steps that move it.
 *
 * Pure: the sequencer object keeps one head in memory beside its database and moves both together;
 * a test moves heads alone and compares with the scheduler. Rules S5, S6.
 */

import { assert } from "../types/assert.ts";
import type { BatchNonce, BlockNumber, FeeExponent, UnixMs } from "../types/units.ts";
import { batchNonce } from "../types/units.ts";
import { BATCH_BYTES_BASE, FRAME_BYTES, userOpBytes } from "../wire/batch.ts";

/** The open batch and its last frame. */
export type Head = {
  readonly batchIndex: number;
  readonly batchNonce: BatchNonce;
  readonly openedAtMs: UnixMs;
  /** When the first op was included or the first direct input drained; null while there is none. */
  readonly firstContentAtMs: UnixMs | null;
  /** SSZ size of the batch as it stands. */
  readonly batchBytes: number;
  readonly frame: number;
  readonly fee: FeeExponent;
  readonly safeBlock: BlockNumber;
  readonly opsInFrame: number;
};

export type FrameStart = { readonly fee: FeeExponent; readonly safeBlock: BlockNumber };

/** The head of a new batch with its first frame. `parent` null: the root, at nonce `rootNonce`. */
export function openBatch(
  parent: Head | null,
  rootNonce: BatchNonce,
  frame: FrameStart,
  nowMs: UnixMs,
): Head {
  return {
    batchIndex: parent === null ? 0 : parent.batchIndex + 1,
    batchNonce: parent === null ? rootNonce : batchNonce(parent.batchNonce + 1),
    openedAtMs: nowMs,
    firstContentAtMs: null,
    batchBytes: BATCH_BYTES_BASE + FRAME_BYTES,
    frame: 0,
    fee: frame.fee,
    safeBlock: frame.safeBlock,
    opsInFrame: 0,
  };
}

/** N3: the clock of a new frame does not go back. */
export function openFrame(head: Head, frame: FrameStart): Head {
  assert(frame.safeBlock >= head.safeBlock, "frame clocks do not go back");
  return {
    ...head,
    batchBytes: head.batchBytes + FRAME_BYTES,
    frame: head.frame + 1,
    fee: frame.fee,
    safeBlock: frame.safeBlock,
    opsInFrame: 0,
  };
}

/** The head after an op of `dataLength` bytes of data. */
export function includeOp(head: Head, dataLength: number, nowMs: UnixMs): Head {
  return {
    ...head,
    firstContentAtMs: head.firstContentAtMs ?? nowMs,
    batchBytes: head.batchBytes + userOpBytes(dataLength),
    opsInFrame: head.opsInFrame + 1,
  };
}

/** The head after a direct input, which takes no bytes in the batch. */
export function drainDirect(head: Head, nowMs: UnixMs): Head {
  return head.firstContentAtMs === null ? { ...head, firstContentAtMs: nowMs } : head;
}
