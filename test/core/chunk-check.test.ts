/** Whether bytes are the events that a header names, and what of them matters later (C1, C4). */

import { concatBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkChunk } from "../../src/core/chunk/check.ts";
import { type ChunkEvent, encodeEvent } from "../../src/core/chunk/event.ts";
import { landmarksOf } from "../../src/core/chunk/landmarks.ts";
import { ZERO_HASH } from "../../src/core/consensus/encoding.ts";
import { firstOffset, type StartPoint } from "../../src/core/consensus/epoch-record.ts";
import { epoch, height } from "../../src/core/consensus/types.ts";
import { type Hash32, hash32 } from "../../src/core/types/hex.ts";
import { BLOB_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { batchNonce, offset } from "../../src/core/types/units.ts";
import { chunkAfter, opAt, rollbackAt } from "../support/committee.ts";

const bytesOf = (events: readonly ChunkEvent[]): Uint8Array =>
  concatBytes(...events.map(encodeEvent));
const watermark: ChunkEvent = { kind: "watermark", walletNonce: 4 };
const hash = hash32(`0x${"cd".repeat(32)}`);
const seal = (stateHash: Hash32): ChunkEvent => ({
  ...{ kind: "seal", batchNonce: batchNonce(1), payloadHash: hash, stateHash, executedInputs: 2 },
});

/** The verdict on these events under the header that they make, or one with a difference. */
function verdict(
  events: readonly ChunkEvent[],
  change: Parameters<typeof chunkAfter>[3] = {},
  opening: StartPoint | null = null,
): string {
  const { header } = chunkAfter(null, events, undefined, change).header;
  const checked = checkChunk(header, bytesOf(events), opening);
  return checked.ok ? "ok" : checked.error;
}

describe("[C4] a validator that links", () => {
  const events = [opAt(1), watermark, opAt(2)];

  test("takes the events that the header names", () => {
    const { header } = chunkAfter(null, events).header;
    expect(checkChunk(header, bytesOf(events), null)).toEqual({ ok: true, value: events });
    expect(verdict([watermark])).toBe("ok");
  });

  test("refuses another root, another count and other offsets", () => {
    expect(verdict(events, { root: hash })).toBe("root");
    expect(verdict(events, { eventCount: 2 })).toBe("count");
    expect(verdict(events, { eventCount: 4 })).toBe("count");
    expect(verdict(events, { firstOffset: offset(2) })).toBe("offsets");
    expect(verdict(events, { nextOffset: offset(4) })).toBe("offsets");
    expect(verdict(events, { nextOffset: offset(2) })).toBe("offsets");
    expect(verdict([opAt(1), opAt(3)])).toBe("offsets");
    expect(verdict([opAt(1), opAt(1)])).toBe("offsets");
    expect(verdict([watermark], { nextOffset: offset(2) })).toBe("offsets");
  });

  test("refuses bytes that are no events, and more than 1 MiB of them", () => {
    const { header } = chunkAfter(null, events).header;
    expect(checkChunk(header, new Uint8Array(0), null)).toEqual({ ok: false, error: "bytes" });
    const cut = bytesOf(events).subarray(1);
    expect(checkChunk(header, cut, null).ok).toBe(false);
    const base = bytesOf([opAt(1)]).length;
    const filled = (bytes: number): ChunkEvent => {
      const op = opAt(1);
      return op.kind === "op"
        ? { ...op, data: new Uint8Array(op.data.length + bytes - base) }
        : expect.unreachable("an op");
    };
    expect(verdict([filled(BLOB_BYTES_MAX)])).toBe("ok");
    expect(verdict([filled(BLOB_BYTES_MAX + 1)])).toBe("bytes");
  });

  test("[C6] wants an epoch to open as its record says", () => {
    const inherited = { height: height(3), hash, epoch: epoch(0) };
    const first = firstOffset(epoch(1), inherited, offset(6));
    const start: StartPoint = { inherited, keepThrough: offset(6), firstOffset: first };
    const opens = (event: ChunkEvent, ...rest: ChunkEvent[]) =>
      verdict(
        [event, ...rest],
        { firstOffset: first, nextOffset: offset(first + 1 + rest.length) },
        start,
      );
    expect(opens(rollbackAt(first, 6))).toBe("ok");
    expect(opens(rollbackAt(first, 6), opAt(first + 1))).toBe("ok");
    expect(opens(rollbackAt(first, 5))).toBe("opening");
    expect(opens(opAt(first))).toBe("opening");
  });

  test("answers any bytes", () => {
    const { header } = chunkAfter(null, events).header;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(checkChunk(header, bytes, null).ok).toBe(false);
      }),
    );
  });
});

describe("what of a chunk matters later", () => {
  test("is the last seal that names a state, and the head there", () => {
    const events = [opAt(5), seal(hash), opAt(6), seal(ZERO_HASH)];
    expect(landmarksOf(events, offset(5))).toEqual({
      ...{ seal: { stateHash: hash, after: 5 }, keepThrough: null },
    });
    expect(landmarksOf([seal(hash)], offset(5)).seal?.after).toBe(4);
    expect(landmarksOf([opAt(5)], offset(5))).toEqual({ seal: null, keepThrough: null });
  });

  test("is the lowest offset that its rollbacks keep, and no seal before them", () => {
    const events = [seal(hash), rollbackAt(5, 3), rollbackAt(6, 2), rollbackAt(7, 6)];
    expect(landmarksOf(events, offset(5))).toEqual({ seal: null, keepThrough: 2 });
    expect(landmarksOf([...events, seal(hash)], offset(5)).seal).toEqual({
      stateHash: hash,
      after: 7,
    });
  });
});
