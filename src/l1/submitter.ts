/**
 * The batch submitter's key: it signs, and nothing else can be had of it.
 *
 * The key lives in a closure, so no log, error or structured clone can show it.
 */

import { keccak256 } from "viem";
import { privateKeyToAddress, signTransaction } from "viem/accounts";
import { type Address, address, hash32 } from "../core/types/hex.ts";
import { encodeAddInput } from "./contracts.ts";
import type { SignedTransaction, Submitter, TransactionTerms } from "./l1.ts";

const KEY_PATTERN = /^0x[0-9a-fA-F]{64}$/;

type Call = { readonly to: Address; readonly data: `0x${string}` };

/** Throws `invalid private key`, and no other text, unless the key is 0x and 64 digits of a scalar. */
export function createSubmitter(privateKey: string): Submitter {
  const key = parseKey(privateKey);
  if (key === null) throw new Error("invalid private key");
  const sign = async (
    chainId: number,
    terms: TransactionTerms,
    call: Call,
  ): Promise<SignedTransaction> => {
    const raw = await signTransaction({
      privateKey: key.hex,
      transaction: {
        type: "eip1559",
        chainId,
        nonce: terms.walletNonce,
        gas: terms.gas,
        maxFeePerGas: terms.maxFeePerGasWei,
        maxPriorityFeePerGas: terms.maxPriorityFeePerGasWei,
        ...call,
      },
    });
    return { hash: hash32(keccak256(raw)), raw };
  };
  return {
    address: key.address,
    sign: (chainId, transaction) => {
      const data = encodeAddInput(transaction.app, transaction.payload);
      return sign(chainId, transaction, { to: transaction.inputBox, data });
    },
    signNoOp: (chainId, terms) => sign(chainId, terms, { to: key.address, data: "0x" }),
  };
}

/** The key's account; null where `createSubmitter` would throw. For `parseConfig`. */
export function submitterAddress(privateKey: string): Address | null {
  return parseKey(privateKey)?.address ?? null;
}

function parseKey(text: string): { readonly hex: `0x${string}`; readonly address: Address } | null {
  if (!KEY_PATTERN.test(text)) return null;
  const hex: `0x${string}` = `0x${text.slice(2)}`;
  try {
    return { hex, address: address(privateKeyToAddress(hex).toLowerCase()) };
  } catch {
    // Zero, or a number beyond the curve's order: the library's message would repeat it.
    return null;
  }
}
