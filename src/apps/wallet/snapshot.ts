/**
 * The wallet's canonical state bytes (P§2.5).
 *
 *     portal 20 | token 20 | fee recipient 20 | offset(balances) u32 = 84 | offset(nonces) u32
 *     | executed_input_count u64 | last_executed_safe_block u64
 *     | balances: address 20, balance 32 big-endian | nonces: address 20, nonce u32
 *
 * Integers little-endian but for balances. Entries ascend by address. Zero entries that exist are
 * written: whether an account was ever touched is part of the state.
 */

import type { Progress } from "../../core/application/application.ts";
import { assert } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { type Address, addressFromBytes, fromHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { blockNumber } from "../../core/types/units.ts";
import { bigEndian, word } from "./method.ts";

export type WalletConfig = {
  readonly erc20Portal: Address;
  readonly token: Address;
  readonly feeRecipient: Address;
};

export type WalletContents = {
  readonly balances: ReadonlyMap<Address, bigint>;
  readonly nonces: ReadonlyMap<Address, number>;
  readonly progress: Progress;
};

const FIXED = 84;
const BALANCE_BYTES = 52;
const NONCE_BYTES = 24;

/** Asserts that every balance is below 2^256. */
export function encodeSnapshot(config: WalletConfig, contents: WalletContents): Uint8Array {
  const { balances, nonces, progress } = contents;
  const noncesAt = FIXED + BALANCE_BYTES * balances.size;
  const bytes = new Uint8Array(noncesAt + NONCE_BYTES * nonces.size);
  const view = new DataView(bytes.buffer);
  bytes.set(configBytes(config), 0);
  view.setUint32(60, FIXED, true);
  view.setUint32(64, noncesAt, true);
  view.setBigUint64(68, BigInt(progress.executedInputCount), true);
  view.setBigUint64(76, BigInt(progress.lastExecutedSafeBlock), true);
  for (const [i, [account, balance]] of sorted(balances).entries()) {
    assert(balance >> 256n === 0n, "a balance fits in 256 bits");
    bytes.set(fromHex(account), FIXED + BALANCE_BYTES * i);
    bytes.set(word(balance), FIXED + BALANCE_BYTES * i + 20);
  }
  for (const [i, [account, nonce]] of sorted(nonces).entries()) {
    bytes.set(fromHex(account), noncesAt + NONCE_BYTES * i);
    view.setUint32(noncesAt + NONCE_BYTES * i + 20, nonce, true);
  }
  return bytes;
}

function configBytes(config: WalletConfig): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set(fromHex(config.erc20Portal), 0);
  bytes.set(fromHex(config.token), 20);
  bytes.set(fromHex(config.feeRecipient), 40);
  return bytes;
}

/** Lower-case hex of equal length sorts by code unit as the bytes sort. */
function sorted<T>(map: ReadonlyMap<Address, T>): readonly (readonly [Address, T])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Errors: what is wrong. Refuses bytes of another configuration and entries out of order. */
export function decodeSnapshot(
  config: WalletConfig,
  bytes: Uint8Array,
): Result<WalletContents, string> {
  if (bytes.length < FIXED) return err("shorter than the fixed part");
  if (!bytesEqual(bytes.subarray(0, 60), configBytes(config))) return err("other configuration");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const noncesAt = view.getUint32(64, true);
  if (view.getUint32(60, true) !== FIXED) return err("bad balances offset");
  if (noncesAt < FIXED || noncesAt > bytes.length) return err("bad nonces offset");
  if ((noncesAt - FIXED) % BALANCE_BYTES !== 0) return err("bad balances length");
  if ((bytes.length - noncesAt) % NONCE_BYTES !== 0) return err("bad nonces length");
  const count = Number(view.getBigUint64(68, true));
  const clock = Number(view.getBigUint64(76, true));
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(clock)) return err("bad progress");
  if (count === 0 && clock !== 0) return err("a clock without inputs");
  const balances = entries(bytes.subarray(FIXED, noncesAt), BALANCE_BYTES, bigEndian);
  const nonces = entries(bytes.subarray(noncesAt), NONCE_BYTES, readU32);
  if (balances === null || nonces === null) return err("entries out of order");
  const progress = { executedInputCount: count, lastExecutedSafeBlock: blockNumber(clock) };
  return ok({ balances, nonces, progress });
}

function readU32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}

/** Null unless the addresses strictly ascend. */
function entries<T>(
  bytes: Uint8Array,
  width: number,
  read: (value: Uint8Array) => T,
): Map<Address, T> | null {
  const map = new Map<Address, T>();
  let before = "";
  for (let at = 0; at < bytes.length; at += width) {
    const account = addressFromBytes(bytes.subarray(at, at + 20));
    if (account <= before) return null;
    before = account;
    map.set(account, read(bytes.subarray(at + 20, at + width)));
  }
  return map;
}
