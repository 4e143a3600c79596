/** The fee and size policy as the lane reads it when it opens a frame. */

import { batchTargetBytes } from "../../../core/fee/batch-policy.ts";
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
  return {
    recommendedFee: feeExponent(row.log_recommended_fee),
    batchTargetBytes: batchTargetBytes(feeExponent(row.log_batch_size_target)),
  };
}
