/** From a private key as configured to the address that signs with it. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { type Address, fromHex } from "../core/types/hex.ts";
import { addressOfPublicKey } from "../core/wire/signature.ts";

const PRIVATE_KEY_PATTERN = /^0x[0-9a-fA-F]{64}$/;

/** Null unless `key` is `0x` and 64 hex digits above zero and below the curve's order. */
export function addressOfPrivateKey(key: string): Address | null {
  if (!PRIVATE_KEY_PATTERN.test(key)) return null;
  const scalar = fromHex(key);
  if (!secp256k1.utils.isValidSecretKey(scalar)) return null;
  return addressOfPublicKey(secp256k1.getPublicKey(scalar, false));
}
