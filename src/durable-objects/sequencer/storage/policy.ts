/** The fee and size policy as the lane reads it when it opens a frame. */

import { feeToLinear } from "../../../core/fee/log-fee.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../../core/types/protocol.ts";
import { type FeeExponent, feeExponent } from "../../../core/types/units.ts";

export type Policy = {
  readonly recommendedFee: FeeExponent;
  /** S6: SSZ size at which a batch closes. */
  readonly batchTargetBytes: number;
};

export function loadPolicy(sql: SqlStorage): Policy {
  const row = sql
    .exec<{ log_recommended_fee: number; log_batch_size_target: number }>(
      "SELECT log_recommended_fee, log_batch_size_target FROM batch_policy_derived",
    )
    .one();
  const target = feeToLinear(feeExponent(row.log_batch_size_target));
  return {
    recommendedFee: feeExponent(row.log_recommended_fee),
    batchTargetBytes: Number(
      target < BigInt(INPUT_PAYLOAD_BYTES_MAX) ? target : BigInt(INPUT_PAYLOAD_BYTES_MAX),
    ),
  };
}
