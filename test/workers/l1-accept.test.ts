/** What the reader makes of our own landings: accepted, skipped, or a divergence for ever. */

import { describe, expect, test, vi } from "vitest";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { transaction } from "../../src/durable-objects/sequencer/status.ts";
import {
  divergedAtNonce,
  frontierNonce,
} from "../../src/durable-objects/sequencer/storage/acceptance.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { type Chain, SUBMITTER_KEY, startChain } from "./support/chain.ts";
import { closeBatch, count, submitMany, user } from "./support/history.ts";
import { bytesOf, postOnce, readOnce, settle, withChain } from "./support/l1-rig.ts";
import { type Rig, withRig } from "./support/rig.ts";

const land = (rig: Rig, chain: Chain, payload: Uint8Array) =>
  chain.addInput(rig.runtime.config.submitter, payload);

const divergence = (rig: Rig) =>
  rig.sql.exec("SELECT nonce, safe_input_index, kind FROM canonical_divergence").toArray();

const landings = (rig: Rig) =>
  rig.sql
    .exec<{ i: number; kept: number; nonce: number | null }>(
      `SELECT s.safe_input_index AS i, s.payload IS NOT NULL AS kept, a.nonce AS nonce
       FROM safe_inputs s LEFT JOIN safe_accepted_batches a USING (safe_input_index)
       WHERE s.safe_input_index > 2 ORDER BY i`,
    )
    .toArray()
    .map(({ i, kept, nonce }) => [i, kept === 1, nonce]);

/** Batches 0 and 1 sealed, 2 open. */
async function sealTwo(rig: Rig): Promise<void> {
  await submitMany(rig, 0, 0, 2);
  closeBatch(rig);
  await submitMany(rig, 0, 2, 2);
  closeBatch(rig);
}

describe("an own landing", () => {
  test("[R4] with the sealed bytes is accepted, and its bytes are not kept twice", () =>
    withChain(async (rig, chain) => {
      await sealTwo(rig);
      expect(transaction(rig.runtime, user(0), 0)).toMatchObject({ value: { state: "ordered" } });
      expect(await postOnce(rig, chain)).toMatchObject({ ok: true, value: { sent: 2 } });
      expect(transaction(rig.runtime, user(0), 0)).toMatchObject({ value: { state: "posted" } });
      await settle(rig, chain);
      expect(landings(rig)).toEqual([
        [3, false, 0],
        [4, false, 1],
      ]);
      expect(frontierNonce(rig.sql)).toBe(2);
      expect(transaction(rig.runtime, user(0), 3)).toMatchObject({
        value: { state: "settled", batch_nonce: 1, l1: { block_number: expect.any(Number) } },
      });
      expect(rig.published).toHaveLength(7);
    }));

  test("[S2] that does not decode, is early or comes again is skipped and kept", () =>
    withChain(async (rig, chain) => {
      await sealTwo(rig);
      const [zero, one] = [bytesOf(rig, 0), bytesOf(rig, 1)];
      for (const payload of [Uint8Array.of(1, 2), one, zero, zero, one]) {
        await land(rig, chain, payload);
      }
      await settle(rig, chain);
      expect(landings(rig)).toEqual([
        [3, true, null],
        [4, true, null],
        [5, false, 0],
        [6, true, null],
        [7, false, 1],
      ]);
      expect(divergence(rig)).toEqual([]);
    }));

  test("[S4] at 1199 blocks is accepted, at 1200 it is stale and keeps the nonce", () =>
    withChain(async (rig, chain) => {
      await sealTwo(rig);
      const first = rig.live().head.safeBlock;
      await chain.mine(first + 1_199 - (await chain.head()) - 1);
      await land(rig, chain, bytesOf(rig, 0));
      await land(rig, chain, bytesOf(rig, 1));
      await settle(rig, chain);
      expect(landings(rig)).toEqual([
        [3, false, 0],
        [4, true, null],
      ]);
      expect([frontierNonce(rig.sql), divergence(rig)]).toEqual([1, []]);
    }));

  test("[N11] of ours that is no batch is not drained either", () =>
    withChain(async (rig, chain) => {
      await land(rig, chain, Uint8Array.of(1));
      await chain.mine(8);
      await settle(rig, chain);
      rig.lane.advance();
      expect(rig.live().head.frame).toBe(1);
      expect(rig.published).toHaveLength(3);
    }));
});

describe("[R4] a landing that the scheduler accepts and that is not ours", () => {
  const foreign = (nonce: number) => encodeBatch({ nonce: BigInt(nonce), frames: [] });

  test("where nothing is sealed is foreign; where something is, a mismatch", async () => {
    await withChain(async (rig, chain) => {
      await land(rig, chain, foreign(0));
      await settle(rig, chain);
      expect(divergence(rig)).toEqual([{ nonce: 0, safe_input_index: 3, kind: "foreign" }]);
    });
    await withChain(async (rig, chain) => {
      await sealTwo(rig);
      await land(rig, chain, bytesOf(rig, 0));
      await land(rig, chain, foreign(1));
      await settle(rig, chain);
      expect(divergence(rig)).toEqual([{ nonce: 1, safe_input_index: 4, kind: "mismatch" }]);
      expect(frontierNonce(rig.sql)).toBe(1);
    });
  });

  test("[N15] freezes the frontier, the batches and the posting, while L1 is still read", () =>
    withChain(async (rig, chain) => {
      await sealTwo(rig);
      await land(rig, chain, foreign(0));
      await settle(rig, chain);
      for (const index of [0, 1]) await land(rig, chain, bytesOf(rig, index));
      await land(rig, chain, foreign(1));
      await chain.deposit(user(1), 4n);
      await chain.mine(10);
      await settle(rig, chain);
      expect(count(rig, "safe_inputs")).toBe(8);
      expect(divergence(rig)).toEqual([{ nonce: 0, safe_input_index: 3, kind: "mismatch" }]);
      expect([frontierNonce(rig.sql), count(rig, "safe_accepted_batches")]).toEqual([0, 0]);
      rig.recovery.synced();
      expect([rig.service.derive(), rig.service.refusal]).toEqual([
        "refused",
        "canonical-divergence",
      ]);
      const frozen = [count(rig, "batches"), count(rig, "frames"), count(rig, "chunks")];
      closeBatch(rig);
      expect([count(rig, "batches"), count(rig, "frames"), count(rig, "chunks")]).toEqual(frozen);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: true, value: { sent: 0 } });
      expect(count(rig, "submissions")).toBe(0);
    }));

  test("[R5] before the genesis: nothing is founded behind what a lost database posted", async () => {
    const chain = await startChain();
    await withRig(
      async (rig) => {
        await land(rig, chain, foreign(0));
        await chain.mine(2);
        // The rig founds without asking; the database refuses what the duty does not even try.
        await expect(readOnce(rig, chain)).rejects.toThrow("R5");
        expect(divergence(rig)).toEqual([]);
        expect([rig.service.derive(), rig.service.refusal]).toEqual([
          "refused",
          "previous-instance",
        ]);
        expect([count(rig, "history"), count(rig, "batches")]).toEqual([0, 0]);
      },
      { vars: chain.vars, nowMs: Date.now() },
    );
  });

  test("[N15] takes no op from the moment it is stored, though its tick goes on", () =>
    withChain(async (rig, chain) => {
      const timeout = AbortSignal.timeout.bind(AbortSignal);
      vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout(1_000));
      await sealTwo(rig);
      rig.nowMs = Date.now();
      rig.recovery.synced();
      expect(rig.service.derive()).toBe("serving");
      // Batches are closed, so the tick posts after it has read; there it hangs.
      await chain.fail([{ method: "eth_feeHistory", fault: { kind: "hang" } }]);
      await land(rig, chain, foreign(0));
      await chain.mine(2);
      const submitter = createSubmitter(SUBMITTER_KEY);
      const ticking = new Duties({ ...rig, submitter }).tick();
      while (divergedAtNonce(rig.sql) === null) await chain.head();
      // The clock stands still: no answer of before has expired.
      expect(rig.service.mode()).toBe("refused");
      await ticking;
      vi.restoreAllMocks();
    }));
});
