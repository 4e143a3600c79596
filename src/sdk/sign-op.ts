/** An op as it is signed (EIP-712, P§2.1) and as it is submitted (P§2.8). */

import { type Address, parseAddress, toHex } from "../core/types/hex.ts";
import { DOMAIN_NAME, DOMAIN_VERSION, type Domain } from "../core/wire/user-op.ts";
import type { Account, OpTypedData, SignedOp } from "./client-types.ts";
import { BatonError } from "./errors.ts";

export type UnsignedOp = {
  /** u32 */
  readonly nonce: number;
  /** u16 exponent */
  readonly maxFee: number;
  readonly data: Uint8Array;
};

/** What a wallet shows and signs. Its digest is `userOpDigest`'s. */
export function opTypedData({ chainId, verifyingContract }: Domain, op: UnsignedOp): OpTypedData {
  return {
    domain: { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract },
    types: {
      UserOp: [
        { name: "nonce", type: "uint32" },
        { name: "max_fee", type: "uint16" },
        { name: "data", type: "bytes" },
      ],
    },
    primaryType: "UserOp",
    message: { nonce: op.nonce, max_fee: op.maxFee, data: toHex(op.data) },
  };
}

/** Libraries leave the domain's own type out; wallets want it spelt. */
const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];

/** Throws what the account throws, as when its owner says no. */
export async function signOp(domain: Domain, op: UnsignedOp, account: Account): Promise<SignedOp> {
  const sender = parseAddress(account.address);
  if (sender === null) throw new BatonError("BAD_REQUEST", "the account has no address");
  const typedData = opTypedData(domain, op);
  const signature = await signatureOf(typedData, account, sender);
  if (typeof signature !== "string") {
    throw new BatonError("INVALID_SIGNATURE", "the account gave no signature");
  }
  return { sender, nonce: op.nonce, maxFee: op.maxFee, data: op.data, signature };
}

function signatureOf(typedData: OpTypedData, account: Account, sender: Address): Promise<unknown> {
  if (!("provider" in account)) return account.signTypedData(typedData);
  const types = { EIP712Domain: DOMAIN_TYPE, ...typedData.types };
  const spelt = JSON.stringify({ ...typedData, types });
  return account.provider.request({
    method: "eth_signTypedData_v4",
    params: [sender, spelt],
  });
}

/** JSON text, the body of `POST /tx`. */
export function submissionOf(op: SignedOp): string {
  return JSON.stringify({
    message: { nonce: op.nonce, max_fee: op.maxFee, data: toHex(op.data) },
    signature: op.signature,
    sender: op.sender,
  });
}
