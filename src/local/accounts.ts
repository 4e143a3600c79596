/** The accounts that anvil derives from its public mnemonic. Worth nothing outside of a devnet. */

import { mnemonicToAccount } from "viem/accounts";
import { must } from "../core/types/assert.ts";
import { type Address, address, toHex } from "../core/types/hex.ts";

export type DevAccount = {
  readonly address: Address;
  /** 0x and 64 digits. */
  readonly privateKey: `0x${string}`;
};

/** anvil's default. */
const MNEMONIC = "test test test test test test test test test test test junk";
/** Accounts 0 to 9 are users; the next one posts batches. */
export const USERS: number = 10;
export const ACCOUNTS: number = USERS + 1;

export function devAccounts(): readonly DevAccount[] {
  return Array.from({ length: ACCOUNTS }, (_, addressIndex) => {
    const account = mnemonicToAccount(MNEMONIC, { addressIndex });
    const key = must(account.getHdKey().privateKey, "a key derived from a mnemonic is private");
    return { address: address(account.address.toLowerCase()), privateKey: toHex(key) };
  });
}
