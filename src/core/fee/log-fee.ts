/**
 * Fees as exponents: `n` stands for (129/128)^n of the smallest token unit (S3, P§2.6).
 *
 * Consensus critical, bit for bit: 64 fractional bits, one table entry per bit of the exponent,
 * multiplied from the lowest bit up, rounded down after each. The result is not the exact power, and
 * another order of multiplication gives other results.
 */

import { assert } from "../types/assert.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type FeeExponent, feeExponent } from "../types/units.ts";

/** The greatest exponent whose value fits in 256 bits. */
export const FEE_EXPONENT_MAX = 17_101;

const FRACTION_BITS = 64n;
const ONE = 1n << FRACTION_BITS;
const TABLE_BITS = 15;

/** Entry i is (129/128)^(2^i). */
const TABLE: readonly bigint[] = buildTable();

function buildTable(): bigint[] {
  const table = [129n << 57n];
  for (let i = 1; i < TABLE_BITS; i++) {
    const last = table[i - 1] ?? 0n;
    table.push((last * last) >> FRACTION_BITS);
  }
  return table;
}

/** The lane asks for the same few exponents for every op. */
const memo: (bigint | undefined)[] = [];

/** Value in smallest token units. Asserts `exponent <= FEE_EXPONENT_MAX`. */
export function feeToLinear(exponent: FeeExponent): bigint {
  const known = memo[exponent];
  if (known !== undefined) return known;
  const value = fixed(exponent) >> FRACTION_BITS;
  memo[exponent] = value;
  return value;
}

function fixed(exponent: number): bigint {
  assert(exponent >= 0 && exponent <= FEE_EXPONENT_MAX, "a fee exponent has a value in 256 bits");
  let result = ONE;
  for (let i = 0; i < TABLE_BITS; i++) {
    if ((exponent >> i) & 1) result = (result * (TABLE[i] ?? 0n)) >> FRACTION_BITS;
  }
  return result;
}

/** The smallest exponent whose fixed-point value reaches `target`. */
function ceilExponent(target: bigint): number {
  let low = 0;
  let high = FEE_EXPONENT_MAX;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fixed(middle) >= target) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The exponent nearest to `units`, saturating at both ends; a tie goes to the lower one. */
export function feeFromLinear(units: bigint): FeeExponent {
  if (units <= 1n) return feeExponent(0);
  if (units >= feeToLinear(feeExponent(FEE_EXPONENT_MAX))) return feeExponent(FEE_EXPONENT_MAX);
  return feeExponent(nearest(units << FRACTION_BITS));
}

function nearest(target: bigint): number {
  const above = ceilExponent(target);
  if (above === 0) return 0;
  return target - fixed(above - 1) <= fixed(above) - target ? above - 1 : above;
}

/** The smallest exponent that does not undercharge `units`. */
export function feeFromLinearCeil(
  units: bigint,
): Result<FeeExponent, { readonly reason: "unrepresentable" }> {
  if (units <= 1n) return ok(feeExponent(0));
  const most = feeToLinear(feeExponent(FEE_EXPONENT_MAX));
  if (units > most) return err({ reason: "unrepresentable" });
  if (units === most) return ok(feeExponent(FEE_EXPONENT_MAX));
  return ok(feeExponent(ceilExponent(units << FRACTION_BITS)));
}

/** The exponent nearest to `numerator / denominator`, negative below one. Both must be positive. */
export function logFeeRatio(numerator: bigint, denominator: bigint): number {
  assert(numerator > 0n && denominator > 0n, "a ratio is of positive numbers");
  if (numerator < denominator) return 0 - logFeeRatio(denominator, numerator);
  return nearest((numerator << FRACTION_BITS) / denominator);
}
