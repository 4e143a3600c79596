/** A signed transfer, as the body of `POST /tx` (P§2.1, P§2.3, P§2.8). */

import { encodeTransfer } from "../apps/wallet/method.ts";
import { type Address, fromHex } from "../core/types/hex.ts";
import { type Domain, domainSeparator } from "../core/wire/user-op.ts";
import type { DevAccount } from "./accounts.ts";
import { signOp } from "./sign-op.ts";

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
  const signer = { address: from.address, key: fromHex(from.privateKey) };
  return signOp(domainSeparator(domain), signer, {
    nonce,
    maxFee,
    data: encodeTransfer(units, to),
  });
}
