/** What the lane does next: open a frame, close the batch, or include an op. Rules S5, S6. */

import type { ApplicationState, InvalidReason } from "../application/application.ts";
import { validateUserOp } from "../application/execute.ts";
import type { Address } from "../types/hex.ts";
import { FRAME_CLOCK_INTERVAL_SAFE_BLOCKS, INPUT_PAYLOAD_BYTES_MAX } from "../types/protocol.ts";
import {
  type BlockNumber,
  feeExponent,
  saturatingSub,
  type UnixMs,
  unixMs,
} from "../types/units.ts";
import { FRAME_BYTES, userOpBytes } from "../wire/batch.ts";
import type { Head } from "./head.ts";

/** When a batch closes by itself (S6). */
export type CloseLimits = {
  readonly targetBytes: number;
  /** After the first op or drained direct input. */
  readonly lingerMs: number;
  /** After the batch opened, even if it is empty. */
  readonly maxOpenMs: number;
};

export type CloseReason = "size" | "linger" | "age";

/** S5: a new frame opens at the safe head once that is 5 blocks beyond the open frame. */
export function isFrameDue(head: Head, safeHead: BlockNumber): boolean {
  return saturatingSub(safeHead, head.safeBlock) >= FRAME_CLOCK_INTERVAL_SAFE_BLOCKS;
}

/**
 * S6; null while the batch stays open. A clock that went back counts as no time. An empty batch has no
 * size to close for, so a target below its own few bytes does not seal one batch after the other.
 */
export function decideClose(head: Head, limits: CloseLimits, nowMs: UnixMs): CloseReason | null {
  const { firstContentAtMs, openedAtMs } = head;
  if (firstContentAtMs !== null && head.batchBytes >= limits.targetBytes) return "size";
  if (firstContentAtMs !== null && saturatingSub(nowMs, firstContentAtMs) >= limits.lingerMs) {
    return "linger";
  }
  return saturatingSub(nowMs, openedAtMs) >= limits.maxOpenMs ? "age" : null;
}

/** When `decideClose` will next say more than it says now, if nothing else happens. */
export function nextCloseAtMs(head: Head, limits: CloseLimits): UnixMs {
  const byAge = head.openedAtMs + limits.maxOpenMs;
  if (head.firstContentAtMs === null) return unixMs(byAge);
  return unixMs(Math.min(byAge, head.firstContentAtMs + limits.lingerMs));
}

/** S6: whether the batch must close first, since InputBox would refuse it with the op inside. */
export function mustCloseBeforeOp(head: Head, dataLength: number): boolean {
  return head.batchBytes + userOpBytes(dataLength) > INPUT_PAYLOAD_BYTES_MAX;
}

/** S6: the same for one more frame. */
export function mustCloseBeforeFrame(head: Head): boolean {
  return head.batchBytes + FRAME_BYTES > INPUT_PAYLOAD_BYTES_MAX;
}

/** What the lane needs to know of an op. */
export type OpFacts = {
  readonly sender: Address;
  readonly nonce: number;
  readonly maxFee: number;
  readonly data: Uint8Array;
};

/** Null: the op is included in the open frame. The facts are the live state and the open frame. */
export function decideInclusion(
  state: ApplicationState,
  op: OpFacts,
  head: Head,
): InvalidReason | null {
  const candidate = { nonce: op.nonce, maxFee: feeExponent(op.maxFee), data: op.data };
  return validateUserOp(state, op.sender, candidate, { fee: head.fee, safeBlock: head.safeBlock });
}
