/** Senders with money, and ops signed before the clock starts. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { encodeTransfer } from "../src/apps/wallet/method.ts";
import { type Address, fromHex } from "../src/core/types/hex.ts";
import { addressOfPublicKey } from "../src/core/wire/signature.ts";
import { domainSeparator } from "../src/core/wire/user-op.ts";
import { signOp, type UnsignedOp } from "../src/local/sign-op.ts";

export type Sender = { readonly key: Uint8Array; readonly address: Address; nonce: number };

/** Far above any frame fee of the devnet; the frame's fee is what is charged. */
export const MAX_FEE = 2500;

export function senderOf(key: Uint8Array): Sender {
  return { key, address: addressOfPublicKey(secp256k1.getPublicKey(key, false)), nonce: 0 };
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
export function signedOp(signer: Signer, from: Sender, op: UnsignedOp): string {
  return signOp(signer.separator, from, op);
}

export function keyFromHex(hex: string): Uint8Array {
  return fromHex(hex);
}
