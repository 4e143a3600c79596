/**
 * A signature scheme that costs nothing and protects nothing: whoever knows a public key can sign.
 *
 * Lengths are those of p256, so that every encoding works. A simulation signs a hundred thousand times,
 * and asks what the protocol does, not what the curve does; some runs take the real one.
 */

import { createHash } from "node:crypto";
import type { Judge } from "../../src/consensus/clock.ts";
import { settle } from "../../src/core/consensus/claim.ts";
import type { AsyncSigner, Scheme, Schemes } from "../../src/core/consensus/types.ts";
import { bytesEqual } from "../../src/core/types/bytes.ts";

/** What anybody can sign for anybody. */
export function testSignature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const digest = createHash("sha512").update(publicKey).update(message).digest();
  return new Uint8Array(digest);
}

const scheme: Scheme = {
  id: "p256",
  verify: (publicKey, message, signature) =>
    bytesEqual(signature, testSignature(publicKey, message)),
  checkKey: (publicKey) => publicKey.length === 33,
  aggregate: null,
};

export const testSchemes: Schemes = { p256: scheme, ed25519: scheme, bls12381: scheme };

/** Verdicts at once: a promise that is already there. */
export const testJudge: Judge = {
  schemes: testSchemes,
  settle: (claim) => Promise.resolve(settle(claim, testSchemes)),
};

export function testSigner(name: string): AsyncSigner {
  const hash = createHash("sha256").update(name).digest();
  const publicKey = new Uint8Array([2, ...hash]);
  return {
    scheme: "p256",
    publicKey,
    proof: new Uint8Array(0),
    sign: (message) => Promise.resolve(testSignature(publicKey, message)),
  };
}
