/** The lane's decisions and the steps of its head: both sides of every boundary. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CloseLimits,
  decideClose,
  isFrameDue,
  mustCloseBeforeFrame,
  mustCloseBeforeOp,
  nextCloseAtMs,
} from "../../src/core/lane/decide.ts";
import {
  drainDirect,
  type Head,
  includeOp,
  openBatch,
  openFrame,
} from "../../src/core/lane/head.ts";
import { decideThinning, type SnapshotFacts } from "../../src/core/lane/thinning.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { batchNonce, blockNumber, feeExponent, unixMs } from "../../src/core/types/units.ts";
import { encodeBatch, FRAME_BYTES, userOpBytes } from "../../src/core/wire/batch.ts";
import { size } from "../support/size.ts";

const fee = feeExponent(1060);
const frameAt = (block: number) => ({ fee, safeBlock: blockNumber(block) });
const genesis = (change: Partial<Head> = {}): Head => ({
  ...openBatch(null, batchNonce(0), frameAt(100), unixMs(1_000)),
  ...change,
});
const limits: CloseLimits = { targetBytes: 12_578, lingerMs: 2_000, maxOpenMs: 300_000 };

describe("frames", () => {
  test.each([
    { safeHead: 104, due: false },
    { safeHead: 105, due: true },
    { safeHead: 99, due: false },
  ])("[S5] safe head $safeHead over a frame at 100: due is $due", ({ safeHead, due }) => {
    expect(isFrameDue(genesis(), blockNumber(safeHead))).toBe(due);
  });

  test("[S5] a frame opens at the observed head and keeps the batch", () => {
    const head = openFrame(includeOp(genesis(), 53, unixMs(2_000)), frameAt(131));
    expect(head).toMatchObject({ batchIndex: 0, frame: 1, safeBlock: 131, opsInFrame: 0 });
  });

  test("[S5] a frame's clock never goes back", () => {
    expect(() => openFrame(genesis(), frameAt(99))).toThrow("frame clocks do not go back");
  });

  test("[S5] closing opens the next batch at the unchanged block", () => {
    const next = openBatch(
      genesis({ batchIndex: 7, batchNonce: batchNonce(3) }),
      batchNonce(0),
      frameAt(100),
      unixMs(9),
    );
    expect(next).toMatchObject({ batchIndex: 8, batchNonce: 4, frame: 0, safeBlock: 100 });
  });
});

describe("closing", () => {
  test.each([
    { batchBytes: 12_577, reason: null },
    { batchBytes: 12_578, reason: "size" },
  ])("[S6] at $batchBytes bytes: $reason", ({ batchBytes, reason }) => {
    const head = genesis({ batchBytes, firstContentAtMs: unixMs(1_000) });
    expect(decideClose(head, limits, unixMs(1_000))).toBe(reason);
  });

  test("[S6] a target below the bytes of an empty batch does not close it", () => {
    const tiny = { ...limits, targetBytes: 1 };
    expect(decideClose(genesis(), tiny, unixMs(1_000))).toBeNull();
    expect(decideClose(drainDirect(genesis(), unixMs(1_000)), tiny, unixMs(1_000))).toBe("size");
  });

  test.each([
    { nowMs: 6_999, reason: null },
    { nowMs: 7_000, reason: "linger" },
  ])("[S6] first op at 5 000 ms, now $nowMs: $reason", ({ nowMs, reason }) => {
    const head = includeOp(genesis(), 53, unixMs(5_000));
    expect(decideClose(head, limits, unixMs(nowMs))).toBe(reason);
  });

  test("[S6] a drained direct input starts the linger; a later op does not restart it", () => {
    const head = includeOp(drainDirect(genesis(), unixMs(5_000)), 53, unixMs(6_500));
    expect(decideClose(head, limits, unixMs(7_000))).toBe("linger");
  });

  test.each([
    { nowMs: 300_999, reason: null },
    { nowMs: 301_000, reason: "age" },
  ])("[S6] an empty batch opened at 1 000 ms, now $nowMs: $reason", ({ nowMs, reason }) => {
    expect(decideClose(genesis(), limits, unixMs(nowMs))).toBe(reason);
  });

  test("[S6] a clock that went back counts as no time", () => {
    const head = includeOp(genesis({ openedAtMs: unixMs(900_000) }), 1, unixMs(900_000));
    expect(decideClose(head, limits, unixMs(0))).toBeNull();
  });

  test("[S6] the next deadline is when closing becomes due", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.option(fc.nat(1_000_000)), (openedAt, firstAt) => {
        const head = genesis({
          openedAtMs: unixMs(openedAt),
          firstContentAtMs: firstAt === null ? null : unixMs(firstAt),
        });
        const at = nextCloseAtMs(head, limits);
        expect(decideClose(head, limits, at)).not.toBeNull();
        expect(decideClose(head, limits, unixMs(Math.max(0, at - 1)))).toBeNull();
      }),
      { numRuns: size(200, 10_000) },
    );
  });

  test("[S6] never above InputBox's maximum payload", () => {
    const room = INPUT_PAYLOAD_BYTES_MAX - userOpBytes(53);
    expect(mustCloseBeforeOp(genesis({ batchBytes: room }), 53)).toBe(false);
    expect(mustCloseBeforeOp(genesis({ batchBytes: room + 1 }), 53)).toBe(true);
    const frameRoom = INPUT_PAYLOAD_BYTES_MAX - FRAME_BYTES;
    expect(mustCloseBeforeFrame(genesis({ batchBytes: frameRoom }))).toBe(false);
    expect(mustCloseBeforeFrame(genesis({ batchBytes: frameRoom + 1 }))).toBe(true);
  });

  test("[S6] the head's size is the SSZ size of the batch that it describes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(200), { maxLength: 5 }), { minLength: 1, maxLength: 6 }),
        (frames) => {
          let head = genesis();
          for (const [i, ops] of frames.entries()) {
            if (i > 0) head = openFrame(head, frameAt(100 + i));
            for (const length of ops) head = includeOp(head, length, unixMs(1));
          }
          const batch = {
            nonce: 0n,
            frames: frames.map((ops, i) => ({
              safeBlock: BigInt(100 + i),
              feePrice: 1060,
              userOps: ops.map((length) => ({
                nonce: 0,
                maxFee: 0,
                data: new Uint8Array(length),
                signature: new Uint8Array(65),
              })),
            })),
          };
          expect(encodeBatch(batch).length).toBe(head.batchBytes);
        },
      ),
      { numRuns: size(100, 5_000) },
    );
  });
});

describe("thinning", () => {
  const snapshot = (snapshotId: number, change: Partial<SnapshotFacts> = {}): SnapshotFacts => ({
    snapshotId,
    l2TxIndex: snapshotId * 10,
    isVoid: false,
    isLeased: false,
    ...change,
  });
  const keep = { acceptedId: 3, finalizedId: 2, beyondMax: 8 };

  test("[V1] older than the newest accepted goes, but for the finalized and the leased", () => {
    const all = [
      snapshot(0, { isLeased: true }),
      snapshot(1),
      snapshot(2),
      snapshot(3),
      snapshot(4),
    ];
    expect(decideThinning(all, keep)).toEqual([1]);
    expect(decideThinning(all, { ...keep, finalizedId: null })).toEqual([1, 2]);
  });

  test("[V1] a void snapshot goes, wherever it stands", () => {
    expect(decideThinning([snapshot(3), snapshot(4, { isVoid: true }), snapshot(5)], keep)).toEqual(
      [4],
    );
  });

  test("[V1] beyond the newest accepted eight stay, the newest among them", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 4, max: 10_000 }), { maxLength: 40 }), (ids) => {
        const all = ids.sort((a, b) => a - b).map((id) => snapshot(id));
        const doomed = decideThinning(all, keep);
        expect(all.length - doomed.length).toBe(Math.min(8, all.length));
        expect(doomed).not.toContain(all.at(-1)?.snapshotId);
      }),
      { numRuns: size(100, 5_000) },
    );
  });
});
