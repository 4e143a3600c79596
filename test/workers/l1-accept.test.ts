/** What the reader makes of our own landings: accepted, skipped, or a divergence for ever. */

import { describe, expect, test } from "vitest";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { divergedAtNonce, frontierNonce } from "../../src/durable-objects/sequencer/storage/acceptance.ts";
import { transaction } from "../../src/durable-objects/sequencer/status.ts";
import type { Chain } from "./support/chain.ts";
import { closeBatch, count, submitMany, transfer, user } from "./support/history.ts";
import { bytesOf, l1Facts, postOnce, settle, withChain } from "./support/l1-rig.ts";
import { type Rig } from "./support/rig.ts";
import { serve } from "./support/serving.ts";

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
      rig.service.synced();
      expect([rig.service.derive(), rig.service.refusal]).toEqual(["refused", "canonical-divergence"]);
      const frozen = [count(rig, "batches"), count(rig, "frames"), count(rig, "chunks")];
      closeBatch(rig);
      expect([count(rig, "batches"), count(rig, "frames"), count(rig, "chunks")]).toEqual(frozen);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: true, value: { sent: 0 } });
      expect(count(rig, "submissions")).toBe(0);
    }));

  test("[N15] before the genesis: nothing is founded on it", () =>
    withChain(async (rig) => {
      // A database that was lost is not begun anew behind what its predecessor posted.
      expect(l1Facts(rig)).toBeDefined();
    }));

  test("[N15] takes no op from the moment it is stored", async () => {
    const { object, chain, sql, tickUntil } = await serve();
    expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true });
    await chain.addInput((await object.deployment()).ok ? submitterOf(await object.deployment()) : user(9), foreign(0));
    await chain.mine(2);
    let nonce = 1;
    // Posting is slow from here on, so that the tick goes on for long after it stored the divergence.
    await tickUntil(async () => {
      const outcome = await object.submit(transfer(0, nonce));
      const isDiverged = await sql((db) => divergedAtNonce(db) !== null);
      if (outcome.ok) nonce += 1;
      return isDiverged;
    });
    expect(await object.submit(transfer(0, nonce))).toMatchObject({
      ok: false,
      error: { status: 503, message: "sequencer refused" },
    });
    expect(await object.health()).toMatchObject({ status: "degraded", mode: "refused" });
  });
});

function submitterOf(deployment: unknown) {
  const { value } = deployment as { value: { submitter: string } };
  return value.submitter.toLowerCase() as ReturnType<typeof user>;
}
