/** New P-256 keys from the platform, and the secret in their PKCS#8 bytes (RFC 5958, RFC 5915). */

import { hexToBytes } from "@noble/hashes/utils.js";
import { assert } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";

/** Version, curve and the private key's length: what stands before the 32 bytes of the secret. */
export const P256_PKCS8_HEAD: Uint8Array = hexToBytes(
  "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
);
const SECRET_BYTES = 32;

/** The bytes of a new key, which the platform gives out this once. */
export async function generateP256Pkcs8(): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  assert("privateKey" in pair, "an asymmetric algorithm makes a pair");
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  assert(pkcs8 instanceof ArrayBuffer, "PKCS#8 is bytes");
  return new Uint8Array(pkcs8);
}

/** 32 bytes. Asserts the layout that the platform writes. */
export function p256SecretOfPkcs8(pkcs8: Uint8Array): Uint8Array {
  const { length } = P256_PKCS8_HEAD;
  assert(bytesEqual(pkcs8.subarray(0, length), P256_PKCS8_HEAD), "a P-256 key in PKCS#8");
  return pkcs8.slice(length, length + SECRET_BYTES);
}
