/** What a scene puts into InputBox: deposits, and payloads that fill chunks. */

import type { WalletConfig } from "../../src/apps/wallet/wallet.ts";
import { type Address, address, fromHex, hash32 } from "../../src/core/types/hex.ts";
import type { Contents } from "./chain.ts";

const GWEI = 1_000_000_000n;
const STRANGER: Address = address(`0x${"d1".repeat(20)}`);
/** As large as InputBox takes, about: twenty of them pass a chunk. */
const LARGE_BYTES = 60_000;

/** Enough for many ops. */
export function deposit({ erc20Portal, token }: WalletConfig, account: Address): Contents[number] {
  const value = (10n ** 15n).toString(16).padStart(64, "0");
  const payload = fromHex(`${token}${account.slice(2)}${value}`);
  return { kind: "direct", input: { sender: erc20Portal, payload } };
}

export function large(fill: number, bytes: number = LARGE_BYTES): Contents[number] {
  const payload = new Uint8Array(bytes).fill(fill);
  return { kind: "direct", input: { sender: STRANGER, payload } };
}

/** A transaction of the batch submitter. */
export function ownBatch(
  sender: Address,
  walletNonce: number,
  payload: Uint8Array,
): Contents[number] {
  const transaction = {
    hash: hash32(`0xf0${walletNonce.toString(16).padStart(62, "0")}`),
    ...{ sender, walletNonce, payload },
    maxFeePerGasWei: 100n * GWEI,
    maxPriorityFeePerGasWei: GWEI,
  };
  return { kind: "transaction", transaction, reverts: false };
}
