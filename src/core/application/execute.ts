/**
 * The one door through which the application is executed.
 *
 * The lane, catch-up and the scheduler fold all come through here, so the protocol's fee guard and
 * the progress discipline (P§3.5) hold whatever the application does.
 */

import { assert } from "../types/assert.ts";
import type { Address } from "../types/hex.ts";
import type { BlockNumber, FeeExponent } from "../types/units.ts";
import type {
  ApplicationState,
  DirectInput,
  InvalidReason,
  Output,
  UserOp,
  ValidUserOp,
} from "./application.ts";

/** What a frame fixes for the ops inside it. */
export type FrameContext = { readonly fee: FeeExponent; readonly safeBlock: BlockNumber };

/**
 * Null when `op` may be executed in `frame`.
 *
 * The protocol's guard comes first (P§3.2): exponents are compared before the application is asked.
 */
export function validateUserOp(
  state: ApplicationState,
  sender: Address,
  op: UserOp,
  frame: FrameContext,
): InvalidReason | null {
  if (op.maxFee < frame.fee) {
    return { reason: "max-fee-too-low", maxFee: op.maxFee, baseFee: frame.fee };
  }
  const before = state.progress();
  const invalid = state.validateUserOp(sender, op, frame.fee);
  const after = state.progress();
  assert(
    before.executedInputCount === after.executedInputCount &&
      before.lastExecutedSafeBlock === after.lastExecutedSafeBlock,
    "validation changes no progress",
  );
  return invalid;
}

/** Executes an op that `validateUserOp` let through, or one that was persisted as included. */
export function executeUserOp(
  state: ApplicationState,
  op: ValidUserOp,
  safeBlock: BlockNumber,
): readonly Output[] {
  return advancing(state, safeBlock, () => state.applyUserOp(op, safeBlock));
}

export function executeDirectInput(state: ApplicationState, input: DirectInput): readonly Output[] {
  return advancing(state, input.blockNumber, () => state.applyDirectInput(input));
}

function advancing(
  state: ApplicationState,
  clock: BlockNumber,
  run: () => readonly Output[],
): readonly Output[] {
  const before = state.progress();
  const outputs = run();
  const after = state.progress();
  assert(
    after.executedInputCount === before.executedInputCount + 1,
    "execution advances the input count by one",
  );
  assert(
    after.lastExecutedSafeBlock === Math.max(before.lastExecutedSafeBlock, clock),
    "execution advances the clock to the input's block",
  );
  return outputs;
}
