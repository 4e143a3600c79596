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
import { assert, must } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { type Address, addressFromBytes, fromHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { blockNumber, U32_MAX } from "../../core/types/units.ts";
import { getBigEndian, setBigEndian, viewOf } from "./uint256.ts";

/** Part of the snapshot's bytes: another configuration is another state. */
export type WalletConfig = {
  /** Whose direct inputs are deposits. */
  readonly erc20Portal: Address;
  /** The one token that deposits and withdrawals are in. */
  readonly token: Address;
  /** Who is credited with fees. The zero address burns them. */
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

/** Asserts that every balance is below 2^256 and every nonce a u32. */
export function encodeSnapshot(config: WalletConfig, contents: WalletContents): Uint8Array {
  const { balances, nonces, progress } = contents;
  const noncesAt = FIXED + BALANCE_BYTES * balances.size;
  assert(noncesAt <= U32_MAX, "the offset of the nonces is a u32");
  const bytes = new Uint8Array(noncesAt + NONCE_BYTES * nonces.size);
  const view = viewOf(bytes);
  bytes.set(configBytes(config), 0);
  view.setUint32(60, FIXED, true);
  view.setUint32(64, noncesAt, true);
  view.setBigUint64(68, BigInt(progress.executedInputCount), true);
  view.setBigUint64(76, BigInt(progress.lastExecutedSafeBlock), true);
  let at = FIXED;
  for (const account of ascending(balances)) {
    bytes.set(fromHex(account), at);
    setBigEndian(view, at + 20, must(balances.get(account), "a listed account has a balance"));
    at += BALANCE_BYTES;
  }
  for (const account of ascending(nonces)) {
    const nonce = must(nonces.get(account), "a listed account has a nonce");
    assert(nonce >= 0 && nonce <= U32_MAX, "a nonce is a u32");
    bytes.set(fromHex(account), at);
    view.setUint32(at + 20, nonce, true);
    at += NONCE_BYTES;
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

/** Sorted by UTF-16 code unit, which for lower-case hex of equal length is the bytes' order. */
function ascending<T>(map: ReadonlyMap<Address, T>): readonly Address[] {
  return [...map.keys()].sort();
}

/**
 * Errors: what is wrong. Refuses bytes of another configuration, and accounts that do not strictly
 * ascend: nobody but this file writes these bytes, so equal states must be equal bytes.
 */
export function decodeSnapshot(
  config: WalletConfig,
  bytes: Uint8Array,
): Result<WalletContents, string> {
  if (bytes.length < FIXED) return err("shorter than the fixed part");
  if (!bytesEqual(bytes.subarray(0, 60), configBytes(config))) return err("other configuration");
  const view = viewOf(bytes);
  const noncesAt = view.getUint32(64, true);
  if (view.getUint32(60, true) !== FIXED) return err("bad balances offset");
  if (noncesAt < FIXED || noncesAt > bytes.length) return err("bad nonces offset");
  if ((noncesAt - FIXED) % BALANCE_BYTES !== 0) return err("bad balances length");
  if ((bytes.length - noncesAt) % NONCE_BYTES !== 0) return err("bad nonces length");
  const count = Number(view.getBigUint64(68, true));
  const clock = Number(view.getBigUint64(76, true));
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(clock)) return err("bad progress");
  if (count === 0 && clock !== 0) return err("a clock without inputs");
  const balances = entries(bytes, FIXED, noncesAt, BALANCE_BYTES, (at) => getBigEndian(view, at));
  const nonces = entries(bytes, noncesAt, bytes.length, NONCE_BYTES, (at) =>
    view.getUint32(at, true),
  );
  if (balances === null || nonces === null) return err("accounts do not ascend");
  const progress = { executedInputCount: count, lastExecutedSafeBlock: blockNumber(clock) };
  return ok({ balances, nonces, progress });
}

/** Accounts and what `read` finds behind them; null unless the accounts strictly ascend. */
function entries<T>(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  read: (at: number) => T,
): Map<Address, T> | null {
  const map = new Map<Address, T>();
  let before = "";
  for (let at = start; at < end; at += width) {
    const account = addressFromBytes(bytes.subarray(at, at + 20));
    if (account <= before) return null;
    before = account;
    map.set(account, read(at + 20));
  }
  return map;
}
