/** From SQL values to domain types: BLOBs arrive as `ArrayBuffer`, brands are minted here. */

import {
  type Address,
  addressFromBytes,
  fromHex,
  type Hash32,
  hashFromBytes,
} from "../../../core/types/hex.ts";

export function blob(value: ArrayBuffer): Uint8Array {
  return new Uint8Array(value);
}

export function addressOf(value: ArrayBuffer): Address {
  return addressFromBytes(new Uint8Array(value));
}

export function hashOf(value: ArrayBuffer): Hash32 {
  return hashFromBytes(new Uint8Array(value));
}

/** An identity as a BLOB parameter. */
export function toBlob(hex: Address | Hash32): Uint8Array {
  return fromHex(hex);
}

/**
 * The only row, or null. Reads the cursor to its end: one that is left half-read stays open, and an
 * open reader keeps the write-ahead log from being folded back into the database.
 */
export function first<T extends Record<string, SqlStorageValue>>(
  rows: SqlStorageCursor<T>,
): T | null {
  return rows.toArray()[0] ?? null;
}
