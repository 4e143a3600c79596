/** What `checkApplication` is told to do, and how it tells what it found. */

import type { Address } from "../types/hex.ts";
import type { DirectInput } from "./application.ts";

/** An op with its sender's next nonce, in a frame of this fee (exponent, 0) and clock (block, 0). */
export type OpStep = {
  readonly sender: Address;
  readonly data: Uint8Array;
  readonly fee?: number;
  readonly safeBlock?: number;
};

/** One thing that happens to the application: an op, or an input from L1. */
export type Step = OpStep | DirectInput;

/** Takes a sentence of what is wrong. */
export type Add = (finding: string) => void;

export function isDirect(step: Step): step is DirectInput {
  return "payload" in step;
}
