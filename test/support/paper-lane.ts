/**
 * The lane on paper: the real decisions and head of `src/core/lane`, with lists for a database.
 *
 * It sees L1 at safe depth only, orders directs and ops as the sequencer object does, and hands out
 * the batches that the object would post. What it executed is its prediction.
 */

import { executeDirectInput, executeUserOp } from "../../src/core/application/execute.ts";
import { decideInclusion, isFrameDue } from "../../src/core/lane/decide.ts";
import {
  drainDirect,
  type Head,
  includeOp,
  openBatch,
  openFrame,
} from "../../src/core/lane/head.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { batchNonce, blockNumber, feeExponent, unixMs } from "../../src/core/types/units.ts";
import type { Batch, Frame, WireUserOp } from "../../src/core/wire/batch.ts";
import { type L1Ledger, SEQUENCER, symbolicOp } from "./l1-ledger.ts";
import { type RecordingState, recordingState } from "./recording-app.ts";

const NOW = unixMs(0);

export class PaperLane {
  readonly state: RecordingState = recordingState();
  readonly sealed: Batch[] = [];
  readonly #ledger: L1Ledger;
  #head: Head;
  #frames: { ops: WireUserOp[]; safeBlock: number; fee: number }[] = [];

  /** Genesis at the safe head, with every direct input up to it drained. */
  constructor(ledger: L1Ledger, safeHead: number) {
    this.#ledger = ledger;
    const frame = { fee: feeExponent(10), safeBlock: blockNumber(safeHead) };
    this.#head = openBatch(null, batchNonce(0), frame, NOW);
    this.#noteFrame();
    this.#drain(-1);
  }

  /** S5: one frame at the observed head, if that is far enough. */
  observe(safeHead: number, fee: number): void {
    if (!isFrameDue(this.#head, blockNumber(safeHead))) return;
    const after = this.#head.safeBlock;
    this.#head = openFrame(this.#head, {
      fee: feeExponent(fee),
      safeBlock: blockNumber(safeHead),
    });
    this.#noteFrame();
    this.#drain(after);
  }

  /** Whether the op was included. */
  submit(sender: Address, op: Omit<WireUserOp, "signature">): boolean {
    if (decideInclusion(this.state, { ...op, sender }, this.#head) !== null) return false;
    const { fee, safeBlock } = this.#head;
    executeUserOp(this.state, { sender, fee, data: op.data }, safeBlock);
    this.#frames.at(-1)?.ops.push(symbolicOp(sender, op));
    this.#head = includeOp(this.#head, op.data.length, NOW);
    return true;
  }

  /** S5: the successor opens at the unchanged block. */
  seal(): void {
    const frames: Frame[] = this.#frames.map(({ ops, safeBlock, fee }) => ({
      userOps: ops,
      safeBlock: BigInt(safeBlock),
      feePrice: fee,
    }));
    this.sealed.push({ nonce: BigInt(this.#head.batchNonce), frames });
    const { fee, safeBlock } = this.#head;
    this.#head = openBatch(this.#head, batchNonce(0), { fee, safeBlock }, NOW);
    this.#frames = [];
    this.#noteFrame();
  }

  #noteFrame(): void {
    const { fee, safeBlock } = this.#head;
    this.#frames.push({ ops: [], safeBlock, fee });
  }

  #drain(after: number): void {
    for (const { sender, blockNumber: at, payload } of this.#ledger.inputs) {
      if (sender === SEQUENCER || at <= after || at > this.#head.safeBlock) continue;
      executeDirectInput(this.state, { sender, blockNumber: at, payload });
      this.#head = drainDirect(this.#head, NOW);
    }
  }
}
