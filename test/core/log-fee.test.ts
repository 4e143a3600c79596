/** Fee exponents, bit for bit, against an independent table and an exhaustive search. */

import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FEE_EXPONENT_MAX,
  feeFromLinear,
  feeFromLinearCeil,
  feeToLinear,
  logFeeRatio,
} from "../../src/core/fee/log-fee.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import { feeExponent } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/fee.json" with { type: "json" };

const linear = (exponent: number): bigint => feeToLinear(feeExponent(exponent));
const MOST = linear(FEE_EXPONENT_MAX);
const table = vectors.table.map((entry) => BigInt(entry));

/** Every exponent's value with 64 fractional bits, from the pinned table. */
const fixed: readonly bigint[] = Array.from({ length: FEE_EXPONENT_MAX + 1 }, (_, exponent) =>
  table.reduce(
    (product, entry, bit) => ((exponent >> bit) % 2 === 1 ? (product * entry) >> 64n : product),
    1n << 64n,
  ),
);

/** The other order of multiplication. */
const highestBitFirst = (exponent: number): bigint =>
  table.reduceRight(
    (product, entry, bit) => ((exponent >> bit) % 2 === 1 ? (product * entry) >> 64n : product),
    1n << 64n,
  ) >> 64n;

/** Null where the amount is beyond every fee. */
const ceil = (value: bigint): number | null => {
  const exponent = feeFromLinearCeil(value);
  return exponent.ok ? exponent.value : null;
};

/** The exponent nearest to `target` by looking at all of them; a tie goes to the lower one. */
function searchNearest(target: bigint): number {
  const distance = (exponent: number): bigint => {
    const difference = (fixed[exponent] ?? 0n) - target;
    return difference < 0n ? -difference : difference;
  };
  let best = 0;
  for (let n = 1; n <= FEE_EXPONENT_MAX; n++) if (distance(n) < distance(best)) best = n;
  return best;
}

/** Amounts of every magnitude up to a little more than the greatest fee. */
const amounts = fc
  .tuple(fc.integer({ min: 0, max: 192 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .map(([shift, value]) => (value << BigInt(shift)) >> 63n);

describe("[S3] feeToLinear", () => {
  test("the greatest exponent", () => {
    expect(FEE_EXPONENT_MAX).toBe(vectors.maxExponent);
    expect(() => linear(FEE_EXPONENT_MAX + 1)).toThrow(InvariantError);
    expect(() => linear(0xffff)).toThrow(InvariantError);
  });

  test("all 17 102 values, as 32-byte words, hash to the pinned value", () => {
    const words = new Uint8Array(32 * (FEE_EXPONENT_MAX + 1));
    for (let n = 0; n <= FEE_EXPONENT_MAX; n++) {
      words.set(fromHex(`0x${linear(n).toString(16).padStart(64, "0")}`), 32 * n);
    }
    expect(toHex(sha256(words))).toBe(vectors.sha256OfAll);
  });

  test("all values are those of the pinned table, and fit in 256 bits", () => {
    for (const [n, value] of fixed.entries()) {
      if (linear(n) !== value >> 64n) expect.fail(`exponent ${n} differs`);
      if (value >= 2n ** 256n) expect.fail(`exponent ${n} overflows`);
    }
    const next = table.reduce(
      (product, entry, bit) =>
        ((FEE_EXPONENT_MAX + 1) >> bit) % 2 === 1 ? (product * entry) >> 64n : product,
      1n << 64n,
    );
    expect(next >= 2n ** 256n).toBe(true);
  });

  test.each(vectors.feeToLinear)("%i is %s", (exponent, value) => {
    expect(linear(Number(exponent))).toBe(BigInt(value));
    expect(linear(Number(exponent))).toBe(BigInt(value));
  });

  test("it is not the exact power, nor another order of multiplication", () => {
    expect(129n ** 4200n / 128n ** 4200n).toBe(linear(4200));
    expect(129n ** 4201n / 128n ** 4201n).toBe(linear(4201) + 1n);
    expect(highestBitFirst(5232)).toBe(linear(5232));
    expect(highestBitFirst(5233)).not.toBe(linear(5233));
  });
});

describe("[S3] feeFromLinear", () => {
  test.each(vectors.feeFromLinear)("%s is nearest to %i", (value, exponent) => {
    expect(feeFromLinear(BigInt(value))).toBe(exponent);
  });

  test("saturates at the greatest exponent", () => {
    expect(feeFromLinear(MOST)).toBe(FEE_EXPONENT_MAX);
    expect(feeFromLinear(MOST + 1n)).toBe(FEE_EXPONENT_MAX);
    expect(feeFromLinear(2n ** 256n - 1n)).toBe(FEE_EXPONENT_MAX);
    expect(feeFromLinear(linear(FEE_EXPONENT_MAX - 1))).toBe(FEE_EXPONENT_MAX - 1);
  });

  test("is what an exhaustive search finds", () => {
    fc.assert(
      fc.property(amounts, (value) => {
        const expected = value <= 1n ? 0 : value >= MOST ? FEE_EXPONENT_MAX : undefined;
        expect(feeFromLinear(value)).toBe(expected ?? searchNearest(value << 64n));
      }),
      { numRuns: size(50, 2000) },
    );
  });

  test("there and back is within one percent from 1000 on", () => {
    fc.assert(
      fc.property(amounts, (value) => {
        fc.pre(value >= 1000n && value <= MOST);
        const back = linear(feeFromLinear(value));
        const difference = back > value ? back - value : value - back;
        expect(difference * 100n <= value).toBe(true);
      }),
      { numRuns: size(300, 10_000) },
    );
  });
});

describe("[S3] feeFromLinearCeil", () => {
  test.each(vectors.feeFromLinearCeil)("%s is covered by %i", (value, exponent) => {
    expect(ceil(BigInt(value))).toBe(exponent);
  });

  test("zero and one cost nothing more than one", () => {
    expect([ceil(0n), ceil(1n)]).toEqual([0, 0]);
  });

  test("the greatest value is covered, the one above is not", () => {
    expect(ceil(MOST)).toBe(FEE_EXPONENT_MAX);
    const refused = { ok: false, error: { reason: "unrepresentable" } };
    expect(feeFromLinearCeil(MOST + 1n)).toEqual(refused);
    expect(feeFromLinearCeil(2n ** 256n)).toEqual(refused);
  });

  test("never undercharges, and no smaller exponent would do", () => {
    fc.assert(
      fc.property(amounts, (value) => {
        const exponent = ceil(value);
        expect(exponent === null).toBe(value > MOST);
        if (exponent === null) return;
        expect(linear(exponent) >= value).toBe(true);
        if (exponent > 0) expect(linear(exponent - 1) < value).toBe(true);
      }),
      { numRuns: size(300, 10_000) },
    );
  });
});

describe("[S3] logFeeRatio", () => {
  test.each(vectors.logFeeRatio)("%i / %i is %i", (numerator, denominator, exponent) => {
    const [n, d] = [BigInt(numerator ?? 0), BigInt(denominator ?? 0)];
    expect(logFeeRatio(n, d)).toBe(exponent);
    expect(logFeeRatio(d, n)).toBe(0 - (exponent ?? 0));
  });

  test("a tie goes to the lower exponent", () => {
    // Exponents 0 and 1 are 256 and 258 parts of 256, exactly.
    expect(logFeeRatio(257n, 256n)).toBe(0);
    expect(logFeeRatio(2571n, 2560n)).toBe(1);
    expect(logFeeRatio(2569n, 2560n)).toBe(0);
    expect(logFeeRatio(256n, 257n)).toBe(0);
  });

  test("the ends", () => {
    expect(logFeeRatio(2n ** 64n - 1n, 1n)).toBe(5700);
    expect(logFeeRatio(2n ** 300n, 1n)).toBe(FEE_EXPONENT_MAX);
    expect(logFeeRatio(1n, 2n ** 300n)).toBe(-FEE_EXPONENT_MAX);
    expect(() => logFeeRatio(0n, 1n)).toThrow(InvariantError);
    expect(() => logFeeRatio(1n, 0n)).toThrow(InvariantError);
  });

  test("is what an exhaustive search finds", () => {
    const term = fc.bigInt({ min: 1n, max: 10n ** 12n });
    fc.assert(
      fc.property(term, term, (a, b) => {
        const [high, low] = a > b ? [a, b] : [b, a];
        const expected = searchNearest((high << 64n) / low);
        expect(logFeeRatio(high, low)).toBe(expected);
        expect(logFeeRatio(low, high)).toBe(0 - expected);
      }),
      { numRuns: size(50, 2000) },
    );
  });
});
