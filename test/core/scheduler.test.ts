/**
 * The canonical fold, case by case: the names of P§11.1 and the machine's list of P§11.2 by meaning.
 *
 * The machine emits a report for `batch-rejected` and stays silent for every other outcome.
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { describe, expect, test } from "vitest";
import { type Address, fromHex } from "../../src/core/types/hex.ts";
import type { WireUserOp } from "../../src/core/wire/batch.ts";
import { addressOfPublicKey, recoverAddress } from "../../src/core/wire/signature.ts";
import { domainSeparator, userOpDigest } from "../../src/core/wire/user-op.ts";
import { frame, newFold, op, rejected } from "../support/fold.ts";
import { APP, CHAIN_ID, SEQUENCER, symbolicOp } from "../support/l1-ledger.ts";
import { STRANGERS, USERS } from "../support/l1-stream.ts";

const [STRANGER = SEQUENCER] = STRANGERS;
const [USER = SEQUENCER] = USERS;

describe("order", () => {
  test("[S2] a frame drains the direct inputs it covers before its ops", () => {
    const fold = newFold();
    fold.direct(10, "aa");
    fold.direct(11, "bb");
    const { executed } = fold.batch(20, 0n, [frame(11, [op(0, "01")]), frame(12, [op(1, "02")])]);
    expect(fold.names(executed)).toEqual(["aa", "bb", "op 01", "op 02"]);
  });

  test("[S2] draining is inclusive of the frame's block and leaves the next block", () => {
    const fold = newFold();
    for (const block of [10, 11, 12]) fold.direct(block, `${block}`);
    const { executed } = fold.batch(20, 0n, [frame(11, [op(0, "01")]), frame(12)]);
    expect(fold.names(executed)).toEqual(["10", "11", "op 01", "12"]);
  });

  test("[S2] an overdue direct input runs before the batch and its ops", () => {
    const fold = newFold();
    fold.direct(10, "aa");
    const { executed, outcome } = fold.batch(1_210, 0n, [frame(1_205, [op(0, "01")])]);
    expect(outcome).toEqual({ kind: "batch-executed", nonce: 0 });
    expect(fold.names(executed)).toEqual(["aa", "op 01"]);
    expect(fold.state.progress().lastExecutedSafeBlock).toBe(1_205);
  });

  test.each([
    { at: 1_209, runs: [] },
    { at: 1_210, runs: ["aa", "bb"] },
  ])("[S2] at block $at of direct inputs of block 10: $runs", ({ at, runs }) => {
    const fold = newFold();
    fold.direct(10, "aa");
    fold.direct(10, "bb");
    fold.direct(11, "cc");
    expect(fold.names(fold.direct(at, "dd").executed)).toEqual(runs);
  });

  test("[S2] overdue direct inputs run on any input, a malformed one too", () => {
    const malformed = newFold();
    malformed.direct(10, "aa");
    const processed = malformed.bytes(1_210, "ffeedd");
    expect(processed.outcome).toEqual(rejected({ reason: "decode-failed" }));
    expect(malformed.names(processed.executed)).toEqual(["aa"]);
    // What ran has run, though the input was dropped.
    expect(malformed.names(malformed.batch(1_211, 0n, [frame(1_211)]).executed)).toEqual([]);
  });

  test("[S2] a direct input is queued, not looked into and not run", () => {
    const fold = newFold();
    const processed = fold.batchFrom(STRANGER, 10, 0n, [frame(9, [op(0, "01")])]);
    expect(processed).toEqual({ outcome: { kind: "direct-enqueued" }, executed: [], outputs: [] });
    const { executed } = fold.batch(11, 0n, [frame(10)]);
    expect(executed).toMatchObject([
      { kind: "direct", input: { sender: STRANGER, blockNumber: 10 } },
    ]);
  });

  test("[S2] each execution is described, and the application saw the same", () => {
    const fold = newFold();
    fold.direct(10, "aa");
    const { executed } = fold.batch(20, 0n, [frame(9), frame(15, [op(5, "0f"), op(0, "01")], 7)]);
    const input = { sender: STRANGER, blockNumber: 10, payload: fromHex("0xaa") };
    const ran = { sender: USER, nonce: 0, fee: 7, safeBlock: 15, data: fromHex("0x01") };
    expect(executed).toEqual([
      { kind: "direct", input },
      { kind: "user-op", batchNonce: 0, frame: 1, op: 1, ...ran },
    ]);
    expect(fold.state.log).toEqual([
      { kind: "direct", input },
      { kind: "user-op", ...ran },
    ]);
  });
});

describe("batches", () => {
  test("[S2] what does not decode is rejected and keeps the nonce", () => {
    const fold = newFold();
    expect(fold.bytes(10, "ffeedd").outcome).toEqual(rejected({ reason: "decode-failed" }));
    expect(fold.batch(10, 0n, []).outcome).toEqual({ kind: "batch-executed", nonce: 0 });
  });

  test.each([0n, 2n, 2n ** 53n + 1n, 2n ** 64n - 1n])(
    "[S2] nonce %s where 1 is expected is rejected and keeps the nonce",
    (got) => {
      const fold = newFold();
      fold.batch(10, 0n, []);
      const why = { reason: "wrong-nonce", expected: 1n, got } as const;
      expect(fold.batch(10, got, [frame(10, [op(0, "01")])]).outcome).toEqual(rejected(why));
      expect(fold.state.log).toEqual([]);
      expect(fold.batch(10, 1n, []).outcome).toEqual({ kind: "batch-executed", nonce: 1 });
    },
  );

  test("[S4] a batch without frames does nothing, is never stale and uses its nonce", () => {
    const fold = newFold();
    const processed = fold.batch(1_000_000, 0n, []);
    expect(processed).toEqual({
      outcome: { kind: "batch-executed", nonce: 0 },
      executed: [],
      outputs: [],
    });
    expect(fold.batch(1_000_000, 0n, []).outcome).toMatchObject({ kind: "batch-rejected" });
  });

  test.each([
    { block: 1_299, kind: "batch-executed" },
    { block: 1_300, kind: "batch-skipped-stale" },
  ])("[S4] a first frame at 100 in block $block: $kind", ({ block, kind }) => {
    const fold = newFold();
    const { outcome, executed } = fold.batch(block, 0n, [frame(100), frame(block, [op(0, "01")])]);
    expect(outcome).toEqual({ kind, nonce: 0 });
    expect(executed).toHaveLength(kind === "batch-executed" ? 1 : 0);
  });

  test("[S4] a stale batch does not consume the nonce", () => {
    const fold = newFold();
    // P§11.2: block 1201, safe block 1.
    expect(fold.batch(1_201, 0n, [frame(1)]).outcome.kind).toBe("batch-skipped-stale");
    const outcome = { kind: "batch-executed", nonce: 0 };
    expect(fold.batch(1_202, 0n, [frame(1_202)]).outcome).toEqual(outcome);
  });

  test.each([
    { clocks: [8, 7], block: 10, reason: "non-monotonic-safe-blocks" },
    { clocks: [7, 8, 7], block: 10, reason: "non-monotonic-safe-blocks" },
    { clocks: [11], block: 10, reason: "safe-block-above-inclusion-block" },
    { clocks: [8, 11], block: 10, reason: "safe-block-above-inclusion-block" },
    // The first fault in frame order decides.
    { clocks: [8, 7, 11], block: 10, reason: "non-monotonic-safe-blocks" },
    { clocks: [8, 11, 7], block: 10, reason: "safe-block-above-inclusion-block" },
    // Structure comes before staleness.
    { clocks: [8, 7], block: 5_000, reason: "non-monotonic-safe-blocks" },
  ])("[S2] clocks $clocks in block $block: $reason", ({ clocks, block, reason }) => {
    const fold = newFold();
    const frames = clocks.map((clock, i) => frame(clock, [op(i, "01")]));
    const { outcome, executed } = fold.batch(block, 0n, frames);
    expect(outcome).toEqual({ kind: "batch-rejected", why: { reason } });
    expect(executed).toEqual([]);
    expect(fold.batch(block, 0n, []).outcome).toEqual({ kind: "batch-executed", nonce: 0 });
  });

  test.each([[[7, 7]], [[10]], [[0, 10, 10]]])(
    "[S2] clocks %j in block 10 are in order",
    (clocks) => {
      const frames = clocks.map((clock) => frame(clock));
      expect(newFold().batch(10, 0n, frames).outcome.kind).toBe("batch-executed");
    },
  );

  test.each([2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n])(
    "[S7] a clock of %s is above every block and rejected as such",
    (safeBlock) => {
      for (const before of [[], [frame(5)]]) {
        const { outcome } = newFold().batch(10, 0n, [...before, { ...frame(0), safeBlock }]);
        expect(outcome).toEqual(rejected({ reason: "safe-block-above-inclusion-block" }));
      }
    },
  );

  test("[S2] the checks come as decode, nonce, empty, clocks, staleness", () => {
    const fold = newFold();
    const outcomes = [
      fold.batch(5_000, 1n, [frame(9_000)]),
      fold.batch(5_000, 1n, []),
      fold.batch(5_000, 0n, [frame(9_000)]),
      fold.batch(5_000, 0n, [frame(1)]),
      fold.batch(5_000, 0n, []),
    ].map(({ outcome }) => (outcome.kind === "batch-rejected" ? outcome.why.reason : outcome.kind));
    expect(outcomes).toEqual([
      "wrong-nonce",
      "wrong-nonce",
      "safe-block-above-inclusion-block",
      "batch-skipped-stale",
      "batch-executed",
    ]);
  });
});

describe("ops", () => {
  const sign = (key: Uint8Array, app: Address, data: string): WireUserOp => {
    const content = { nonce: 0, maxFee: 20, data: fromHex(data) };
    const separator = domainSeparator({ chainId: CHAIN_ID, verifyingContract: app });
    const made = secp256k1.sign(userOpDigest(separator, content), key, {
      prehash: false,
      format: "recovered",
    });
    return { ...content, signature: Uint8Array.of(...made.subarray(1), 27 + (made[0] ?? 0)) };
  };
  const key = new Uint8Array(32).fill(7);
  const signer = addressOfPublicKey(secp256k1.getPublicKey(key, false));
  const senders = (ops: readonly WireUserOp[]): readonly unknown[] => {
    const fold = newFold({ recover: recoverAddress });
    const { executed } = fold.batch(10, 0n, [frame(10, ops)]);
    return executed.map((entry) => (entry.kind === "user-op" ? entry.sender : entry.kind));
  };

  test("[S2] the recovered signer is the sender", () => {
    expect(senders([sign(key, APP, "0x01")])).toEqual([signer]);
  });

  test("[S2] an op signed for another application is another sender's", () => {
    const [sender] = senders([sign(key, USER, "0x01")]);
    expect(sender).not.toBe(signer);
  });

  test("[S2] each input's own chain and application are the domain", () => {
    const fold = newFold({ recover: recoverAddress });
    const signed = sign(key, USER, "0x01");
    const processed = [APP, USER, APP].map((app, i) =>
      fold.batchFor(app, 10, BigInt(i), [frame(10, [signed])]),
    );
    const byDomain = processed.map(({ executed }) =>
      executed.map((entry) => entry.kind === "user-op" && entry.sender === signer),
    );
    // The stranger that the wrong domain recovers is new the first time and at nonce 1 the second.
    expect(byDomain).toEqual([[false], [true], []]);
  });

  test("[S2] a signature that recovers nobody skips the op and nothing else", () => {
    const good = sign(key, APP, "0x01");
    const spoilt = [
      new Uint8Array(),
      good.signature.subarray(0, 64),
      Uint8Array.of(...good.signature, 0),
      Uint8Array.of(...good.signature.subarray(0, 64), 2),
      new Uint8Array(65),
    ].map((signature) => ({ ...good, signature }));
    expect(senders([...spoilt, good])).toEqual([signer]);
  });

  test.each([
    { maxFee: 9, runs: 0 },
    { maxFee: 10, runs: 1 },
  ])("[S3] max fee $maxFee in a frame at 10: $runs executed", ({ maxFee, runs }) => {
    const signed = symbolicOp(USER, { nonce: 0, maxFee, data: new Uint8Array() });
    const fold = newFold();
    const { executed, outcome } = fold.batch(10, 0n, [frame(10, [signed], 10)]);
    expect(executed).toHaveLength(runs);
    expect(outcome.kind).toBe("batch-executed");
    expect(fold.state.nextNonce(USER)).toBe(runs);
  });

  test("[S2] an op that the application refuses uses nothing, and later ones go on", () => {
    const fold = newFold();
    const ops = [op(1, "01"), op(0, "02"), op(0, "03"), op(1, "04")];
    expect(fold.names(fold.batch(10, 0n, [frame(10, ops)]).executed)).toEqual(["op 02", "op 04"]);
  });
});
