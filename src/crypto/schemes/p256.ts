/**
 * ECDSA over P-256 with SHA-256: compressed keys of 33 bytes, signatures r and s of 64 (C3).
 *
 * From a signature (r, s) anybody makes (r, n - s), so the high one of the two is refused by every
 * verifier and no signer hands it out. The platform's verifier takes both and is therefore asked second.
 */

import { p256 } from "@noble/curves/nist.js";
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import {
  type AsyncSigner,
  type AsyncVerify,
  SCHEME_PARAMETERS,
  type Scheme,
  type Signer,
  type SignerIdentity,
} from "../../core/consensus/types.ts";
import { P256_PKCS8_HEAD } from "./p256-pkcs8.ts";
import { createVerifier } from "./web-crypto.ts";

const { publicKeyBytes, signatureBytes } = SCHEME_PARAMETERS.p256;
const ORDER = p256.Point.CURVE().n;
const HALF_ORDER = ORDER / 2n;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const NO_PROOF = new Uint8Array(0);

export const p256Scheme: Scheme = { id: "p256", verify, checkKey, aggregate: null };

function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isCandidate(publicKey, signature)) return false;
  try {
    return p256.verify(signature, message, publicKey, { lowS: true });
  } catch {
    // noble throws where bytes are no point of the curve or no scalar: nothing signed with them.
    return false;
  }
}

/** Lengths and low s: what is asked before any verifier. */
function isCandidate(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === publicKeyBytes &&
    signature.length === signatureBytes &&
    bytesToNumberBE(signature.subarray(32)) <= HALF_ORDER
  );
}

function checkKey(publicKey: Uint8Array, proof: Uint8Array): boolean {
  return (
    proof.length === 0 &&
    publicKey.length === publicKeyBytes &&
    p256.utils.isValidPublicKey(publicKey, true)
  );
}

/** Deterministic, low s. `secretKey`: 32 bytes in range. */
export function p256Signer(secretKey: Uint8Array): Signer {
  return {
    ...identity(secretKey),
    sign: (message) => p256.sign(message, secretKey, { lowS: true }),
  };
}

function identity(secretKey: Uint8Array): SignerIdentity {
  return { scheme: "p256", publicKey: p256.getPublicKey(secretKey, true), proof: NO_PROOF };
}

/** The key becomes the platform's and cannot be read back from it; each signature is another. */
export async function p256AsyncSigner(secretKey: Uint8Array): Promise<AsyncSigner> {
  const key = await crypto.subtle.importKey("pkcs8", pkcs8(secretKey), ALGORITHM, false, ["sign"]);
  return {
    ...identity(secretKey),
    sign: async (message) => {
      const signature = await crypto.subtle.sign(ALGORITHM, key, message.slice());
      return withLowS(new Uint8Array(signature));
    },
  };
}

/** The same signature with the lower of its two s. */
export function withLowS(signature: Uint8Array): Uint8Array {
  const s = bytesToNumberBE(signature.subarray(32));
  if (s <= HALF_ORDER) return signature;
  return concatBytes(signature.subarray(0, 32), numberToBytesBE(ORDER - s, 32));
}

/** RFC 5958 around RFC 5915: version, curve, private key, then the public key uncompressed. */
function pkcs8(secretKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const publicKey = p256.getPublicKey(secretKey, false);
  return concatBytes(P256_PKCS8_HEAD, secretKey, hexToBytes("a144034200"), publicKey).slice();
}

/** The verdict of `p256Scheme.verify` by the platform. */
export const p256VerifyAsync: AsyncVerify = createVerifier({
  algorithm: ALGORITHM,
  isCandidate,
  // Not every platform imports compressed keys.
  rawKey: (publicKey) => p256.Point.fromBytes(publicKey).toBytes(false),
  verify,
});
