/**
 * SSZ bytes of a batch: what goes on L1, and what the scheduler decodes (S1, P§2.2).
 *
 *     Batch       nonce u64 | offset(frames)                      | frames
 *     Frame       offset(user_ops) | safe_block u64 | fee u16      | user_ops
 *     WireUserOp  nonce u32 | max_fee u16 | offset(data) | offset(signature) | data | signature
 *
 * Little-endian; offsets are u32 from the start of their container. A list of variable-size items is
 * their offsets and then the items; an empty list is no bytes. The decoder takes exactly the byte
 * strings that `ethereum_ssz` takes: one byte string more or less is a consensus fork.
 */

import { assert, must } from "../types/assert.ts";
import { viewOf } from "../types/bytes.ts";
import { SIGNATURE_BYTES } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";
import { U16_MAX, U32_MAX } from "../types/units.ts";

/** An op as it travels in a batch; the signature's length is the scheduler's to judge. */
export type WireUserOp = {
  /** u32 */
  readonly nonce: number;
  /** u16 */
  readonly maxFee: number;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
};

export type Frame = {
  readonly userOps: readonly WireUserOp[];
  /** u64 */
  readonly safeBlock: bigint;
  /** u16 exponent */
  readonly feePrice: number;
};

export type Batch = {
  /** u64 */
  readonly nonce: bigint;
  readonly frames: readonly Frame[];
};

export type SszError = {
  readonly reason:
    | "too-short"
    | "offset-into-fixed-part"
    | "offset-skips-bytes"
    | "offset-out-of-bounds"
    | "offset-decreasing"
    | "bad-list-offset";
};

const OFFSET_BYTES = 4;
const BATCH_FIXED = 12;
const FRAME_FIXED = 14;
const OP_FIXED = 14;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Size of a batch without frames. */
export const BATCH_BYTES_BASE: number = BATCH_FIXED;
/** What a frame without ops adds: its offset in the list and its fixed part. */
export const FRAME_BYTES: number = OFFSET_BYTES + FRAME_FIXED;

/** What an op with `dataLength` bytes of data and a 65-byte signature adds. */
export function userOpBytes(dataLength: number): number {
  return OFFSET_BYTES + OP_FIXED + SIGNATURE_BYTES + dataLength;
}

/** Asserts that every integer fits its field: a `DataView` would wrap it without a word. */
export function encodeBatch(batch: Batch): Uint8Array {
  const bytes = new Uint8Array(BATCH_FIXED + listBytes(batch.frames, frameBytes));
  const writer = new Writer(bytes);
  writer.u64(batch.nonce);
  writer.u32(BATCH_FIXED);
  writer.list(batch.frames, frameBytes, writeFrame);
  assert(writer.at === bytes.length, "the size of a batch is known before it is written");
  return bytes;
}

function opBytes(op: WireUserOp): number {
  return OP_FIXED + op.data.length + op.signature.length;
}

function frameBytes(frame: Frame): number {
  return FRAME_FIXED + listBytes(frame.userOps, opBytes);
}

function listBytes<T>(items: readonly T[], itemBytes: (item: T) => number): number {
  return items.reduce((sum, item) => sum + OFFSET_BYTES + itemBytes(item), 0);
}

function writeFrame(writer: Writer, frame: Frame): void {
  writer.u32(FRAME_FIXED);
  writer.u64(frame.safeBlock);
  writer.u16(frame.feePrice);
  writer.list(frame.userOps, opBytes, writeOp);
}

function writeOp(writer: Writer, op: WireUserOp): void {
  writer.u32(op.nonce);
  writer.u16(op.maxFee);
  writer.u32(OP_FIXED);
  writer.u32(OP_FIXED + op.data.length);
  writer.bytes(op.data);
  writer.bytes(op.signature);
}

class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value <= U16_MAX, "a field is a u16");
    this.#view.setUint16(this.at, value, true);
    this.at += 2;
  }

  u32(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value <= U32_MAX, "a field is a u32");
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  u64(value: bigint): void {
    assert(value >= 0n && value <= U64_MAX, "a field is a u64");
    this.#view.setBigUint64(this.at, value, true);
    this.at += 8;
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.at);
    this.at += value.length;
  }

  list<T>(
    items: readonly T[],
    sizeOf: (item: T) => number,
    write: (w: Writer, item: T) => void,
  ): void {
    let itemOffset = items.length * OFFSET_BYTES;
    for (const item of items) {
      this.u32(itemOffset);
      itemOffset += sizeOf(item);
    }
    for (const item of items) write(this, item);
  }
}

/** Byte fields of the result are views into `bytes`, which must not change while they are in use. */
export function decodeBatch(bytes: Uint8Array): Result<Batch, SszError> {
  const parts = splitContainer(bytes, BATCH_FIXED, [8]);
  if (!parts.ok) return parts;
  const frames = decodeList(must(parts.value[0], "a batch has one variable part"), decodeFrame);
  if (!frames.ok) return frames;
  return ok({ nonce: viewOf(bytes).getBigUint64(0, true), frames: frames.value });
}

function decodeFrame(bytes: Uint8Array): Result<Frame, SszError> {
  const parts = splitContainer(bytes, FRAME_FIXED, [0]);
  if (!parts.ok) return parts;
  const userOps = decodeList(must(parts.value[0], "a frame has one variable part"), decodeOp);
  if (!userOps.ok) return userOps;
  const view = viewOf(bytes);
  const safeBlock = view.getBigUint64(4, true);
  return ok({ userOps: userOps.value, safeBlock, feePrice: view.getUint16(12, true) });
}

function decodeOp(bytes: Uint8Array): Result<WireUserOp, SszError> {
  const parts = splitContainer(bytes, OP_FIXED, [6, 10]);
  if (!parts.ok) return parts;
  const [data, signature] = parts.value;
  assert(data !== undefined && signature !== undefined, "an op has two variable parts");
  const view = viewOf(bytes);
  return ok({ nonce: view.getUint32(0, true), maxFee: view.getUint16(4, true), data, signature });
}

const fail = (reason: SszError["reason"]): Result<never, SszError> => err({ reason });

/** The variable parts of a container whose fixed part has offsets at `offsetsAt`. */
function splitContainer(
  bytes: Uint8Array,
  fixed: number,
  offsetsAt: readonly number[],
): Result<readonly Uint8Array[], SszError> {
  if (bytes.length < fixed) return fail("too-short");
  const view = viewOf(bytes);
  const offsets = offsetsAt.map((at) => view.getUint32(at, true));
  const [first = fixed] = offsets;
  if (first < fixed) return fail("offset-into-fixed-part");
  if (first > bytes.length) return fail("offset-out-of-bounds");
  if (first > fixed) return fail("offset-skips-bytes");
  return slices(bytes, offsets);
}

/** Rule 4 of P§2.2: the first offset gives the number of items. */
function decodeList<T>(
  bytes: Uint8Array,
  decode: (item: Uint8Array) => Result<T, SszError>,
): Result<readonly T[], SszError> {
  if (bytes.length === 0) return ok([]);
  if (bytes.length < OFFSET_BYTES) return fail("too-short");
  const view = viewOf(bytes);
  const first = view.getUint32(0, true);
  if (first === 0 || first % OFFSET_BYTES !== 0) return fail("bad-list-offset");
  if (first > bytes.length) return fail("offset-out-of-bounds");
  const offsets: number[] = [];
  for (let at = 0; at < first; at += OFFSET_BYTES) offsets.push(view.getUint32(at, true));
  const parts = slices(bytes, offsets);
  if (!parts.ok) return parts;
  const items: T[] = [];
  for (const part of parts.value) {
    const item = decode(part);
    if (!item.ok) return item;
    items.push(item.value);
  }
  return ok(items);
}

/** From each offset to the next, the last to the end. Copies nothing. */
function slices(
  bytes: Uint8Array,
  offsets: readonly number[],
): Result<readonly Uint8Array[], SszError> {
  const parts: Uint8Array[] = [];
  for (const [i, start] of offsets.entries()) {
    const end = offsets[i + 1] ?? bytes.length;
    if (start > bytes.length || end > bytes.length) return fail("offset-out-of-bounds");
    if (end < start) return fail("offset-decreasing");
    parts.push(bytes.subarray(start, end));
  }
  return ok(parts);
}
