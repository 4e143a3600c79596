/**
 * What a user asks of the wallet, and what the wallet tells L1: byte layouts of P§2.3 and P§2.4.
 *
 *     0x00 | amount 32 little-endian              withdrawal
 *     0x01 | amount 32 little-endian | to 20      transfer
 */

import type { Output } from "../../core/application/application.ts";
import { type Address, addressFromBytes, fromHex } from "../../core/types/hex.ts";

export type Method =
  | { readonly kind: "withdrawal"; readonly amount: bigint }
  | { readonly kind: "transfer"; readonly amount: bigint; readonly to: Address };

export const METHOD_BYTES_MAX = 53;
const WITHDRAWAL_BYTES = 33;

/** Null for any other bytes: such an op is included, pays its fee and does nothing. */
export function decodeMethod(data: Uint8Array): Method | null {
  if (data[0] === 0 && data.length === WITHDRAWAL_BYTES) {
    return { kind: "withdrawal", amount: littleEndian(data.subarray(1)) };
  }
  if (data[0] !== 1 || data.length !== METHOD_BYTES_MAX) return null;
  const to = addressFromBytes(data.subarray(WITHDRAWAL_BYTES));
  return { kind: "transfer", amount: littleEndian(data.subarray(1, WITHDRAWAL_BYTES)), to };
}

/** `amount` below 2^256. */
export function encodeTransfer(amount: bigint, to: Address): Uint8Array {
  const data = new Uint8Array(METHOD_BYTES_MAX);
  data[0] = 1;
  data.set(word(amount).reverse(), 1);
  data.set(fromHex(to), WITHDRAWAL_BYTES);
  return data;
}

export function encodeWithdrawal(amount: bigint): Uint8Array {
  const data = new Uint8Array(WITHDRAWAL_BYTES);
  data.set(word(amount).reverse(), 1);
  return data;
}

/** An ERC-20 portal's payload: token 20 | sender 20 | value 32 big-endian | anything. */
export type Deposit = {
  readonly token: Address;
  readonly sender: Address;
  readonly value: bigint;
};

const DEPOSIT_BYTES_MIN = 72;

export function decodeDeposit(payload: Uint8Array): Deposit | null {
  if (payload.length < DEPOSIT_BYTES_MIN) return null;
  return {
    token: addressFromBytes(payload.subarray(0, 20)),
    sender: addressFromBytes(payload.subarray(20, 40)),
    value: bigEndian(payload.subarray(40, DEPOSIT_BYTES_MIN)),
  };
}

export function depositNotice(token: Address, sender: Address, amount: bigint): Output {
  return notice("d19f477d", [BigInt(token), BigInt(sender), amount]);
}

export function transferNotice(sender: Address, recipient: Address, amount: bigint): Output {
  return notice("98830f8d", [BigInt(sender), BigInt(recipient), amount]);
}

/** Lets `recipient` have `amount` of `token` on L1. */
export function withdrawalVoucher(token: Address, recipient: Address, amount: bigint): Output {
  const payload = callData("a9059cbb", [BigInt(recipient), amount]);
  return { kind: "voucher", destination: token, value: 0n, payload };
}

function notice(selector: string, words: readonly bigint[]): Output {
  return { kind: "notice", payload: callData(selector, words) };
}

function callData(selector: string, words: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(4 + 32 * words.length);
  bytes.set(fromHex(`0x${selector}`), 0);
  for (const [i, value] of words.entries()) bytes.set(word(value), 4 + 32 * i);
  return bytes;
}

/** 32 bytes, big-endian. Asserts `value < 2^256`. */
export function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, "0")}`);
}

export function bigEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let at = 0; at < bytes.length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  return value;
}

function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let at = bytes.length - 8; at >= 0; at -= 8)
    value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}
