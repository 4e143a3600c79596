/** The lane on a real database: genesis, inclusion, frames and closings. */

import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/types/hex.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { loadWireBatch } from "../../src/durable-objects/sequencer/storage/inclusion.ts";
import {
  addInput,
  closeBatch,
  count,
  deposit,
  found,
  foundWithUsers,
  GENESIS_BLOCK,
  observe,
  submitMany,
  transfer,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";

type Sealed = { nonce: number; payload_hash: ArrayBuffer; payload_bytes: number };

function sealed(rig: Rig): readonly Sealed[] {
  return rig.sql
    .exec<Sealed>(
      "SELECT nonce, payload_hash, payload_bytes FROM valid_closed_batches ORDER BY nonce",
    )
    .toArray();
}

const frames = (rig: Rig): readonly (readonly [number, number, number])[] =>
  rig.sql
    .exec<{ b: number; f: number; s: number }>(
      `SELECT batch_index AS b, frame_in_batch AS f, safe_block AS s FROM frames
       ORDER BY batch_index, frame_in_batch`,
    )
    .toArray()
    .map(({ b, f, s }) => [b, f, s]);

const offsets = (rig: Rig) => rig.published.map((record) => record.offset as number);

describe("genesis", () => {
  test("[S5] the root frame is at the safe head and drains every direct input up to it", () =>
    withRig((rig) => {
      for (const block of [3, 50, GENESIS_BLOCK]) deposit(rig, user(0), 10n, block);
      deposit(rig, user(0), 10n, GENESIS_BLOCK + 1);
      found(rig);
      expect(frames(rig)).toEqual([[0, 0, GENESIS_BLOCK]]);
      expect(rig.published.map((record) => [record.kind, record.offset])).toEqual([
        ["direct_input", 1],
        ["direct_input", 2],
        ["direct_input", 3],
      ]);
      expect(rig.live().state.progress()).toMatchObject({ executedInputCount: 3 });
    }));

  test("[F1] with nothing to drain the first op takes offset 1", () =>
    withRig(async (rig) => {
      found(rig);
      deposit(rig, user(0), 10n ** 9n, GENESIS_BLOCK + 1);
      expect(rig.published).toEqual([]);
      observe(rig, GENESIS_BLOCK + 5);
      rig.lane.advance();
      expect(await rig.lane.submit(transfer(0, 0))).toMatchObject({
        ok: true,
        value: { offset: 2 },
      });
    }));

  test("[N18] a second genesis is refused and leaves the first as it was", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const before = rig.live().state.snapshot();
      const { safeBlock } = rig.live().head;
      expect(() => rig.lane.genesis(safeBlock, new Uint8Array(16).fill(9))).toThrow();
      expect(rig.live().state.snapshot()).toEqual(before);
      expect(count(rig, "batches")).toBe(1);
    }));
});

describe("inclusion", () => {
  test("[I1] offsets are consecutive, the batch and the fee are the open frame's", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 2);
      const outcomes = [...(await submitMany(rig, 0, 0, 3)), ...(await submitMany(rig, 1, 0, 2))];
      expect(outcomes).toEqual(
        [3, 4, 5, 6, 7].map((offset) => ({
          ok: true,
          value: { offset, batchNonce: 0, frameFee: 1060 },
        })),
      );
      expect(offsets(rig)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    }));

  test("[I1] including an op does not close its frame", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 3);
      expect(frames(rig)).toEqual([[0, 0, GENESIS_BLOCK]]);
      expect(sealed(rig)).toEqual([]);
    }));

  test("[I1] fee before nonce before balance", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const message = async (op: Parameters<typeof rig.lane.submit>[0]) => {
        const outcome = await rig.lane.submit(op);
        return outcome.ok ? "ok" : outcome.error.message;
      };
      const poor = { ...transfer(3, 0), sender: user(9) };
      expect([
        await message({ ...poor, nonce: 4, maxFee: 1059 }),
        await message({ ...poor, nonce: 4, maxFee: 1060 }),
        await message({ ...poor, nonce: 0, maxFee: 1060 }),
      ]).toEqual([
        "max fee 1059 below base fee 1060",
        "bad nonce: expected 0, got 4",
        "insufficient balance for fee: required 3824, available 0",
      ]);
      expect(count(rig, "user_ops")).toBe(0);
    }));

  test("[I1] an op beside refused ones of its group is included", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const outcomes = await Promise.all(
        [transfer(0, 5), transfer(0, 0), transfer(0, 7), transfer(0, 1)].map((op) =>
          rig.lane.submit(op),
        ),
      );
      expect(outcomes.map((outcome) => outcome.ok)).toEqual([false, true, false, true]);
      expect(count(rig, "user_ops")).toBe(2);
    }));
});

describe("frames", () => {
  test("[S5] 4 blocks open none, 5 do, and a long way is one frame at the head", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      for (const ahead of [4, 5, 9, 42]) {
        observe(rig, GENESIS_BLOCK + ahead);
        rig.lane.advance();
        rig.lane.advance();
      }
      expect(frames(rig)).toEqual([
        [0, 0, GENESIS_BLOCK],
        [0, 1, GENESIS_BLOCK + 5],
        [0, 2, GENESIS_BLOCK + 42],
      ]);
    }));

  test("[S5] every covered direct input goes into the new frame, before its ops", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 1);
      for (const block of [101, 101, 104, 106, 107]) deposit(rig, user(1), 10n ** 9n, block);
      observe(rig, 106);
      rig.lane.advance();
      await submitMany(rig, 1, 0, 1);
      const placed = rig.sql
        .exec<{ o: number; f: number; i: number | null }>(
          `SELECT offset AS o, frame_in_batch AS f, safe_input_index AS i FROM sequenced_l2_txs`,
        )
        .toArray();
      expect(placed.map(({ o, f, i }) => [o, f, i])).toEqual([
        [1, 0, 0],
        [2, 0, null],
        [3, 1, 1],
        [4, 1, 2],
        [5, 1, 3],
        [6, 1, 4],
        [7, 1, null],
      ]);
    }));

  test("[N11] own batches are passed over: no offset, no execution", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      const { submitter } = rig.runtime.config;
      addInput(rig, submitter, Uint8Array.of(1), 101);
      deposit(rig, user(1), 3n, 102);
      addInput(rig, submitter, Uint8Array.of(2), 103);
      observe(rig, 110);
      rig.lane.advance();
      expect(rig.published.slice(1)).toMatchObject([{ kind: "direct_input", inputIndex: 2 }]);
      expect(rig.live().state.progress()).toMatchObject({
        executedInputCount: 2,
        lastExecutedSafeBlock: 102,
      });
    }));

  test("[S3] a frame takes the recommended fee of the moment it opens", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      rig.sql.exec("UPDATE batch_policy SET log_gas_price = 10");
      expect(await rig.lane.submit(transfer(0, 0))).toMatchObject({ value: { frameFee: 1060 } });
      observe(rig, 105);
      rig.lane.advance();
      expect(await rig.lane.submit(transfer(0, 1))).toMatchObject({ value: { frameFee: 1070 } });
    }));
});

describe("[S6] a batch closes", () => {
  const LINGER_MS = 600_000;
  const AGE_MS = 7_200_000;

  test("by linger after its first op, not a millisecond before", () =>
    withRig(async (rig) => {
      found(rig);
      deposit(rig, user(0), 10n ** 9n, GENESIS_BLOCK + 1);
      rig.nowMs += 1_000;
      observe(rig, GENESIS_BLOCK + 5);
      rig.lane.advance();
      closeBatch(rig);
      rig.nowMs += 5_000;
      await rig.lane.submit(transfer(0, 0));
      const first = rig.nowMs;
      rig.nowMs = first + LINGER_MS - 1;
      await rig.lane.submit(transfer(0, 1));
      rig.lane.advance();
      expect(rig.lane.nextCloseAtMs()).toBe(first + LINGER_MS);
      expect(sealed(rig)).toHaveLength(1);
      rig.nowMs += 1;
      rig.lane.advance();
      expect(sealed(rig)).toHaveLength(2);
    }));

  test("by linger after its first drained direct input", () =>
    withRig((rig) => {
      found(rig);
      deposit(rig, user(0), 1n, GENESIS_BLOCK + 1);
      rig.nowMs += 1_000;
      observe(rig, GENESIS_BLOCK + 5);
      rig.lane.advance();
      rig.nowMs += LINGER_MS - 1;
      rig.lane.advance();
      expect(sealed(rig)).toHaveLength(0);
      rig.nowMs += 1;
      rig.lane.advance();
      expect(sealed(rig)).toHaveLength(1);
    }));

  test("by age even if it is empty, and not a millisecond before", () =>
    withRig((rig) => {
      found(rig);
      rig.nowMs += AGE_MS - 1;
      rig.lane.advance();
      expect([sealed(rig).length, rig.lane.nextCloseAtMs()]).toEqual([0, rig.nowMs + 1]);
      rig.nowMs += 1;
      rig.lane.advance();
      expect(sealed(rig)).toHaveLength(1);
      expect(frames(rig)).toEqual([
        [0, 0, GENESIS_BLOCK],
        [1, 0, GENESIS_BLOCK],
      ]);
    }));

  test("by its real SSZ size: the op that reaches the target is the last", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      const target = rig.live().targetBytes;
      const opBytes = 4 + 14 + 65 + 53;
      const fitting = Math.ceil((target - 30) / opBytes);
      const outcomes = await submitMany(rig, 0, 0, fitting + 1);
      const nonces = outcomes.map((outcome) => outcome.ok && outcome.value.batchNonce);
      expect(nonces).toEqual([...Array.from({ length: fitting }, () => 0), 1]);
      expect(sealed(rig)).toMatchObject([{ nonce: 0, payload_bytes: 30 + fitting * opBytes }]);
      expect(30 + (fitting - 1) * opBytes).toBeLessThan(target);
    }));

  test("and its hash is of the bytes that will be sent", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 200);
      closeBatch(rig);
      const all = sealed(rig);
      expect(all.length).toBeGreaterThan(2);
      for (const [index, { payload_hash, payload_bytes, nonce }] of all.entries()) {
        const bytes = encodeBatch(loadWireBatch(rig.sql, index));
        expect([nonce, payload_bytes]).toEqual([index, bytes.length]);
        expect(toHex(rig.runtime.keccak(bytes))).toBe(toHex(new Uint8Array(payload_hash)));
      }
    }));

  test("and the next one opens at the unchanged block with the policy of now", () =>
    withRig((rig) => {
      found(rig);
      observe(rig, GENESIS_BLOCK + 4);
      rig.sql.exec("UPDATE batch_policy SET log_gas_price = 10, log_max_batch_bytes = 1330");
      closeBatch(rig);
      expect(rig.live().head).toMatchObject({
        batchIndex: 1,
        batchNonce: 1,
        frame: 0,
        fee: 1070,
        safeBlock: GENESIS_BLOCK,
      });
    }));
});
