/** Recovery of signers: every v, both halves of s, and the edges of r and s (P§2.1). */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { privateKeyToAddress } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import {
  addressOfPublicKey,
  parseSignature,
  recoverAddress,
} from "../../src/core/wire/signature.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

const ORDER = secp256k1.Point.Fn.ORDER;
const word = (value: bigint): Uint8Array => fromHex(`0x${value.toString(16).padStart(64, "0")}`);
const one = vectors.cases[0] ?? expect.fail("the vectors hold a case");
const digest = fromHex(one.digest);
const signature = fromHex(one.signature);
const signer = one.sender.toLowerCase();

function signed(r: bigint, s: bigint, v: number): Uint8Array {
  return Uint8Array.of(...word(r), ...word(s), v);
}

function withV(v: number): Uint8Array {
  return Uint8Array.of(...signature.subarray(0, 64), v);
}

/** The other signature of the same key over the same digest: s negated, parity flipped. */
function malleated(bytes: Uint8Array): Uint8Array {
  const s = BigInt(toHex(bytes.subarray(32, 64)));
  return Uint8Array.of(...bytes.subarray(0, 32), ...word(ORDER - s), bytes[64] === 27 ? 28 : 27);
}

describe("[I2] recovery", () => {
  test.each(vectors.cases)("recovers the signer of $digest", (vector) => {
    const recovered = recoverAddress(fromHex(vector.digest), fromHex(vector.signature));
    expect(recovered).toEqual({ ok: true, value: vector.sender.toLowerCase() });
  });

  test("recovers every signer, from both of its signatures", () => {
    const keys = fc.bigInt({ min: 1n, max: ORDER - 1n });
    const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(keys, digests, (key, hash) => {
        const made = secp256k1.sign(hash, word(key), { prehash: false, format: "recovered" });
        const bytes = Uint8Array.of(...made.subarray(1), 27 + (made[0] ?? 0));
        const value = privateKeyToAddress(toHex(word(key))).toLowerCase();
        expect(recoverAddress(hash, bytes)).toEqual({ ok: true, value });
        expect(recoverAddress(hash, malleated(bytes))).toEqual({ ok: true, value });
      }),
      { numRuns: size(25, 1000) },
    );
  });

  test("a high-s signature cannot recover another address, only the wrong parity can", () => {
    const high = malleated(signature);
    expect(BigInt(toHex(high.subarray(32, 64))) > ORDER / 2n).toBe(true);
    expect(recoverAddress(digest, high)).toEqual({ ok: true, value: signer });
    const flipped = Uint8Array.of(...high.subarray(0, 64), signature[64] ?? 0);
    expect(recoverAddress(digest, flipped)).not.toEqual({ ok: true, value: signer });
  });

  test("a digest is taken modulo the curve's order", () => {
    const small = recoverAddress(word(1n), signature);
    expect(small.ok).toBe(true);
    expect(recoverAddress(word(ORDER + 1n), signature)).toEqual(small);
    expect(recoverAddress(word(ORDER), signature)).toEqual(recoverAddress(word(0n), signature));
  });

  test.each([0, 64, 66])("a signature of %i bytes is refused", (length) => {
    expect(recoverAddress(digest, new Uint8Array(length))).toEqual({ ok: false, error: "length" });
  });

  test("an r that is no point's x coordinate is refused", () => {
    expect(recoverAddress(digest, signed(5n, 1n, 27))).toEqual({ ok: false, error: "recover" });
  });

  test("a key that would be the point at infinity is refused", () => {
    // With R = G and s = digest, s R - digest G is the neutral element.
    const x = secp256k1.Point.BASE.toAffine().x;
    expect(recoverAddress(word(77n), signed(x, 77n, 27))).toEqual({ ok: false, error: "recover" });
    expect(recoverAddress(word(78n), signed(x, 77n, 27)).ok).toBe(true);
  });

  test("an address is the end of the hash of the public key", () => {
    const key = secp256k1.getPublicKey(fromHex(vectors.privateKey), false);
    expect(addressOfPublicKey(key)).toBe(signer);
  });
});

/** P§2.1: 0 and 1 as they are, 27 and 28 less 27, from 35 on the parity of what is beyond 35. */
function expectedParity(v: number): 0 | 1 | null {
  if (v <= 1) return v === 0 ? 0 : 1;
  if (v === 27 || v === 28) return v === 27 ? 0 : 1;
  if (v < 35) return null;
  return v % 2 === 1 ? 0 : 1;
}

describe("[I2] v", () => {
  test("all 256 values", () => {
    let refused = 0;
    for (let v = 0; v <= 0xff; v++) {
      const recovery = expectedParity(v);
      if (recovery === null) refused += 1;
      const parsed = parseSignature(withV(v));
      if (recovery === null) expect(parsed, `${v}`).toEqual({ ok: false, error: "parity" });
      else expect(parsed.ok && parsed.value.recovery, `${v}`).toBe(recovery);
    }
    expect(refused).toBe(256 - 4 - 221);
  });

  test.each([
    [0, true],
    [1, false],
    [27, true],
    [28, false],
    [35, true],
    [36, false],
    [37, true],
    [255, true],
  ])("%i recovers the signer: %j", (v, isSigner) => {
    const recovered = recoverAddress(digest, withV(v));
    expect(recovered.ok && recovered.value === signer).toBe(isSigner);
  });

  test.each([2, 26, 29, 34])("%i is refused", (v) => {
    expect(recoverAddress(digest, withV(v))).toEqual({ ok: false, error: "parity" });
  });

  test("is judged before r and s", () => {
    expect(parseSignature(signed(0n, 0n, 2))).toEqual({ ok: false, error: "parity" });
  });
});

describe("[I2] r and s", () => {
  test.each([
    ["r zero", 0n, 1n],
    ["r the order", ORDER, 1n],
    ["r above the order", ORDER + 1n, 1n],
    ["r of all ones", 2n ** 256n - 1n, 1n],
    ["s zero", 1n, 0n],
    ["s the order", 1n, ORDER],
    ["s above the order", 1n, ORDER + 1n],
    ["s of all ones", 1n, 2n ** 256n - 1n],
  ])("%s is refused", (_what, r, s) => {
    const refused = { ok: false, error: "signature" };
    expect(parseSignature(signed(r, s, 27))).toEqual(refused);
    expect(recoverAddress(digest, signed(r, s, 27))).toEqual(refused);
  });

  test.each([
    [1n, 1n],
    [ORDER - 1n, 1n],
    [1n, ORDER - 1n],
    [ORDER - 1n, ORDER - 1n],
    [256n, 256n],
  ])("%s and %s are in range", (r, s) => {
    const parsed = parseSignature(signed(r, s, 28));
    expect(parsed.ok && toHex(parsed.value.compact)).toBe(toHex(signed(r, s, 28).subarray(0, 64)));
    expect(parsed.ok && parsed.value.recovery).toBe(1);
  });
});
