/**
 * The digest that a user signs: EIP-712 over the application's domain (S1, P§2.1).
 *
 * `UserOp` names no sender: whoever the signature recovers to is the sender, for the sequencer as for
 * the scheduler.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { assert } from "../types/assert.ts";
import { asciiBytes } from "../types/bytes.ts";
import { type Address, fromHex } from "../types/hex.ts";
import { counter, U16_MAX, U32_MAX } from "../types/units.ts";

/** 32-byte Keccak-256: answers fresh bytes and keeps no reference to its argument. */
export type Keccak256 = (bytes: Uint8Array) => Uint8Array;

export type Domain = { readonly chainId: number; readonly verifyingContract: Address };

export const DOMAIN_NAME: string = "CartesiAppSequencer";
export const DOMAIN_VERSION: string = "1";

const keccakText = (text: string): Uint8Array => keccak_256(asciiBytes(text));
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
  const chainId = BigInt(counter(domain.chainId, "chain id"));
  new DataView(words.buffer).setBigUint64(4 * WORD - 8, chainId);
  words.set(fromHex(domain.verifyingContract), 5 * WORD - 20);
  return keccak_256(words);
}

// Scratch space, since every op of every request passes here: nothing below suspends or re-enters, so
// both are free again when the function returns. Bytes that no op writes stay as they are set here.
const struct = new Uint8Array(4 * WORD);
const structView = new DataView(struct.buffer);
struct.set(OP_TYPE_HASH, 0);
const typed = new Uint8Array(2 + 2 * WORD);
typed.set([0x19, 0x01], 0);

/** `separator` from `domainSeparator`; `nonce` u32, `maxFee` u16. Any Keccak-256 gives the same. */
export function userOpDigest(
  separator: Uint8Array,
  op: { readonly nonce: number; readonly maxFee: number; readonly data: Uint8Array },
  keccak: Keccak256 = keccak_256,
): Uint8Array {
  assert(separator.length === WORD, "a domain separator is 32 bytes");
  assert(Number.isInteger(op.nonce) && op.nonce >= 0 && op.nonce <= U32_MAX, "a nonce is a u32");
  assert(Number.isInteger(op.maxFee) && op.maxFee >= 0 && op.maxFee <= U16_MAX, "a fee is a u16");
  structView.setUint32(2 * WORD - 4, op.nonce);
  structView.setUint16(3 * WORD - 2, op.maxFee);
  struct.set(keccak(op.data), 3 * WORD);
  typed.set(separator, 2);
  typed.set(keccak(struct), 2 + WORD);
  return keccak(typed);
}
