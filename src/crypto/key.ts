/** Whose key it is, without saying anything else about it. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { Address } from "../core/types/hex.ts";
import { fromHex } from "../core/types/hex.ts";
import { addressOfPublicKey } from "../core/wire/signature.ts";

/** Null unless `key` is 0x and 64 hex digits of a valid scalar. */
export function addressOfPrivateKey(key: string): Address | null {
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) return null;
  const scalar = fromHex(key);
  if (!secp256k1.utils.isValidSecretKey(scalar)) return null;
  return addressOfPublicKey(secp256k1.getPublicKey(scalar, false));
}
