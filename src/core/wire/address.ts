/** How an address is shown: EIP-55 letter case. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { asciiBytes } from "../types/bytes.ts";
import type { Address } from "../types/hex.ts";

/** The feed and the answers name the same few senders again and again, and each costs a hash. */
const MEMO_MAX = 4096;
const memo = new Map<Address, string>();

/** The address with the letter case of EIP-55. */
export function checksumAddress(address: Address): string {
  const known = memo.get(address);
  if (known !== undefined) return known;
  if (memo.size >= MEMO_MAX) memo.clear();
  const digits = address.slice(2);
  const hash = keccak_256(asciiBytes(digits));
  let shown = "0x";
  for (let i = 0; i < digits.length; i++) {
    const nibble = ((hash[i >> 1] ?? 0) >> (i % 2 === 0 ? 4 : 0)) & 15;
    const digit = digits.charAt(i);
    shown += nibble >= 8 ? digit.toUpperCase() : digit;
  }
  memo.set(address, shown);
  return shown;
}
