/**
 * One step of `checkApplication`: executed as the scheduler executes it, and looked at closely.
 *
 * Arguments are copies that are overwritten after the call, and so is what the application answers:
 * whoever keeps a caller's array, or hands out its own, is found out.
 */

import { bytesEqual } from "../types/bytes.ts";
import { toHex } from "../types/hex.ts";
import { blockNumber, feeExponent, U16_MAX, U32_MAX } from "../types/units.ts";
import type { ApplicationState, DirectInput, InvalidReason, Output } from "./application.ts";
import { type Add, isDirect, type OpStep, type Step } from "./check-types.ts";
import { executeDirectInput, executeUserOp, validateUserOp } from "./execute.ts";

/** What a state showed after a step: its outputs or its refusal, as text, and its bytes. */
export type Told = { readonly answer: string; readonly snapshot: Uint8Array };

/** Executes `step`, unless it is an op that the state refuses. */
export function act(state: ApplicationState, step: Step, add: Add): Told {
  const answer = isDirect(step) ? actDirect(state, step, add) : actOp(state, step, add);
  const snapshot = state.snapshot().slice();
  // The bytes that a caller was given are the caller's.
  state.snapshot().fill(0xff);
  if (!bytesEqual(state.snapshot(), snapshot)) add("its snapshot is its own memory");
  return { answer, snapshot };
}

function actDirect(state: ApplicationState, input: DirectInput, add: Add): string {
  const payload = input.payload.slice();
  const outputs = executeDirectInput(state, { ...input, payload });
  return answerAfterOverwrite(state, outputs, payload, add);
}

function actOp(state: ApplicationState, step: OpStep, add: Add): string {
  const { sender } = step;
  const nonce = state.nextNonce(sender);
  const data = step.data.slice();
  const fee = feeExponent(step.fee ?? 0);
  const frame = { fee, safeBlock: blockNumber(step.safeBlock ?? 0) };
  const before = state.snapshot().slice();
  const ask = (asked: number): InvalidReason | null =>
    validateUserOp(state, sender, { nonce: asked, maxFee: feeExponent(U16_MAX), data }, frame);
  for (const wrong of [0, nonce - 1, nonce + 1, U32_MAX]) {
    if (wrong < 0 || wrong > U32_MAX || wrong === nonce) continue;
    if (ask(wrong) === null) add("it takes an op with another nonce than the next");
  }
  const [invalid, again] = [ask(nonce), ask(nonce)];
  if (textOf(invalid) !== textOf(again)) add("validation answers otherwise when it is asked again");
  if (!bytesEqual(state.snapshot(), before)) add("validation changes the state");
  if (invalid !== null) return textOf(invalid);
  const outputs = executeUserOp(state, { sender, fee, data }, frame.safeBlock);
  if (state.nextNonce(sender) !== nonce + 1) add("an executed op does not use its nonce");
  return answerAfterOverwrite(state, outputs, data, add);
}

function answerAfterOverwrite(
  state: ApplicationState,
  outputs: readonly Output[],
  given: Uint8Array,
  add: Add,
): string {
  const answer = textOf(outputs);
  const before = state.snapshot().slice();
  given.fill(0xff);
  if (textOf(outputs) !== answer) add("an output is the memory of an input");
  for (const { payload } of outputs) payload.fill(0xff);
  if (!bytesEqual(state.snapshot(), before)) add("it keeps arrays that are not its own");
  return answer;
}

/** One text per answer: outputs in order, a refusal, or that there is none. */
function textOf(answer: readonly Output[] | InvalidReason | null): string {
  return JSON.stringify(answer, (_, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    return value instanceof Uint8Array ? toHex(value) : value;
  });
}
