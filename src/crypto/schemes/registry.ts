/**
 * The three schemes under their names: at once by noble, or through the platform where it has them.
 *
 * Both give the same verdict on every input (C3), so a caller chooses by speed alone: a simulation and a
 * single check take `schemes`, whoever verifies a stream of signatures takes the asynchronous half.
 */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import {
  type Claim,
  type SignatureCheck,
  settleWith,
  verifyCheck,
} from "../../core/consensus/claim.ts";
import type {
  AsyncSigner,
  AsyncVerify,
  SchemeId,
  Schemes,
  Signer,
} from "../../core/consensus/types.ts";
import type { Result } from "../../core/types/result.ts";
import { bls12381Scheme, bls12381Signer } from "./bls12381.ts";
import { ed25519AsyncSigner, ed25519Scheme, ed25519Signer, ed25519VerifyAsync } from "./ed25519.ts";
import { p256AsyncSigner, p256Scheme, p256Signer, p256VerifyAsync } from "./p256.ts";

export const schemes: Schemes = {
  p256: p256Scheme,
  ed25519: ed25519Scheme,
  bls12381: bls12381Scheme,
};

export const asyncVerify: Readonly<Record<SchemeId, AsyncVerify>> = {
  p256: p256VerifyAsync,
  ed25519: ed25519VerifyAsync,
  bls12381: async (publicKey, message, signature) =>
    await Promise.resolve(bls12381Scheme.verify(publicKey, message, signature)),
};

const RANDOM_KEY: Readonly<Record<SchemeId, () => Uint8Array>> = {
  p256: () => p256.utils.randomSecretKey(),
  ed25519: () => ed25519.utils.randomSecretKey(),
  bls12381: () => bls12_381.utils.randomSecretKey(),
};

const SIGNER: Readonly<Record<SchemeId, (secretKey: Uint8Array) => Signer>> = {
  p256: p256Signer,
  ed25519: ed25519Signer,
  bls12381: bls12381Signer,
};

/** 32 bytes from the platform's random source. */
export function randomSecretKey(scheme: SchemeId): Uint8Array {
  return RANDOM_KEY[scheme]();
}

/** Throws when the key is not one of the scheme's. */
export function createSigner(scheme: SchemeId, secretKey: Uint8Array): Signer {
  return SIGNER[scheme](secretKey);
}

/** With the platform's key where it has the scheme. Rejects when the key is not one of the scheme's. */
export async function createAsyncSigner(
  scheme: SchemeId,
  secretKey: Uint8Array,
): Promise<AsyncSigner> {
  switch (scheme) {
    case "p256":
      return await p256AsyncSigner(secretKey);
    case "ed25519":
      return await ed25519AsyncSigner(secretKey);
    case "bls12381": {
      const { sign, ...identity } = bls12381Signer(secretKey);
      return { ...identity, sign: async (message) => await Promise.resolve(sign(message)) };
    }
  }
}

/** The verdict of core's `verifyCheck`. */
export async function verifyCheckAsync(check: SignatureCheck): Promise<boolean> {
  if (check.kind !== "signature") return verifyCheck(check, schemes);
  return await asyncVerify[check.scheme](check.publicKey, check.message, check.signature);
}

/** As core's `settle`, its signatures verified side by side. */
export async function settleAsync<T>(claim: Claim<T>): Promise<Result<T, "signature">> {
  return settleWith(claim, await Promise.all(claim.checks.map(verifyCheckAsync)));
}
