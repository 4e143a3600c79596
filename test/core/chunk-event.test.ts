/** Canonical bytes of events: pinned leaves, one encoding per event, and every refusal. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChunkEvent, decodeEvents, encodeEvent } from "../../src/core/chunk/event.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import {
  address,
  addressFromBytes,
  fromHex,
  hash32,
  hashFromBytes,
  toHex,
} from "../../src/core/types/hex.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/chunk.json" with { type: "json" };

/** The six events of the vectors, field by field. */
const pinned: readonly ChunkEvent[] = [
  {
    kind: "frame",
    batchNonce: batchNonce(3),
    frame: 1,
    safeBlock: blockNumber(1000),
    fee: feeExponent(1060),
  },
  {
    kind: "direct",
    offset: offset(10),
    batchNonce: batchNonce(3),
    frame: 1,
    inputIndex: 7,
    blockNumber: blockNumber(998),
    blockTimestamp: 1_700_000_000,
    transactionHash: hash32(`0x${"ab".repeat(32)}`),
    sender: address(`0x${"22".repeat(20)}`),
    payload: fromHex("0xccdd"),
  },
  {
    kind: "op",
    offset: offset(11),
    batchNonce: batchNonce(3),
    frame: 1,
    fee: feeExponent(1060),
    safeBlock: blockNumber(1000),
    sender: address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"),
    nonce: 0,
    maxFee: feeExponent(1409),
    signature: fromHex(vectors.events[2]?.event.signature ?? ""),
    data: fromHex(vectors.events[2]?.event.data ?? ""),
  },
  {
    kind: "seal",
    batchNonce: batchNonce(3),
    payloadHash: hash32(`0x${"11".repeat(32)}`),
    stateHash: hash32(`0x${"00".repeat(32)}`),
    executedInputs: 42,
  },
  { kind: "watermark", walletNonce: 9 },
  {
    kind: "rollback",
    offset: offset(12),
    keepThrough: offset(9),
    generation: 1,
    pivotBatchNonce: batchNonce(3),
  },
];

const u64 = fc.oneof(fc.nat(), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const fee = fc.integer({ min: 0, max: 0xffff }).map(feeExponent);
const bytes = fc.uint8Array({ maxLength: 80 });
const offsets = u64.map(offset);
const batchNonces = u64.map(batchNonce);
const blocks = u64.map(blockNumber);
const addresses = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(addressFromBytes);
const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hashFromBytes);

const events: fc.Arbitrary<ChunkEvent> = fc.oneof(
  fc.record({
    kind: fc.constant("op" as const),
    offset: offsets,
    batchNonce: batchNonces,
    frame: u32,
    fee,
    safeBlock: blocks,
    sender: addresses,
    nonce: u32,
    maxFee: fee,
    signature: bytes,
    data: bytes,
  }),
  fc.record({
    kind: fc.constant("direct" as const),
    offset: offsets,
    batchNonce: batchNonces,
    frame: u32,
    inputIndex: u64,
    blockNumber: blocks,
    blockTimestamp: u64,
    transactionHash: hashes,
    sender: addresses,
    payload: bytes,
  }),
  fc.record({
    kind: fc.constant("frame" as const),
    batchNonce: batchNonces,
    frame: u32,
    safeBlock: blocks,
    fee,
  }),
  fc.record({
    kind: fc.constant("seal" as const),
    batchNonce: batchNonces,
    payloadHash: hashes,
    stateHash: hashes,
    executedInputs: u64,
  }),
  fc.record({
    kind: fc.constant("rollback" as const),
    offset: offsets,
    keepThrough: offsets,
    generation: u64,
    pivotBatchNonce: batchNonces,
  }),
  fc.record({ kind: fc.constant("watermark" as const), walletNonce: u64 }),
  fc.record({
    kind: fc.constant("tally" as const),
    generation: u64,
    walletNonce: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 })),
  }),
);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function refused(reason: string): object {
  return { ok: false, error: { reason } };
}

describe("[C1] canonical bytes", () => {
  test.each(pinned.map((event, i) => [event.kind, event, vectors.events[i]] as const))(
    "the pinned %s",
    (_kind, event, vector) => {
      expect(vector?.event.kind).toBe(event.kind);
      expect(toHex(encodeEvent(event))).toBe(vector?.leaf);
      expect(decodeEvents(fromHex(vector?.leaf ?? ""))).toEqual({ ok: true, value: [event] });
    },
  );

  test("the six, end to end", () => {
    const joined = concat(pinned.map(encodeEvent));
    expect(toHex(joined)).toBe(`0x${vectors.events.map(({ leaf }) => leaf.slice(2)).join("")}`);
    expect(decodeEvents(joined)).toEqual({ ok: true, value: pinned });
  });

  test("a tally, with a watermark and before the first", () => {
    const tally: ChunkEvent = { kind: "tally", generation: 3, walletNonce: 8 };
    const bytes = "0x0700000000000000030000000000000009";
    expect(toHex(encodeEvent(tally))).toBe(bytes);
    expect(decodeEvents(fromHex(bytes))).toEqual({ ok: true, value: [tally] });
    const none: ChunkEvent = { ...tally, walletNonce: null };
    expect(toHex(encodeEvent(none))).toBe(`${bytes.slice(0, -1)}0`);
    expect(decodeEvents(encodeEvent(none))).toEqual({ ok: true, value: [none] });
  });

  test("no events are no bytes", () => {
    expect(decodeEvents(new Uint8Array())).toEqual({ ok: true, value: [] });
  });

  test("every sequence of events decodes to itself", () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 8 }), (all) => {
        expect(decodeEvents(concat(all.map(encodeEvent)))).toEqual({ ok: true, value: all });
      }),
      { numRuns: size(200, 10_000) },
    );
  });

  test("decodes inside a larger buffer, into bytes of its own", () => {
    const inner = concat(pinned.map(encodeEvent));
    const outer = new Uint8Array(inner.length + 9).fill(0xff);
    outer.set(inner, 5);
    const decoded = decodeEvents(outer.subarray(5, 5 + inner.length));
    outer.fill(0);
    expect(decoded).toEqual({ ok: true, value: pinned });
  });

  test("the greatest safe integer survives; the next is refused", () => {
    const most: ChunkEvent = { kind: "watermark", walletNonce: Number.MAX_SAFE_INTEGER };
    const encoded = encodeEvent(most);
    expect(toHex(encoded)).toBe("0x06001fffffffffffff");
    expect(decodeEvents(encoded)).toEqual({ ok: true, value: [most] });
    expect(decodeEvents(fromHex("0x060020000000000000"))).toEqual(refused("unsafe-integer"));
    expect(decodeEvents(fromHex("0x060020000000000001"))).toEqual(refused("unsafe-integer"));
    expect(decodeEvents(fromHex("0x06ffffffffffffffff"))).toEqual(refused("unsafe-integer"));
  });

  const [frame] = pinned;
  test.each([
    ["a negative u64", { kind: "watermark", walletNonce: -1 }],
    ["a u64 beyond 2^53", { kind: "watermark", walletNonce: 2 ** 53 }],
    ["no integer", { kind: "watermark", walletNonce: 0.5 }],
    ["a frame beyond u32", { ...frame, frame: 2 ** 32 }],
    ["a negative frame", { ...frame, frame: -1 }],
  ] as readonly (readonly [string, ChunkEvent])[])("%s is a bug, not bytes", (_what, event) => {
    expect(() => encodeEvent(event)).toThrow(InvariantError);
  });
});

describe("[C1] what is not a sequence of events is refused", () => {
  test.each([0, 8, 0x80, 0xff])("kind %i", (kind) => {
    expect(decodeEvents(Uint8Array.of(kind))).toEqual(refused("unknown-kind"));
    const after = concat([encodeEvent({ kind: "watermark", walletNonce: 1 }), Uint8Array.of(kind)]);
    expect(decodeEvents(after)).toEqual(refused("unknown-kind"));
  });

  test.each(vectors.events.map(({ event, leaf }) => [event.kind, fromHex(leaf)] as const))(
    "every truncation of a pinned %s",
    (_kind, leaf) => {
      for (let length = 1; length < leaf.length; length++) {
        expect(decodeEvents(leaf.subarray(0, length))).toEqual(refused("truncated"));
      }
    },
  );

  test("a length beyond the end", () => {
    const leaf = fromHex(vectors.events[1]?.leaf ?? "");
    const view = new DataView(leaf.buffer);
    const at = leaf.length - 2 - 4;
    expect(view.getUint32(at)).toBe(2);
    view.setUint32(at, 3);
    expect(decodeEvents(leaf)).toEqual(refused("truncated"));
    view.setUint32(at, 0xffff_ffff);
    expect(decodeEvents(leaf)).toEqual(refused("truncated"));
  });

  test("changed bytes are refused or are the one encoding of what they decode to", () => {
    const verdicts = { true: 0, false: 0 };
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(events, { minLength: 1, maxLength: 4 }), changes, (all, where) => {
        const changed = concat(all.map(encodeEvent));
        for (const [at, value] of where) changed[at % changed.length] = value;
        const decoded = decodeEvents(changed);
        verdicts[decoded.ok ? "true" : "false"] += 1;
        if (!decoded.ok) return;
        expect(toHex(concat(decoded.value.map(encodeEvent)))).toBe(toHex(changed));
      }),
      { numRuns: size(500, 50_000) },
    );
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(50);
  });
});
