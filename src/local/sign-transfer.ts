/** A signed transfer, as the body of `POST /tx` (P§2.1, P§2.3, P§2.8). */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { encodeTransfer } from "../apps/wallet/method.ts";
import { type Address, fromHex, toHex } from "../core/types/hex.ts";
import { SIGNATURE_BYTES } from "../core/types/protocol.ts";
import { type Domain, domainSeparator, userOpDigest } from "../core/wire/user-op.ts";
import type { DevAccount } from "./accounts.ts";

export type Transfer = {
  readonly from: DevAccount;
  readonly to: Address;
  /** Smallest units of the token. */
  readonly units: bigint;
  readonly nonce: number;
  /** Exponent. */
  readonly maxFee: number;
};

/** One line of JSON. */
export function signTransfer(domain: Domain, transfer: Transfer): string {
  const { from, to, units, nonce, maxFee } = transfer;
  const data = encodeTransfer(units, to);
  const digest = userOpDigest(domainSeparator(domain), { nonce, maxFee, data });
  const recovered = secp256k1.sign(digest, fromHex(from.privateKey), {
    prehash: false,
    format: "recovered",
  });
  // The recovery bit comes first from the library and last, as 27 or 28, on the wire.
  const signature = new Uint8Array(SIGNATURE_BYTES);
  signature.set(recovered.subarray(1), 0);
  signature[SIGNATURE_BYTES - 1] = 27 + (recovered[0] ?? 0);
  return JSON.stringify({
    message: { nonce, max_fee: maxFee, data: toHex(data) },
    signature: toHex(signature),
    sender: from.address,
  });
}
