/** The forecast of what L1 already holds: greedy over nonces, blind to what is no batch. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldLandedNonces, landedNonce } from "../../src/core/submission/landed.ts";
import { batchNonce } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { size } from "../support/size.ts";

const landed = (nonce: number | bigint) => ({
  payload: encodeBatch({ nonce: BigInt(nonce), frames: [] }),
});
const garbage = { payload: Uint8Array.of(0xff, 0xee, 0xdd) };
const fold = (expected: number, inputs: readonly { readonly payload: Uint8Array }[]) =>
  foldLandedNonces(
    batchNonce(expected),
    inputs.map(({ payload }) => landedNonce(payload)),
  );

describe("foldLandedNonces", () => {
  test.each([
    { name: "nothing landed", nonces: [], next: 5 },
    { name: "the expected one", nonces: [5], next: 6 },
    { name: "one below", nonces: [4], next: 5 },
    { name: "one above", nonces: [6], next: 5 },
    { name: "a run", nonces: [5, 6, 7], next: 8 },
    { name: "a run with a hole", nonces: [5, 7, 8], next: 6 },
    { name: "a landing twice", nonces: [5, 5, 6], next: 7 },
    { name: "out of order: the later one was skipped", nonces: [6, 5], next: 6 },
    { name: "out of order, then again", nonces: [6, 5, 6], next: 7 },
  ])("[L2] $name: next is $next", ({ nonces, next }) => {
    expect(fold(5, nonces.map(landed))).toBe(next);
  });

  // P§12.3: the key may post anything, and must not block what follows.
  test("[L2] a payload that is no batch is skipped", () => {
    expect(fold(5, [garbage, landed(5), garbage, landed(6)])).toBe(7);
    expect(fold(5, [{ payload: new Uint8Array() }])).toBe(5);
  });

  test.each([2n ** 53n, 2n ** 64n - 1n])("[L2] a nonce of %s is not ours", (nonce) => {
    expect(fold(5, [landed(nonce), landed(5)])).toBe(6);
  });

  test("[L2] a nonce is passed exactly when it was seen after all below it", () => {
    fc.assert(
      fc.property(fc.nat(5), fc.array(fc.nat(10), { maxLength: 20 }), (expected, nonces) => {
        const next = fold(expected, nonces.map(landed));
        let from = 0;
        for (let nonce = expected; nonce < next; nonce++) {
          const at = nonces.indexOf(nonce, from);
          expect(at).toBeGreaterThanOrEqual(0);
          from = at + 1;
        }
        expect(nonces.slice(from)).not.toContain(next);
      }),
      { numRuns: size(500, 20_000) },
    );
  });
});
