/**
 * Ed25519 of RFC 8032 without the cofactor: keys of 32 bytes, signatures of 64 (C3).
 *
 * Verifiers of Ed25519 agree on honest signatures and on few others. This one is the strictest of those
 * in use, so that what it takes everybody takes: encodings are canonical, neither key nor R is of small
 * order, s is below the order, and [s]B - [k]A is R byte for byte, as platforms compute it. noble's own
 * verifier multiplies by the cofactor and would take signatures that platforms refuse.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import {
  type AsyncSigner,
  type AsyncVerify,
  SCHEME_PARAMETERS,
  type Scheme,
  type Signer,
  type SignerIdentity,
} from "../../core/consensus/types.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { createVerifier } from "./web-crypto.ts";

const { publicKeyBytes, signatureBytes } = SCHEME_PARAMETERS.ed25519;
const { Point } = ed25519;
const { n: ORDER, p: FIELD } = Point.CURVE();
const ALGORITHM = { name: "Ed25519" };
const NO_PROOF = new Uint8Array(0);

/** A point of order 8; its multiples are all points of small order. */
const TORSION = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
/** Either sign of x belongs to such a y. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set(
  [0n, 1n, 2n, 3n, 4n].map((n) => TORSION.multiplyUnsafe(n).y),
);

export const ed25519Scheme: Scheme = { id: "ed25519", verify, checkKey, aggregate: null };

function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isCandidate(publicKey, signature)) return false;
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32));
  const key = decodePoint(publicKey);
  if (key === null || s >= ORDER) return false;
  const k = bytesToNumberLE(sha512(concatBytes(r, publicKey, message))) % ORDER;
  const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
  return bytesEqual(expected.toBytes(), r);
}

/** Lengths, and encodings that are plain: what is asked before any verifier. */
function isCandidate(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === publicKeyBytes &&
    signature.length === signatureBytes &&
    isPlain(publicKey) &&
    isPlain(signature.subarray(0, 32))
  );
}

/** Whether 32 bytes have a y below the field's order that belongs to no point of small order. */
function isPlain(encoding: Uint8Array): boolean {
  const y = bytesToNumberLE(encoding) & ((1n << 255n) - 1n);
  return y < FIELD && !SMALL_ORDER_Y.has(y);
}

function decodePoint(encoding: Uint8Array): InstanceType<typeof Point> | null {
  try {
    return Point.fromBytes(encoding);
  } catch {
    // noble throws where no point of the curve has this y.
    return null;
  }
}

/** The full prime order: with a part of small order, verifiers with and without the cofactor part. */
function checkKey(publicKey: Uint8Array, proof: Uint8Array): boolean {
  if (proof.length !== 0 || publicKey.length !== publicKeyBytes || !isPlain(publicKey))
    return false;
  return decodePoint(publicKey)?.isTorsionFree() ?? false;
}

/** `secretKey`: the seed of RFC 8032, 32 bytes. */
export function ed25519Signer(secretKey: Uint8Array): Signer {
  return { ...identity(secretKey), sign: (message) => ed25519.sign(message, secretKey) };
}

function identity(secretKey: Uint8Array): SignerIdentity {
  return { scheme: "ed25519", publicKey: ed25519.getPublicKey(secretKey), proof: NO_PROOF };
}

/** The key becomes the platform's and cannot be read back from it. */
export async function ed25519AsyncSigner(secretKey: Uint8Array): Promise<AsyncSigner> {
  // RFC 8410: platforms take no seed as it is.
  const pkcs8 = concatBytes(hexToBytes("302e020100300506032b657004220420"), secretKey).slice();
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
  return {
    ...identity(secretKey),
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign(ALGORITHM, key, message.slice())),
  };
}

/** The verdict of `ed25519Scheme.verify` by the platform. */
export const ed25519VerifyAsync: AsyncVerify = createVerifier({
  algorithm: ALGORITHM,
  isCandidate,
  rawKey: (publicKey) => publicKey,
  verify,
});
