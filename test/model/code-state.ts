/**
 * What the machine around the code remembers: the object's rows, its memory, and L1's truth.
 *
 * A step is 300 blocks, so that with the real constants MAX_WAIT is 4 steps and danger 3. Everything
 * here is immutable and shared between states. Nothing decides.
 */

import type { Progress } from "../../src/core/recovery/controller.ts";
import { type BlockNumber, blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";

const STEP_BLOCKS = 300;

/** A block at which the safe head may be. */
export const headAt = (step: number): BlockNumber => blockNumber(step * STEP_BLOCKS);

/** The step of a block that `headAt` made. */
export const stepOf = (block: BlockNumber): number => block / STEP_BLOCKS;

/** A block after the safe head of `step` and before the next one's: what a transaction lands in. */
export const landingAt = (step: number): BlockNumber =>
  blockNumber(step * STEP_BLOCKS + STEP_BLOCKS / 2);

export type Batch = {
  readonly nonce: number;
  /** Step of its first frame. */
  readonly clock: number;
  readonly is: "open" | "closed" | "void";
  /** L1's truth at safe depth, which the object learns when it reads. */
  readonly isAccepted: boolean;
};

/** What a transaction carries: a batch, by its index, or nothing. */
export type Payload = number;
export const NO_OP: Payload = -1;

/** A wallet nonce that the watermark covers and L1 has not consumed. */
export type Slot = {
  /**
   * Every payload that was ever signed for it and may land, by bit. The no-op is the lowest, and stands
   * alone: any other transaction may fail, which consumes the slot just as well.
   */
  readonly rivals: number;
  /** The newest row's payload; null when the object died between the watermark and the row. */
  readonly newest: Payload | null;
};

export type Landing = {
  readonly payload: Payload;
  /** Step of its block; null above the safe head, where no block is settled yet. */
  readonly step: number | null;
  /** What the slot becomes again when L1 reorganises; null once that cannot be. */
  readonly slot: Slot | null;
};

/** What a posting tick read from L1. */
export type View = { readonly walletNonce: number; readonly nonces: readonly bigint[] };

export type CodeState = {
  /** Rows of the object, by batch index. */
  readonly batches: readonly Batch[];
  readonly watermark: number | null;
  readonly storedHead: number;
  /** First nonce whose acceptance is not stored. */
  readonly frontier: number;
  /** Memory of the object, which a crash takes: how far recovery is, and a tick that sleeps. */
  readonly progress: Progress;
  readonly view: View | null;
  /** L1's truth. */
  readonly safeHead: number;
  /** Slots consumed up to the latest block. */
  readonly consumed: number;
  /** The nonce that the scheduler accepts next, after everything at safe depth. */
  readonly expected: number;
  /** Landings that the object has not read, in slot order; the last one is in slot `consumed - 1`. */
  readonly unread: readonly Landing[];
  /** From wallet nonce `consumed` to the watermark. */
  readonly slots: readonly Slot[];
  /** What went wrong in the action that led here. */
  readonly fault: string | null;
};

export type To = (action: string, change: Partial<CodeState>) => void;

export const GENESIS: CodeState = {
  batches: withOpened([], 0, 0),
  watermark: null,
  storedHead: 0,
  frontier: 0,
  progress: { at: "need-initial-sync" },
  view: null,
  safeHead: 0,
  consumed: 0,
  expected: 0,
  unread: [],
  slots: [],
  fault: null,
};

export function withOpened(batches: readonly Batch[], nonce: number, clock: number) {
  const open: Batch = { nonce, clock, is: "open", isAccepted: false };
  return [...batches, open];
}

export function bitOf(payload: Payload): number {
  return 1 << (payload + 1);
}

export function withRival(slot: Slot | undefined, payload: Payload): Slot {
  const rivals = (slot?.rivals ?? 0) | bitOf(payload);
  const batches = rivals & ~bitOf(NO_OP);
  return { rivals: batches === 0 ? rivals : batches, newest: payload };
}

const encoded = new Map<string, Uint8Array>();

/** The bytes of a batch. The fee stands for its content: no two batches have the same bytes. */
export function bytesOf(batch: Batch, index: number): Uint8Array {
  const name = `${index} ${batch.nonce} ${batch.clock}`;
  const known = encoded.get(name);
  if (known !== undefined) return known;
  const frame = { userOps: [], safeBlock: BigInt(headAt(batch.clock)), feePrice: index };
  const bytes = encodeBatch({ nonce: BigInt(batch.nonce), frames: [frame] });
  encoded.set(name, bytes);
  return bytes;
}
