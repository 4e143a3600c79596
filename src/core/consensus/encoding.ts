/**
 * Fixed-width big-endian parts of the committee's formats, and the strict reader of them.
 *
 * Every value has exactly one encoding: there are no optional paddings, no second forms, and whatever
 * is left after the last field is an error.
 */

import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import {
  type Address,
  addressFromBytes,
  fromHex,
  type Hash32,
  hashFromBytes,
} from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { counter } from "../types/units.ts";
import { SCHEME_PARAMETERS, type SchemeId } from "./types.ts";

/**
 * `length`: ends early or goes on after the last field. `integer`: a u64 above 2^53 (S7). `value`: a
 * field that no encoder writes, an unknown version or scheme among them.
 */
export type FormatError = "length" | "integer" | "value";

export const ZERO_HASH: Hash32 = hashFromBytes(new Uint8Array(32));

export function u8(value: number): Uint8Array {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xff, "a u8 fits");
  return Uint8Array.of(value);
}

/** A safe integer in 8 bytes. */
export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(counter(value, "a u64")));
  return bytes;
}

/** ASCII of at most 255 characters after its length. */
export function shortText(text: string): Uint8Array {
  return concatBytes(u8(text.length), utf8ToBytes(text));
}

/** Bytes after their length as u32. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}

/** 0, or 1 and the value. */
export function option<T>(value: T | null, encode: (value: T) => Uint8Array): Uint8Array {
  return value === null ? u8(0) : concatBytes(u8(1), encode(value));
}

/** A count as u8, then the items. Asserts at most `most` of them. */
export function counted<T>(
  items: readonly T[],
  most: number,
  encode: (item: T) => Uint8Array,
): Uint8Array {
  assert(items.length <= most, "a list is bounded");
  return concatBytes(u8(items.length), ...items.map(encode));
}

/** u16 length of the domain, then the domain: signed messages of two kinds never start alike. */
export function domainPrefix(domain: string): Uint8Array {
  return concatBytes(u8(0), shortText(domain));
}

export function schemeTag(scheme: SchemeId): Uint8Array {
  return u8(SCHEME_PARAMETERS[scheme].tag);
}

const SCHEMES: readonly SchemeId[] = ["p256", "ed25519", "bls12381"];

/** Reads zeros once an error is noted, so that a value is read to its end and then refused. */
export class FormatReader {
  #error: FormatError | null = null;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The value, unless something was wrong with it or bytes are left. */
  finish<T>(value: T): Result<T, FormatError> {
    if (this.#at !== this.#bytes.length) this.fail("length");
    return this.#error === null ? ok(value) : err(this.#error);
  }

  /** The first failure counts. */
  fail(error: FormatError): void {
    this.#error ??= error;
  }

  /** The next bytes, a copy. */
  raw(length: number): Uint8Array {
    if (this.#error !== null || this.#bytes.length - this.#at < length) {
      this.fail("length");
      return new Uint8Array(length);
    }
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  u8(): number {
    return this.raw(1)[0] ?? 0;
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) this.fail("value");
    return value === 1;
  }

  u64(): number {
    const value = Number(new DataView(this.raw(8).buffer).getBigUint64(0));
    if (Number.isSafeInteger(value)) return value;
    this.fail("integer");
    return 0;
  }

  address(): Address {
    return addressFromBytes(this.raw(20));
  }

  hash(): Hash32 {
    return hashFromBytes(this.raw(32));
  }

  /** ASCII, as it is written. */
  shortText(): string {
    const bytes = this.raw(this.u8());
    if (bytes.some((byte) => byte > 0x7f)) this.fail("value");
    return String.fromCharCode(...bytes);
  }

  scheme(): SchemeId {
    const tag = this.u8();
    const known = SCHEMES.find((scheme) => SCHEME_PARAMETERS[scheme].tag === tag);
    if (known === undefined) this.fail("value");
    return known ?? "p256";
  }

  version(expected: number): void {
    if (this.u8() !== expected) this.fail("value");
  }

  /** Bytes after their length as u32, at most `most`. */
  prefixed(most: number): Uint8Array {
    const length = new DataView(this.raw(4).buffer).getUint32(0);
    // Asked before it is allocated: the length is a stranger's.
    if (length <= most && length <= this.#bytes.length - this.#at) return this.raw(length);
    this.fail("length");
    return new Uint8Array(0);
  }

  option<T>(read: () => T): T | null {
    return this.flag() ? read() : null;
  }

  /** A count as u8, at most `most`, then as many items. */
  counted<T>(most: number, read: () => T): readonly T[] {
    const count = this.u8();
    if (count <= most) return this.list(count, read);
    this.fail("value");
    return [];
  }

  /** `count` times what `read` reads. */
  list<T>(count: number, read: () => T): readonly T[] {
    return Array.from({ length: count }, read);
  }
}

/** One value that fills `bytes`. */
export function decodeAll<T>(
  bytes: Uint8Array,
  read: (reader: FormatReader) => T,
): Result<T, FormatError> {
  const reader = new FormatReader(bytes);
  return reader.finish(read(reader));
}

/** Which application's committee on which chain: the first fields of what it signs. */
export type Deployment = { readonly chainId: number; readonly app: Address };

export function encodeDeployment({ chainId, app }: Deployment): Uint8Array {
  return concatBytes(u64(chainId), fromHex(app));
}

export function readDeployment(reader: FormatReader): Deployment {
  return { chainId: reader.u64(), app: reader.address() };
}
