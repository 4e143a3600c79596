/** SSZ of batches: the pinned bytes, and the decoder against a plain second one. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/core/types/assert.ts";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import {
  BATCH_BYTES_BASE,
  type Batch,
  decodeBatch,
  encodeBatch,
  FRAME_BYTES,
  userOpBytes,
  type WireUserOp,
} from "../../src/core/wire/batch.ts";
import { printBatch, reference } from "../support/reference-ssz.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/ssz-batch.json" with { type: "json" };

type JsonBatch = (typeof vectors.valid)[number]["batch"];

function fromVector(batch: JsonBatch): Batch {
  return {
    nonce: BigInt(batch.nonce),
    frames: batch.frames.map((frame) => ({
      safeBlock: BigInt(frame.safe_block),
      feePrice: frame.fee_price,
      userOps: frame.user_ops.map((op) => ({
        nonce: op.nonce,
        maxFee: op.max_fee,
        data: fromHex(op.data),
        signature: fromHex(op.signature),
      })),
    })),
  };
}

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const u16 = fc.integer({ min: 0, max: 0xffff });

function batches(signature: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Batch> {
  const op: fc.Arbitrary<WireUserOp> = fc.record({
    nonce: fc.integer({ min: 0, max: 0xffff_ffff }),
    maxFee: u16,
    data: fc.uint8Array({ maxLength: 60 }),
    signature,
  });
  const frame = fc.record({
    userOps: fc.array(op, { maxLength: 4 }),
    safeBlock: u64,
    feePrice: u16,
  });
  return fc.record({ nonce: u64, frames: fc.array(frame, { maxLength: 4 }) });
}

const ours = batches(fc.uint8Array({ minLength: 65, maxLength: 65 }));
const anySignature = batches(fc.uint8Array({ maxLength: 70 }));

/** Both decoders agree on `bytes`, and what is accepted has no other encoding. Answers the verdict. */
function agree(bytes: Uint8Array): boolean {
  const decoded = decodeBatch(bytes);
  const expected = reference(bytes);
  expect(decoded.ok ? printBatch(decoded.value) : null, toHex(bytes)).toBe(expected);
  if (decoded.ok) expect(toHex(encodeBatch(decoded.value))).toBe(toHex(bytes));
  return decoded.ok;
}

describe("[S1] the pinned batches", () => {
  test.each(vectors.valid)("valid, $length bytes", ({ batch, bytes, keccak256, length }) => {
    const encoded = encodeBatch(fromVector(batch));
    expect(toHex(encoded)).toBe(bytes);
    expect(encoded.length).toBe(length);
    expect(toHex(keccak_256(encoded))).toBe(keccak256);
    const decoded = decodeBatch(fromHex(bytes));
    expect(decoded.ok && printBatch(decoded.value)).toBe(printBatch(fromVector(batch)));
    expect(agree(fromHex(bytes))).toBe(true);
  });

  test.each(vectors.invalid)("invalid: $why", ({ bytes }) => {
    expect(agree(fromHex(bytes))).toBe(false);
  });

  test.each([
    ["0x", "too-short"],
    ["0x00000000000000000c0000", "too-short"],
    ["0x00000000000000000b000000", "offset-into-fixed-part"],
    ["0x00000000000000000d00000000", "offset-skips-bytes"],
    ["0x00000000000000000d000000", "offset-out-of-bounds"],
    ["0x00000000000000000c000000000000", "too-short"],
    ["0x00000000000000000c00000000000000", "bad-list-offset"],
    ["0x00000000000000000c0000000500000000", "bad-list-offset"],
    ["0x00000000000000000c00000008000000", "offset-out-of-bounds"],
    ["0x00000000000000000c000000080000000400000000", "offset-decreasing"],
    ["0x00000000000000000c00000004000000", "too-short"],
  ])("%s is refused as %s", (bytes, reason) => {
    expect(decodeBatch(fromHex(bytes))).toEqual({ ok: false, error: { reason } });
  });
});

describe("[S1] round trips", () => {
  test("every batch decodes to itself, and encodes the same twice", () => {
    fc.assert(
      fc.property(anySignature, (batch) => {
        const bytes = encodeBatch(batch);
        const decoded = decodeBatch(bytes);
        expect(decoded.ok && printBatch(decoded.value)).toBe(printBatch(batch));
        expect(toHex(encodeBatch(batch))).toBe(toHex(bytes));
      }),
      { numRuns: size(300, 20_000) },
    );
  });

  test("the extremes of every integer survive", () => {
    const op = {
      nonce: 0xffff_ffff,
      maxFee: 0xffff,
      data: new Uint8Array(),
      signature: new Uint8Array(),
    };
    const batch: Batch = {
      nonce: U64_MAX,
      frames: [{ userOps: [op], safeBlock: U64_MAX, feePrice: 0xffff }],
    };
    const decoded = decodeBatch(encodeBatch(batch));
    expect(decoded.ok && printBatch(decoded.value)).toBe(printBatch(batch));
  });

  test("decodes inside a larger buffer", () => {
    const [, , vector] = vectors.valid;
    const inner = fromHex(vector?.bytes ?? "0x");
    const outer = new Uint8Array(inner.length + 20).fill(0xff);
    outer.set(inner, 7);
    expect(agree(outer.subarray(7, 7 + inner.length))).toBe(true);
  });

  const op: WireUserOp = {
    nonce: 0,
    maxFee: 0,
    data: new Uint8Array(),
    signature: new Uint8Array(),
  };
  const frame = { userOps: [op], safeBlock: 0n, feePrice: 0 };
  test.each<[string, Batch]>([
    ["a nonce above u64", { nonce: U64_MAX + 1n, frames: [] }],
    ["a negative nonce", { nonce: -1n, frames: [] }],
    ["a safe block above u64", { nonce: 0n, frames: [{ ...frame, safeBlock: U64_MAX + 1n }] }],
    ["a fee above u16", { nonce: 0n, frames: [{ ...frame, feePrice: 0x1_0000 }] }],
    [
      "an op nonce above u32",
      { nonce: 0n, frames: [{ ...frame, userOps: [{ ...op, nonce: 2 ** 32 }] }] },
    ],
    [
      "an op nonce of no integer",
      { nonce: 0n, frames: [{ ...frame, userOps: [{ ...op, nonce: 0.5 }] }] },
    ],
    [
      "a max fee above u16",
      { nonce: 0n, frames: [{ ...frame, userOps: [{ ...op, maxFee: 0x1_0000 }] }] },
    ],
  ])("%s is a bug, not bytes", (_what, batch) => {
    expect(() => encodeBatch(batch)).toThrow(InvariantError);
  });
});

describe("[S6] the size of a batch is known before it is encoded", () => {
  test("base, frames and ops add up to the bytes", () => {
    fc.assert(
      fc.property(ours, (batch) => {
        const sum = batch.frames.reduce(
          (total, frame) =>
            frame.userOps.reduce((t, op) => t + userOpBytes(op.data.length), total + FRAME_BYTES),
          BATCH_BYTES_BASE,
        );
        expect(encodeBatch(batch).length).toBe(sum);
      }),
      { numRuns: size(300, 20_000) },
    );
  });

  test("the constants", () => {
    expect([BATCH_BYTES_BASE, FRAME_BYTES, userOpBytes(0), userOpBytes(53)]).toEqual([
      12, 18, 83, 136,
    ]);
  });
});

describe("[S1] the decoder refuses what the scheduler's library refuses, and nothing else", () => {
  test("every truncation of every pinned batch", () => {
    let accepted = 0;
    for (const { bytes } of vectors.valid) {
      const whole = fromHex(bytes);
      for (let length = 0; length < whole.length; length++) {
        if (agree(whole.subarray(0, length))) accepted += 1;
      }
    }
    // Accepted are cuts within the last signature, whose length is the scheduler's to judge (four of
    // the batches end in one of 65 bytes), cuts that leave the last frame no list of ops (the same
    // four), and cuts that leave the batch no list of frames (all but the one that has none).
    expect(accepted).toBe(4 * 65 + 4 + 5);
  });

  test("every value of every four bytes of the small pinned batches", () => {
    const verdicts = { true: 0, false: 0 };
    for (const { bytes } of vectors.valid.filter(({ length }) => length < 120)) {
      const whole = fromHex(bytes);
      for (let at = 0; at + 4 <= whole.length; at++) {
        for (let value = 0; value <= whole.length + 1; value++) {
          const changed = whole.slice();
          new DataView(changed.buffer).setUint32(at, value, true);
          verdicts[agree(changed) ? "true" : "false"] += 1;
        }
      }
    }
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(1000);
  });

  test("mutated batches", () => {
    const verdicts = { true: 0, false: 0 };
    const mutation = fc.record({
      how: fc.constantFrom("byte", "offset", "nudge", "cut", "grow", "drop", "repeat"),
      at: fc.nat(),
      value: fc.nat(400),
    });
    fc.assert(
      fc.property(
        anySignature,
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (batch, all) => {
          const bytes = all.reduce(mutate, encodeBatch(batch));
          verdicts[agree(bytes) ? "true" : "false"] += 1;
        },
      ),
      { numRuns: size(3000, 200_000) },
    );
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(100);
  });

  test("garbage", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => void agree(bytes)),
      {
        numRuns: size(500, 50_000),
      },
    );
  });

  test.each([0x00, 0x01, 0x42, 0x7f, 0x80, 0xff])("the byte %i repeated", (byte) => {
    for (const length of [1, 12, 64, 256, 1024]) agree(new Uint8Array(length).fill(byte));
  });
});

type Mutation = { readonly how: string; readonly at: number; readonly value: number };

function mutate(bytes: Uint8Array, { how, at, value }: Mutation): Uint8Array {
  const index = at % (bytes.length + 1);
  const word = Math.max(0, Math.min(index, bytes.length - 4));
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  switch (how) {
    case "byte":
      changed[index] = value & 0xff;
      return changed;
    case "offset":
      if (changed.length >= 4) view.setUint32(word, value, true);
      return changed;
    case "nudge":
      if (changed.length >= 4)
        view.setUint32(word, view.getUint32(word, true) + (value % 9) - 4, true);
      return changed;
    case "cut":
      return bytes.slice(0, index);
    case "grow":
      return Uint8Array.of(...bytes, ...new Uint8Array(value % 9).fill(value));
    case "drop":
      return Uint8Array.of(...bytes.slice(0, index), ...bytes.slice(index + 1 + (value % 5)));
    default:
      return Uint8Array.of(
        ...bytes.slice(0, index),
        ...bytes.slice(Math.max(0, index - (value % 9))),
      );
  }
}
