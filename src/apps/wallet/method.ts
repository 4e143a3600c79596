/**
 * What a user asks of the wallet, and what the wallet tells L1: byte layouts of P§2.3 and P§2.4.
 *
 *     0x00 | amount 32 little-endian              withdrawal
 *     0x01 | amount 32 little-endian | to 20      transfer
 */

import type { Output } from "../../core/application/application.ts";
import { viewOf } from "../../core/types/bytes.ts";
import { type Address, addressFromBytes, fromHex } from "../../core/types/hex.ts";
import {
  getBigEndian,
  getLittleEndian,
  setBigEndian,
  setLittleEndian,
  UINT256_BYTES,
} from "../../core/types/uint256.ts";

export type Method =
  | { readonly kind: "withdrawal"; readonly amount: bigint }
  | { readonly kind: "transfer"; readonly amount: bigint; readonly to: Address };

const WITHDRAWAL = 0;
const TRANSFER = 1;
const WITHDRAWAL_BYTES = 1 + UINT256_BYTES;
export const METHOD_BYTES_MAX: number = WITHDRAWAL_BYTES + 20;

/** Null for any other bytes: such an op is included, pays its fee and does nothing. */
export function decodeMethod(data: Uint8Array): Method | null {
  if (data[0] === WITHDRAWAL && data.length === WITHDRAWAL_BYTES) {
    return { kind: "withdrawal", amount: getLittleEndian(viewOf(data), 1) };
  }
  if (data[0] !== TRANSFER || data.length !== METHOD_BYTES_MAX) return null;
  const to = addressFromBytes(data.subarray(WITHDRAWAL_BYTES));
  return { kind: "transfer", amount: getLittleEndian(viewOf(data), 1), to };
}

/** Asserts `amount < 2^256`. */
export function encodeTransfer(amount: bigint, to: Address): Uint8Array {
  const data = new Uint8Array(METHOD_BYTES_MAX);
  data[0] = TRANSFER;
  setLittleEndian(viewOf(data), 1, amount);
  data.set(fromHex(to), WITHDRAWAL_BYTES);
  return data;
}

/** Asserts `amount < 2^256`. */
export function encodeWithdrawal(amount: bigint): Uint8Array {
  const data = new Uint8Array(WITHDRAWAL_BYTES);
  data[0] = WITHDRAWAL;
  setLittleEndian(viewOf(data), 1, amount);
  return data;
}

/** An ERC-20 portal's payload: token 20 | sender 20 | value 32 big-endian | anything. */
export type Deposit = {
  readonly token: Address;
  readonly sender: Address;
  readonly value: bigint;
};

const DEPOSIT_BYTES_MIN = 40 + UINT256_BYTES;

/** Null below 72 bytes. What follows the value belongs to the depositor and is ignored. */
export function decodeDeposit(payload: Uint8Array): Deposit | null {
  if (payload.length < DEPOSIT_BYTES_MIN) return null;
  return {
    token: addressFromBytes(payload.subarray(0, 20)),
    sender: addressFromBytes(payload.subarray(20, 40)),
    value: getBigEndian(viewOf(payload), 40),
  };
}

/** `DepositNotice(address token, address sender, uint256 amount)`. */
export function depositNotice(token: Address, sender: Address, amount: bigint): Output {
  return notice("d19f477d", [BigInt(token), BigInt(sender), amount]);
}

/** `TransferNotice(address sender, address recipient, uint256 amount)`. */
export function transferNotice(sender: Address, recipient: Address, amount: bigint): Output {
  return notice("98830f8d", [BigInt(sender), BigInt(recipient), amount]);
}

/** `transfer(address recipient, uint256 amount)`, to be called on `token` on L1. */
export function withdrawalVoucher(token: Address, recipient: Address, amount: bigint): Output {
  const payload = callData("a9059cbb", [BigInt(recipient), amount]);
  return { kind: "voucher", destination: token, value: 0n, payload };
}

function notice(selector: string, words: readonly bigint[]): Output {
  return { kind: "notice", payload: callData(selector, words) };
}

function callData(selector: string, words: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(4 + UINT256_BYTES * words.length);
  bytes.set(fromHex(`0x${selector}`), 0);
  const view = viewOf(bytes);
  for (const [i, word] of words.entries()) setBigEndian(view, 4 + UINT256_BYTES * i, word);
  return bytes;
}
