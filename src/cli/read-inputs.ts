/**
 * Reading every input of an application, from InputBox's block to the safe head, as the sequencer does.
 *
 * Slices are complete or not at all (`src/l1/follow.ts`) and are handed on one by one, so that memory
 * holds one. What passes with time is tried again; an endpoint that is too slow is asked for less.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { ok, type Result } from "../core/types/result.ts";
import type { BlockNumber } from "../core/types/units.ts";
import { type FollowedSlice, type Held, type InputSource, readNextSlice } from "../l1/follow.ts";
import { SLICE_BLOCKS_MAX } from "../l1/inputs.ts";
import type { L1, L1Error } from "../l1/l1.ts";

/** Failures in a row after which a reading is given up, and the pause after the first of them. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;
/** They do not pass with time. */
const LASTING: readonly L1Error["reason"][] = ["wrong-chain", "unsupported-contract", "reverted"];

export type Reading = {
  /** A slice ends at this block, so that its hash is known. */
  readonly stopAt: BlockNumber;
  readonly visit: (slice: FollowedSlice) => void;
};

/** Ends when the safe head is reached: there the number of inputs is InputBox's own. */
export async function readInputs(
  l1: L1,
  source: InputSource,
  { stopAt, visit }: Reading,
): Promise<Result<null, L1Error>> {
  let held: Held = { head: null, inputCount: 0 };
  let blocks = SLICE_BLOCKS_MAX;
  for (;;) {
    const read = await retrying(
      () => readNextSlice(l1, source, held, { blocks, stopAt, blockMax: null }),
      (error) => {
        if (error.reason === "timeout") blocks = Math.max(1, Math.floor(blocks / 2));
      },
    );
    if (!read.ok) return read;
    const { slice, reachedSafeHead } = read.value;
    if (slice !== null) {
      visit(slice);
      const { number: blockNumber, hash: blockHash } = slice.end;
      held = {
        head: { blockNumber, blockHash },
        inputCount: held.inputCount + slice.inputs.length,
      };
      blocks = Math.min(SLICE_BLOCKS_MAX, blocks * 2);
    }
    if (reachedSafeHead) return ok(null);
  }
}

/** Asks again after growing pauses. `onError` is told of every failure. */
export async function retrying<T>(
  ask: () => Promise<Result<T, L1Error>>,
  onError: (error: L1Error) => void = () => undefined,
): Promise<Result<T, L1Error>> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (answer.ok) return answer;
    onError(answer.error);
    if (attempt === ATTEMPTS || LASTING.includes(answer.error.reason)) return answer;
    await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
}
