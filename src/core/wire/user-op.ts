/**
 * The digest that a user signs: EIP-712 over the application's domain (S1, P§2.1).
 *
 * `UserOp` names no sender: whoever the signature recovers to is the sender, for the sequencer as for
 * the scheduler.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type Address, fromHex } from "../types/hex.ts";

/** 32-byte Keccak-256. */
export type Keccak256 = (bytes: Uint8Array) => Uint8Array;

export type Domain = { readonly chainId: number; readonly verifyingContract: Address };

export const DOMAIN_NAME: string = "CartesiAppSequencer";
export const DOMAIN_VERSION: string = "1";

const keccakText = (text: string): Uint8Array => keccak_256(utf8ToBytes(text));
const DOMAIN_TYPE_HASH = keccakText(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);
const OP_TYPE_HASH = keccakText("UserOp(uint32 nonce,uint16 max_fee,bytes data)");
const WORD = 32;

/** All four fields are present and there is no salt. */
export function domainSeparator(domain: Domain): Uint8Array {
  const words = new Uint8Array(5 * WORD);
  words.set(DOMAIN_TYPE_HASH, 0);
  words.set(keccakText(DOMAIN_NAME), WORD);
  words.set(keccakText(DOMAIN_VERSION), 2 * WORD);
  new DataView(words.buffer).setBigUint64(4 * WORD - 8, BigInt(domain.chainId));
  words.set(fromHex(domain.verifyingContract), 5 * WORD - 20);
  return keccak_256(words);
}

/** `separator` from `domainSeparator`; `nonce` u32, `maxFee` u16. Any Keccak-256 gives the same. */
export function userOpDigest(
  separator: Uint8Array,
  op: { readonly nonce: number; readonly maxFee: number; readonly data: Uint8Array },
  keccak: Keccak256 = keccak_256,
): Uint8Array {
  const words = new Uint8Array(4 * WORD);
  const view = new DataView(words.buffer);
  words.set(OP_TYPE_HASH, 0);
  view.setUint32(2 * WORD - 4, op.nonce);
  view.setUint16(3 * WORD - 2, op.maxFee);
  words.set(keccak(op.data), 3 * WORD);
  const typed = new Uint8Array(2 + 2 * WORD);
  typed[0] = 0x19;
  typed[1] = 0x01;
  typed.set(separator, 2);
  typed.set(keccak(words), 2 + WORD);
  return keccak(typed);
}
