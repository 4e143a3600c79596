/** What the policy's outputs mean: the size target in bytes, and the fee that a client should offer. */

import { describe, expect, test } from "vitest";
import { batchTargetBytes, suggestedMaxFee } from "../../src/core/fee/batch-policy.ts";
import { FEE_EXPONENT_MAX, feeFromLinear, feeToLinear } from "../../src/core/fee/log-fee.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { feeExponent } from "../../src/core/types/units.ts";

const targetAt = (exponent: number): number => batchTargetBytes(feeExponent(exponent));

describe("[S6] the size target", () => {
  test("is the exponent's value in bytes", () => {
    expect([targetAt(0), targetAt(1213)]).toEqual([1, 12_578]);
  });

  test("never exceeds what InputBox takes", () => {
    const most = BigInt(INPUT_PAYLOAD_BYTES_MAX);
    let below: number = feeFromLinear(most);
    while (feeToLinear(feeExponent(below)) >= most) below -= 1;
    expect(targetAt(below)).toBe(Number(feeToLinear(feeExponent(below))));
    expect(targetAt(below)).toBeLessThan(INPUT_PAYLOAD_BYTES_MAX);
    expect(feeToLinear(feeExponent(below + 1)) >= most).toBe(true);
    expect(targetAt(below + 1)).toBe(INPUT_PAYLOAD_BYTES_MAX);
    expect(targetAt(FEE_EXPONENT_MAX)).toBe(INPUT_PAYLOAD_BYTES_MAX);
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
