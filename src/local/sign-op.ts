/** A signed op, as the body of `POST /tx` (P§2.1, P§2.8). */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { type Address, toHex } from "../core/types/hex.ts";
import { SIGNATURE_BYTES } from "../core/types/protocol.ts";
import { userOpDigest } from "../core/wire/user-op.ts";

export type OpSigner = { readonly address: Address; readonly key: Uint8Array };

export type UnsignedOp = {
  readonly nonce: number;
  /** Exponent. */
  readonly maxFee: number;
  readonly data: Uint8Array;
};

/** One line of JSON. `separator` is the domain's, from `domainSeparator`. */
export function signOp(separator: Uint8Array, signer: OpSigner, op: UnsignedOp): string {
  const digest = userOpDigest(separator, op);
  const recovered = secp256k1.sign(digest, signer.key, { prehash: false, format: "recovered" });
  // The recovery bit comes first from the library and last, as 27 or 28, on the wire.
  const signature = new Uint8Array(SIGNATURE_BYTES);
  signature.set(recovered.subarray(1), 0);
  signature[SIGNATURE_BYTES - 1] = 27 + (recovered[0] ?? 0);
  return JSON.stringify({
    message: { nonce: op.nonce, max_fee: op.maxFee, data: toHex(op.data) },
    signature: toHex(signature),
    sender: signer.address,
  });
}
