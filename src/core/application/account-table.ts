/**
 * Tables of accounts in canonical bytes: entries of one width, address 20 and then a value.
 *
 * Accounts strictly ascend, so equal tables are equal bytes, whatever order a Map was filled in.
 */

import { must } from "../types/assert.ts";
import { viewOf } from "../types/bytes.ts";
import { type Address, addressFromBytes, fromHex } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";

const ADDRESS_BYTES = 20;

/** How a value is written: `write` puts `valueBytes` bytes at `at`, `read` takes them from there. */
export type ValueCodec<T> = {
  /** What the table is of, for whoever reads an error. */
  readonly name: string;
  readonly valueBytes: number;
  readonly write: (view: DataView, at: number, value: T) => void;
  readonly read: (view: DataView, at: number) => T;
};

export function encodeAccounts<T>(
  table: ReadonlyMap<Address, T>,
  codec: ValueCodec<T>,
): Uint8Array {
  const width = ADDRESS_BYTES + codec.valueBytes;
  const bytes = new Uint8Array(width * table.size);
  const view = viewOf(bytes);
  // By UTF-16 code unit, which for lower-case hex of equal length is the bytes' order.
  for (const [i, account] of [...table.keys()].sort().entries()) {
    bytes.set(fromHex(account), i * width);
    const value = must(table.get(account), "a listed account has a value");
    codec.write(view, i * width + ADDRESS_BYTES, value);
  }
  return bytes;
}

/** Errors: the length is not a whole number of entries, or the accounts do not strictly ascend. */
export function decodeAccounts<T>(
  bytes: Uint8Array,
  codec: ValueCodec<T>,
): Result<Map<Address, T>, string> {
  const width = ADDRESS_BYTES + codec.valueBytes;
  if (bytes.length % width !== 0) return err(`bad ${codec.name} length`);
  const view = viewOf(bytes);
  const table = new Map<Address, T>();
  let before = "";
  for (let at = 0; at < bytes.length; at += width) {
    const account = addressFromBytes(bytes.subarray(at, at + ADDRESS_BYTES));
    if (account <= before) return err("accounts do not ascend");
    before = account;
    table.set(account, codec.read(view, at + ADDRESS_BYTES));
  }
  return ok(table);
}
