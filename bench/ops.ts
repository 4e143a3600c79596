/** Senders with money, and ops signed before the clock starts. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { encodeTransfer } from "../src/apps/wallet/method.ts";
import { type Address, addressFromBytes, fromHex, toHex } from "../src/core/types/hex.ts";
import { domainSeparator, userOpDigest } from "../src/core/wire/user-op.ts";

export type Sender = { readonly key: Uint8Array; readonly address: Address; nonce: number };

/** Far above any frame fee of the devnet; the frame's fee is what is charged. */
export const MAX_FEE = 2500;

export function senderOf(key: Uint8Array): Sender {
  const point = secp256k1.getPublicKey(key, false);
  return { key, address: addressFromBytes(keccak_256(point.subarray(1)).subarray(12)), nonce: 0 };
}

/** The `i`-th sender of a run: keys are counters, so that runs repeat. */
export function seededSender(i: number): Sender {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(24, 0xba70);
  new DataView(key.buffer).setUint32(28, i + 1);
  return senderOf(key);
}

export type Signer = { readonly separator: Uint8Array };

export function signerFor(chainId: number, app: Address): Signer {
  return { separator: domainSeparator({ chainId, verifyingContract: app }) };
}

/** The JSON body of `POST /tx` for the sender's next nonce: a transfer. */
export function signedTransfer(signer: Signer, from: Sender, to: Address, amount: bigint): string {
  const data = encodeTransfer(amount, to);
  return signedOp(signer, from, { data, maxFee: MAX_FEE, nonce: from.nonce++ });
}

/** The JSON body of `POST /tx` for any op. */
export function signedOp(
  signer: Signer,
  from: Sender,
  op: { readonly data: Uint8Array; readonly maxFee: number; readonly nonce: number },
): string {
  const digest = userOpDigest(signer.separator, op);
  const signature = secp256k1.sign(digest, from.key, { prehash: false, format: "recovered" });
  // noble puts the recovery bit first; the wire wants it last, as 27 or 28.
  const wire = new Uint8Array(65);
  wire.set(signature.subarray(1), 0);
  wire[64] = 27 + (signature[0] ?? 0);
  return JSON.stringify({
    message: { nonce: op.nonce, max_fee: op.maxFee, data: toHex(op.data) },
    signature: toHex(wire),
    sender: from.address,
  });
}

export function keyFromHex(hex: string): Uint8Array {
  return fromHex(hex);
}
