/** The batch policy: its defaults, what each term moves, and the clamps of both outputs. */

import { describe, expect, test } from "vitest";
import {
  type BatchPolicy,
  batchSizeTargetBytes,
  DEFAULT_BATCH_POLICY,
  recommendedFee,
  suggestedMaxFee,
} from "../../src/core/fee/batch-policy.ts";
import {
  FEE_EXPONENT_MAX,
  feeFromLinear,
  feeToLinear,
  logFeeRatio,
} from "../../src/core/fee/log-fee.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { feeExponent } from "../../src/core/types/units.ts";
import { userOpBytes } from "../../src/core/wire/batch.ts";

const policy = (change: Partial<BatchPolicy>): BatchPolicy => ({
  ...DEFAULT_BATCH_POLICY,
  ...change,
});

describe("[S3] the recommended fee", () => {
  test("is 1060 by default, 3824 units", () => {
    expect(recommendedFee(DEFAULT_BATCH_POLICY)).toBe(1060);
    expect(feeToLinear(recommendedFee(DEFAULT_BATCH_POLICY))).toBe(3824n);
  });

  test.each([
    ["logGasPrice", 100, 1160],
    ["logSlack", 296, 1356],
    ["logOnePlusAlpha", 0, 1040],
    ["logDelta", 0, 641],
    ["logUserOpBytes", 0, 439],
    ["logAlpha", 0, 1060],
    ["logBaseGas", 0, 1060],
    ["logMaxBatchBytes", 0, 1060],
  ])("with %s %i is %i", (term, value, fee) => {
    expect(recommendedFee(policy({ [term]: value }))).toBe(fee);
  });

  test("stays within the exponents that have a value", () => {
    const most = FEE_EXPONENT_MAX - 1060;
    expect(recommendedFee(policy({ logGasPrice: most }))).toBe(FEE_EXPONENT_MAX);
    expect(recommendedFee(policy({ logGasPrice: most - 1 }))).toBe(FEE_EXPONENT_MAX - 1);
    expect(recommendedFee(policy({ logGasPrice: most + 1 }))).toBe(FEE_EXPONENT_MAX);
    expect(recommendedFee(policy({ logGasPrice: -1060 }))).toBe(0);
    expect(recommendedFee(policy({ logGasPrice: -1061 }))).toBe(0);
  });

  test("the default terms are the logarithms of their linear meanings", () => {
    expect(DEFAULT_BATCH_POLICY).toEqual({
      logGasPrice: logFeeRatio(1n, 1n),
      logSlack: 0,
      logAlpha: logFeeRatio(168n, 1000n),
      logOnePlusAlpha: logFeeRatio(1168n, 1000n),
      logBaseGas: logFeeRatio(55_000n, 1n),
      logDelta: logFeeRatio(26n, 1n),
      logUserOpBytes: logFeeRatio(126n, 1n),
      logMaxBatchBytes: logFeeRatio(32_000n, 1n),
    });
  });
});

/** The size target whose exponent is `exponent`. */
const targetAt = (exponent: number): number =>
  batchSizeTargetBytes(policy({ logBaseGas: exponent, logAlpha: 0, logDelta: 0 }));

describe("[S6] the size target", () => {
  test("is 12578 bytes by default", () => {
    expect(batchSizeTargetBytes(DEFAULT_BATCH_POLICY)).toBe(12_578);
  });

  test("with an alpha of 17 is no more than one op", () => {
    const target = batchSizeTargetBytes(policy({ logAlpha: logFeeRatio(17_000n, 1000n) }));
    expect(target).toBeGreaterThan(0);
    expect(target).toBeLessThanOrEqual(userOpBytes(53));
  });

  test("never exceeds what InputBox takes", () => {
    const most = BigInt(INPUT_PAYLOAD_BYTES_MAX);
    let below: number = feeFromLinear(most);
    while (feeToLinear(feeExponent(below)) >= most) below -= 1;
    expect(targetAt(below)).toBe(Number(feeToLinear(feeExponent(below))));
    expect(targetAt(below)).toBeLessThan(INPUT_PAYLOAD_BYTES_MAX);
    expect(feeToLinear(feeExponent(below + 1)) >= most).toBe(true);
    expect(targetAt(below + 1)).toBe(INPUT_PAYLOAD_BYTES_MAX);
    expect(targetAt(FEE_EXPONENT_MAX + 1)).toBe(INPUT_PAYLOAD_BYTES_MAX);
    expect([targetAt(0), targetAt(-1)]).toEqual([1, 1]);
  });
});

// P§4.1: suggested = max(fee, recommended) + 53, one and a half times the fee.
describe("[I6] the suggested max fee", () => {
  test.each([
    [1356, 1356, 1409],
    [1060, 1060, 1113],
    [1060, 1160, 1213],
    [1160, 1060, 1213],
    [0, 0, 53],
    [65_481, 0, 65_534],
    [65_482, 0, 65_535],
    [65_483, 0, 65_535],
    [0, 65_535, 65_535],
  ])("fee %i, recommended %i: %i", (fee, recommended, suggested) => {
    expect(suggestedMaxFee(feeExponent(fee), feeExponent(recommended))).toBe(suggested);
  });

  test("covers one and a half times the fee", () => {
    for (const n of [1060, 1356, 5000]) {
      const fee = feeExponent(n);
      expect(feeToLinear(suggestedMaxFee(fee, fee)) * 2n >= feeToLinear(fee) * 3n).toBe(true);
    }
  });
});
