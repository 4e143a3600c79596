/** What a frame charges and when a batch is full, from the policy's exponents (S3, P§4.6). */

import { INPUT_PAYLOAD_BYTES_MAX } from "../types/protocol.ts";
import { type FeeExponent, feeExponent, U16_MAX } from "../types/units.ts";
import { FEE_EXPONENT_MAX, feeToLinear } from "./log-fee.ts";

/** Exponents of 129/128; linear meanings in P§4.6. */
export type BatchPolicy = {
  readonly logGasPrice: number;
  readonly logSlack: number;
  readonly logAlpha: number;
  readonly logOnePlusAlpha: number;
  readonly logBaseGas: number;
  readonly logDelta: number;
  readonly logUserOpBytes: number;
  readonly logMaxBatchBytes: number;
};

export const DEFAULT_BATCH_POLICY: BatchPolicy = {
  logGasPrice: 0,
  logSlack: 0,
  logAlpha: -229,
  logOnePlusAlpha: 20,
  logBaseGas: 1403,
  logDelta: 419,
  logUserOpBytes: 621,
  logMaxBatchBytes: 1333,
};

/** What a client should add to the fee so that its op survives a rise by half. */
const SUGGESTED_SLACK = 53;

export function recommendedFee(policy: BatchPolicy): FeeExponent {
  const { logGasPrice, logSlack, logOnePlusAlpha, logDelta, logUserOpBytes } = policy;
  return clamp(logGasPrice + logSlack + logOnePlusAlpha + logDelta + logUserOpBytes);
}

/** Bytes of SSZ at which a batch closes, never above what InputBox takes (S6). */
export function batchSizeTargetBytes(policy: BatchPolicy): number {
  const exponent = clamp(policy.logBaseGas - policy.logAlpha - policy.logDelta);
  const bytes = feeToLinear(exponent);
  const most = BigInt(INPUT_PAYLOAD_BYTES_MAX);
  return Number(bytes < most ? bytes : most);
}

function clamp(exponent: number): FeeExponent {
  return feeExponent(Math.min(FEE_EXPONENT_MAX, Math.max(0, exponent)));
}

/** `GET /fee`: a `max_fee` that survives one and a half times the current fee. */
export function suggestedMaxFee(fee: FeeExponent, recommended: FeeExponent): FeeExponent {
  return feeExponent(Math.min(U16_MAX, Math.max(fee, recommended) + SUGGESTED_SLACK));
}
