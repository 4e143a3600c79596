/**
 * From a signature to its signer: 65 bytes r, s, v (P§2.1).
 *
 * High s is accepted, as the scheduler accepts it, so a signature is never a unique id. This is the
 * reference; the Worker's WebAssembly twin gives the same verdict on every input.
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Address, addressFromBytes } from "../types/hex.ts";
import { SIGNATURE_BYTES } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";

/** `length`, then `v`, then r and s, then the recovery itself: the order of P§4.1's rows. */
export type RecoverError = "length" | "parity" | "signature" | "recover";

export type RecoverAddress = (
  digest: Uint8Array,
  signature: Uint8Array,
) => Result<Address, RecoverError>;

export type ParsedSignature = {
  /** r and s, 64 bytes. */
  readonly compact: Uint8Array;
  readonly recovery: 0 | 1;
};

/** Expects 65 bytes. `v` 0 and 1 stand for themselves, 27 and 28 as well, from 35 on its parity. */
export function parseSignature(
  signature: Uint8Array,
): Result<ParsedSignature, "parity" | "signature"> {
  const recovery = parity(signature[64] ?? 2);
  if (recovery === null) return err("parity");
  if (!isScalar(signature.subarray(0, 32)) || !isScalar(signature.subarray(32, 64))) {
    return err("signature");
  }
  return ok({ compact: signature.subarray(0, 64), recovery });
}

function parity(v: number): 0 | 1 | null {
  if (v === 0 || v === 27) return 0;
  if (v === 1 || v === 28) return 1;
  if (v < 35) return null;
  return (v - 35) % 2 === 0 ? 0 : 1;
}

const ORDER: readonly number[] = [...bigEndian(secp256k1.Point.CURVE().n)];

function bigEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = value;
  for (let i = 31; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** Above zero and below the curve's order. */
function isScalar(bytes: Uint8Array): boolean {
  if (bytes.every((byte) => byte === 0)) return false;
  for (let i = 0; i < 32; i++) {
    const byte = bytes[i] ?? 0;
    const limit = ORDER[i] ?? 0;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

export function recoverAddress(
  digest: Uint8Array,
  signature: Uint8Array,
): Result<Address, RecoverError> {
  if (signature.length !== SIGNATURE_BYTES) return err("length");
  const parsed = parseSignature(signature);
  if (!parsed.ok) return parsed;
  const { compact, recovery } = parsed.value;
  try {
    const point = secp256k1.Signature.fromBytes(compact, "compact")
      .addRecoveryBit(recovery)
      .recoverPublicKey(digest)
      .toBytes(false);
    return ok(addressOfPublicKey(point));
  } catch {
    // noble throws where no curve point belongs to r, or the key would be the point at infinity.
    return err("recover");
  }
}

/** Last 20 bytes of the hash of an uncompressed public key, 65 bytes with its prefix. */
export function addressOfPublicKey(publicKey: Uint8Array): Address {
  return addressFromBytes(keccak_256(publicKey.subarray(1)).subarray(12));
}
