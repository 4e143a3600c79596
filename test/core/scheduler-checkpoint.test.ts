/** A fold that stops and goes on elsewhere, drains at the end, or is over (P§3.3, P§3.7). */

import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/core/types/assert.ts";
import { batchNonce } from "../../src/core/types/units.ts";
import { direct, frame, newFold, op } from "../support/fold.ts";
import { SEQUENCER } from "../support/l1-ledger.ts";
import { recordingState } from "../support/recording-app.ts";

describe("going on elsewhere", () => {
  test("a fold without inputs keeps its nonce", () => {
    const checkpoint = { nextBatchNonce: batchNonce(5), fridge: [] };
    expect(newFold({ checkpoint }).checkpoint()).toEqual(checkpoint);
  });

  test("nonce 5 and three empty batches make 8", () => {
    const fold = newFold({ checkpoint: { nextBatchNonce: batchNonce(5), fridge: [] } });
    for (const nonce of [5n, 6n, 7n]) fold.batch(10, nonce, []);
    expect(fold.checkpoint().nextBatchNonce).toBe(8);
  });

  test("seeded direct inputs drain in order on the frame that covers them", () => {
    const fridge = [direct(5, "aa"), direct(6, "bb"), direct(9, "cc")];
    const fold = newFold({ checkpoint: { nextBatchNonce: batchNonce(3), fridge } });
    const { executed } = fold.batch(10, 3n, [frame(6), frame(10, [op(0, "01")])]);
    expect(fold.names(executed)).toEqual(["aa", "bb", "cc", "op 01"]);
  });

  test("what is left at the end drains through the last block, inclusive", () => {
    const fold = newFold();
    for (const block of [5, 6, 7]) fold.direct(block, `0${block}`);
    expect(fold.names(fold.drainThrough(4).executed)).toEqual([]);
    expect(fold.names(fold.drainThrough(6).executed)).toEqual(["05", "06"]);
    expect(fold.checkpoint().fridge).toEqual([direct(7, "07")]);
    expect(fold.names(fold.drainThrough(7).executed)).toEqual(["07"]);
    expect(fold.checkpoint().fridge).toEqual([]);
  });

  test("from its checkpoint a fold goes on as if it had never stopped", () => {
    const whole = newFold();
    const first = newFold();
    for (const fold of [whole, first]) {
      fold.batch(9, 0n, []);
      fold.direct(10, "aa");
      fold.direct(11, "bb");
    }
    const second = newFold({ checkpoint: first.checkpoint(), state: first.state });
    const processed = [whole, second].map((fold) => fold.batch(20, 1n, [frame(10), frame(11)]));
    expect(processed[1]).toEqual(processed[0]);
    expect(second.state.log).toEqual(whole.state.log);
    expect(second.checkpoint()).toEqual(whole.checkpoint());
  });

  test("a queue of thousands keeps its order while its dead front is cut off", () => {
    const fold = newFold();
    const names = Array.from({ length: 5_000 }, (_, i) => i.toString(16).padStart(4, "0"));
    // Five in a block, so that none gets overdue while the queue fills.
    for (const [i, name] of names.entries()) fold.direct(100 + Math.floor(i / 5), name);
    const seen: string[] = [];
    for (let block = 90; block < 1_200; block += 97) {
      seen.push(...fold.names(fold.drainThrough(block).executed));
      expect(fold.checkpoint().fridge).toHaveLength(5_000 - seen.length);
    }
    expect(seen).toEqual(names);
  });

  test("genesis asserts that nothing was executed", () => {
    const { state } = newFold();
    state.applyDirectInput(direct(1, "aa"));
    expect(() => newFold({ state })).toThrow(InvariantError);
    const checkpoint = { nextBatchNonce: batchNonce(0), fridge: [] };
    expect(newFold({ state, checkpoint }).checkpoint()).toEqual(checkpoint);
  });

  test.each([
    { what: "out of order", fridge: [direct(6, "aa"), direct(5, "bb")] },
    { what: "from the sequencer", fridge: [direct(5, "aa", SEQUENCER)] },
  ])("seeds $what are refused", ({ fridge }) => {
    const checkpoint = { nextBatchNonce: batchNonce(0), fridge };
    expect(() => newFold({ checkpoint })).toThrow(InvariantError);
  });

  test("a shorter wait is honoured on both sides", () => {
    const fold = newFold({ maxWaitBlocks: 10 });
    fold.direct(1, "aa");
    expect(fold.batch(10, 0n, [frame(0)]).outcome.kind).toBe("batch-skipped-stale");
    expect(fold.batch(10, 0n, [frame(1)]).outcome.kind).toBe("batch-executed");
    fold.direct(11, "bb");
    expect(fold.names(fold.direct(20, "cc").executed)).toEqual([]);
    expect(fold.names(fold.direct(21, "dd").executed)).toEqual(["bb"]);
  });
});

test("an application that fails is fatal: the error is the caller's and the fold is over", () => {
  const broken = {
    ...recordingState(),
    applyDirectInput: () => {
      throw new Error("no canonical successor");
    },
  };
  const fold = newFold({ state: broken });
  fold.direct(10, "aa");
  expect(() => fold.batch(11, 0n, [frame(10)])).toThrow("no canonical successor");
  expect(() => fold.batch(11, 0n, [])).toThrow(InvariantError);
  expect(() => fold.drainThrough(11)).toThrow(InvariantError);
  expect(() => fold.checkpoint()).toThrow(InvariantError);
});
