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

import {
  decodeAccounts,
  encodeAccounts,
  type ValueCodec,
} from "../../core/application/account-table.ts";
import {
  decodeNonces,
  decodeProgress,
  encodeNonces,
  encodeProgress,
  type JournalContents,
} from "../../core/application/journal.ts";
import { assert } from "../../core/types/assert.ts";
import { bytesEqual, viewOf } from "../../core/types/bytes.ts";
import { type Address, fromHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { getBigEndian, setBigEndian, UINT256_BYTES } from "../../core/types/uint256.ts";
import { U32_MAX } from "../../core/types/units.ts";

/** Part of the snapshot's bytes: another configuration is another state. */
export type WalletConfig = {
  /** Whose direct inputs are deposits. */
  readonly erc20Portal: Address;
  /** The one token that deposits and withdrawals are in. */
  readonly token: Address;
  /** Who is credited with fees. The zero address burns them. */
  readonly feeRecipient: Address;
};

export type WalletContents = JournalContents & {
  readonly balances: ReadonlyMap<Address, bigint>;
};

const FIXED = 84;
const BALANCE: ValueCodec<bigint> = {
  name: "balances",
  valueBytes: UINT256_BYTES,
  write: setBigEndian,
  read: getBigEndian,
};

/** Asserts that every balance is below 2^256 and every nonce a u32. */
export function encodeSnapshot(config: WalletConfig, contents: WalletContents): Uint8Array {
  const balances = encodeAccounts(contents.balances, BALANCE);
  const nonces = encodeNonces(contents.nonces);
  const noncesAt = FIXED + balances.length;
  assert(noncesAt <= U32_MAX, "the offset of the nonces is a u32");
  const bytes = new Uint8Array(noncesAt + nonces.length);
  const view = viewOf(bytes);
  bytes.set(configBytes(config), 0);
  view.setUint32(60, FIXED, true);
  view.setUint32(64, noncesAt, true);
  encodeProgress(view, 68, contents.progress);
  bytes.set(balances, FIXED);
  bytes.set(nonces, noncesAt);
  return bytes;
}

function configBytes(config: WalletConfig): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set(fromHex(config.erc20Portal), 0);
  bytes.set(fromHex(config.token), 20);
  bytes.set(fromHex(config.feeRecipient), 40);
  return bytes;
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
  const progress = decodeProgress(view, 68);
  if (!progress.ok) return progress;
  const balances = decodeAccounts(bytes.subarray(FIXED, noncesAt), BALANCE);
  const nonces = decodeNonces(bytes.subarray(noncesAt));
  if (!balances.ok) return balances;
  if (!nonces.ok) return nonces;
  return ok({ balances: balances.value, nonces: nonces.value, progress: progress.value });
}
