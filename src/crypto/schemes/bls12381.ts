/**
 * BLS multi-signatures over BLS12-381: keys in G1 of 48 bytes, signatures in G2 of 96 (C3).
 *
 * The ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_, as Ethereum's consensus uses it. A key
 * enters a committee only with a proof of possession: without one, a key made from those of others
 * forges their share of an aggregate. No platform has this scheme, so it is slow and there is one half.
 */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import {
  type Aggregate,
  SCHEME_PARAMETERS,
  type Scheme,
  type Signer,
} from "../../core/consensus/types.ts";
import { assert, must } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";

const SIGNATURE_DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const POSSESSION_DST = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

const { publicKeyBytes, signatureBytes } = SCHEME_PARAMETERS.bls12381;
const { longSignatures: bls } = bls12_381;

/** What no verifier takes: the sum of signatures whose keys cancel each other. */
const INFINITY = Uint8Array.of(0xc0, ...new Uint8Array(signatureBytes - 1));

type KeyPoint = ReturnType<typeof bls.getPublicKey>;
type SignaturePoint = ReturnType<typeof bls.sign>;

const aggregate: Aggregate = {
  combine: (signatures) => {
    assert(signatures.length > 0, "an aggregate has at least one part");
    const points = signatures.map((one) => must(decodeSignature(one), "each part was verified"));
    const total = sum(points, bls12_381.G2.Point.ZERO);
    return total.is0() ? INFINITY : bls.Signature.toBytes(total);
  },
  verify: (publicKeys, message, signature) => {
    const keys = publicKeys.map(decodeKey).filter((key) => key !== null);
    if (keys.length === 0 || keys.length !== publicKeys.length) return false;
    const key = sum(keys, bls12_381.G1.Point.ZERO);
    return !key.is0() && verifyWith(key, hashed(message, SIGNATURE_DST), signature);
  },
};

/** Unlike noble's own sums, these may be infinity: members may choose keys that cancel each other. */
function sum<P extends { add(other: P): P }>(points: readonly P[], zero: P): P {
  return points.reduce((total, point) => total.add(point), zero);
}

export const bls12381Scheme: Scheme = { id: "bls12381", verify, checkKey, aggregate };

function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = decodeKey(publicKey);
  return key !== null && verifyWith(key, hashed(message, SIGNATURE_DST), signature);
}

function verifyWith(key: KeyPoint, message: SignaturePoint, signature: Uint8Array): boolean {
  const point = decodeSignature(signature);
  return point !== null && bls.verify(point, message, key);
}

function checkKey(publicKey: Uint8Array, proof: Uint8Array): boolean {
  const key = decodeKey(publicKey);
  return key !== null && verifyWith(key, hashed(publicKey, POSSESSION_DST), proof);
}

function hashed(message: Uint8Array, dst: string): SignaturePoint {
  return bls.hash(message, dst);
}

/** A point of the prime order, not infinity, in its one encoding; else null. */
function decodeKey(bytes: Uint8Array): KeyPoint | null {
  if (bytes.length !== publicKeyBytes) return null;
  try {
    const point = bls12_381.G1.Point.fromBytes(bytes);
    point.assertValidity();
    return !point.is0() && bytesEqual(point.toBytes(true), bytes) ? point : null;
  } catch {
    // noble throws where bytes are no point of the group.
    return null;
  }
}

function decodeSignature(bytes: Uint8Array): SignaturePoint | null {
  if (bytes.length !== signatureBytes) return null;
  try {
    const point = bls.Signature.fromBytes(bytes);
    point.assertValidity();
    return !point.is0() && bytesEqual(bls.Signature.toBytes(point), bytes) ? point : null;
  } catch {
    // noble throws where bytes are no point of the group.
    return null;
  }
}

/** `secretKey`: 32 bytes in range, big-endian. */
export function bls12381Signer(secretKey: Uint8Array): Signer {
  const publicKey = bls.getPublicKey(secretKey).toBytes(true);
  const sign = (message: Uint8Array, dst: string) =>
    bls.Signature.toBytes(bls.sign(hashed(message, dst), secretKey));
  return {
    scheme: "bls12381",
    publicKey,
    proof: sign(publicKey, POSSESSION_DST),
    sign: (message) => sign(message, SIGNATURE_DST),
  };
}
