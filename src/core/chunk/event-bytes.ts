/** Fixed-width big-endian fields of the log's events, written and read (C1). Which fields, says `event.ts`. */

import { assert } from "../types/assert.ts";

/** The greatest integer of each width; a u64 ends at the safe integers. */
const MOST = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff, 8: Number.MAX_SAFE_INTEGER } as const;

export class EventWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  uint(width: 1 | 2 | 4 | 8, value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= MOST[width], "an integer fits");
    if (width === 8) {
      this.#view.setUint32(this.#at, Math.floor(value / 2 ** 32));
      this.#view.setUint32(this.#at + 4, value % 2 ** 32);
    } else if (width === 4) this.#view.setUint32(this.#at, value);
    else if (width === 2) this.#view.setUint16(this.#at, value);
    else this.#view.setUint8(this.#at, value);
    this.#at += width;
    return this;
  }

  raw(value: Uint8Array): this {
    this.bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  prefixed(value: Uint8Array): this {
    return this.uint(4, value.length).raw(value);
  }
}

/** Reads zeros once an error is noted, so that an event is read to its end and then refused. */
export class EventReader {
  error: "truncated" | "unsafe-integer" | null = null;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint(width: 1 | 2 | 4 | 8): number {
    const at = this.#take(width);
    if (at === null) return 0;
    if (width === 1) return this.#view.getUint8(at);
    if (width === 2) return this.#view.getUint16(at);
    if (width === 4) return this.#view.getUint32(at);
    const value = this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
    if (Number.isSafeInteger(value)) return value;
    this.error ??= "unsafe-integer";
    return 0;
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return at === null ? new Uint8Array(length) : this.#bytes.slice(at, at + length);
  }

  prefixed(): Uint8Array {
    const length = this.uint(4);
    const at = this.#take(length);
    return at === null ? new Uint8Array(0) : this.#bytes.slice(at, at + length);
  }

  #take(length: number): number | null {
    if (this.error !== null || this.left < length) {
      this.error ??= "truncated";
      return null;
    }
    this.#at += length;
    return this.#at - length;
  }
}
