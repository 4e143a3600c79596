/** What the policy's exponents mean to the lane and to a client (S3, S6, P§4.6). */

import { INPUT_PAYLOAD_BYTES_MAX } from "../types/protocol.ts";
import { type FeeExponent, feeExponent, U16_MAX } from "../types/units.ts";
import { feeToLinear } from "./log-fee.ts";

/** What a client should add to the fee so that its op survives a rise by half. */
const SUGGESTED_SLACK = 53;

/** Bytes of SSZ at which a batch closes, never above what InputBox takes (S6). */
export function batchTargetBytes(logTarget: FeeExponent): number {
  const bytes = feeToLinear(logTarget);
  const most = BigInt(INPUT_PAYLOAD_BYTES_MAX);
  return Number(bytes < most ? bytes : most);
}

/** `GET /fee`: a `max_fee` that survives one and a half times the current fee. */
export function suggestedMaxFee(fee: FeeExponent, recommended: FeeExponent): FeeExponent {
  return feeExponent(Math.min(U16_MAX, Math.max(fee, recommended) + SUGGESTED_SLACK));
}
