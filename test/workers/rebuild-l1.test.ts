/** A rebuilt object and its L1: what it waits for, what it reads, what it never does again. */

import { describe, expect, test } from "vitest";
import { hash32 } from "../../src/core/types/hex.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { rollBackFrom } from "../../src/durable-objects/sequencer/rollback.ts";
import { frontierNonce } from "../../src/durable-objects/sequencer/storage/acceptance.ts";
import { loadHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { loadSafeHead } from "../../src/durable-objects/sequencer/storage/l1-inputs.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { type Chain, SUBMITTER_KEY, startChain } from "./support/chain.ts";
import { closeBatch, count, user } from "./support/history.ts";
import { postOnce, readOnce, settle, sync } from "./support/l1-rig.ts";
import { foldOf, upload } from "./support/rebuilding.ts";
import { type Rig, withRig } from "./support/rig.ts";
import { EACH, finalized } from "./support/snapshots.ts";

const empty = (nonce: number) => encodeBatch({ nonce: BigInt(nonce), frames: [] });

/** A batch of frames without ops: what was drained into them is what they execute. */
const covering = (nonce: number, safeBlock: number) =>
  encodeBatch({
    nonce: BigInt(nonce),
    frames: [{ userOps: [], safeBlock: BigInt(safeBlock), feePrice: 1060 }],
  });

const tick = async (rig: Rig) => {
  await new Duties({ ...rig, submitter: createSubmitter(SUBMITTER_KEY) }).tick();
  return [rig.service.derive(), rig.service.refusal];
};

const storedBlock = (rig: Rig) => loadSafeHead(rig.sql)?.blockNumber ?? null;

/**
 * A chain on which a sequencer that is gone had batches 0 and 1 accepted: of three deposits, the last
 * one waits. Then a rig on an empty object, that has read none of it.
 */
async function withOrphan(
  test: (rig: Rig, chain: Chain) => Promise<void>,
  vars: Readonly<Record<string, string>> = {},
): Promise<void> {
  const chain = await startChain();
  const submitter = createSubmitter(SUBMITTER_KEY).address;
  for (let i = 0; i < 2; i++) await chain.deposit(user(i), 10n ** 15n);
  const covered = await chain.head();
  await chain.mine(2);
  await chain.addInput(submitter, covering(0, covered));
  await chain.addInput(submitter, empty(1));
  await chain.deposit(user(2), 10n ** 15n);
  await chain.mine(2);
  await withRig((rig) => test(rig, chain), {
    vars: { ...chain.vars, ...vars },
    nowMs: Date.now(),
  });
}

/** The block that a rebuild would stop at now. */
const stopAt = async (chain: Chain) => (await chain.head()) - 1;

describe("[R5] an object without a history, on an L1 that accepts batches of its submitter", () => {
  test("does not begin anew and records no divergence: it refuses until it is rebuilt", () =>
    withOrphan(async (rig, chain) => {
      expect(await tick(rig)).toEqual(["refused", "previous-instance"]);
      expect([count(rig, "history"), count(rig, "canonical_divergence")]).toEqual([0, 0]);
      const read = storedBlock(rig);
      await chain.mine(20);
      const woken = rig.wake();
      expect(woken.service.derive()).toBe("refused");
      expect(await tick(woken)).toEqual(["refused", "previous-instance"]);
      expect(storedBlock(woken)).toBe(read);
      expect(upload(woken, await foldOf(woken, chain, await stopAt(chain)))).toMatchObject({
        ok: true,
      });
      expect(woken.service.derive()).toBe("starting");
      expect(await tick(woken.wake())).toEqual(["serving", null]);
    }));

  test("begins anew where no batch was accepted: nonsense, a later nonce, a stale one", async () => {
    const chain = await startChain();
    const submitter = createSubmitter(SUBMITTER_KEY).address;
    await chain.addInput(submitter, Uint8Array.of(1));
    await chain.addInput(submitter, empty(1));
    await chain.addInput(user(0), empty(0));
    await chain.mine(1_200);
    await chain.addInput(submitter, covering(0, (await chain.head()) + 1 - 1_200));
    await chain.mine(2);
    await withRig(
      async (rig) => {
        expect((await tick(rig))[0]).toBe("serving");
        expect(loadHistory(rig.sql)).toMatchObject({ base: null });
      },
      { vars: chain.vars, nowMs: Date.now() },
    );
  });
});

describe("[R5] after the rebuild", () => {
  async function rebuilt(rig: Rig, chain: Chain): Promise<number> {
    const stop = await stopAt(chain);
    expect(upload(rig, await foldOf(rig, chain, stop))).toMatchObject({ ok: true });
    return stop;
  }

  test("it is starting until its reader has come to the base, slice by slice", () =>
    withOrphan(async (rig, chain) => {
      const base = await rebuilt(rig, chain);
      await chain.mine(10);
      for (let read = -1; read < base; ) {
        expect(rig.service.derive()).toBe("starting");
        const outcome = await readOnce(rig, chain, 5);
        expect(outcome).toMatchObject({ ok: true });
        // Reading alone is not enough to serve, and an unreached base is no reason to refuse.
        rig.recovery.synced();
        rig.lane.advance();
        expect(rig.live().head).toMatchObject({ frame: 0, batchNonce: 2 });
        read = storedBlock(rig) ?? -1;
        expect(read).toBeLessThanOrEqual(base);
      }
      expect(storedBlock(rig)).toBe(base);
      expect(rig.service.derive()).toBe("serving");
      expect(count(rig, "safe_inputs WHERE payload IS NULL")).toBe(5);
    }));

  test("nothing at or below the base is accepted, drained or kept; the frontier is the anchor", () =>
    withOrphan(async (rig, chain) => {
      await rebuilt(rig, chain);
      await sync(rig, chain);
      await chain.mine(10);
      await settle(rig, chain);
      rig.lane.advance();
      expect(frontierNonce(rig.sql)).toBe(2);
      expect([count(rig, "safe_accepted_batches"), count(rig, "canonical_divergence")]).toEqual([
        0, 0,
      ]);
      expect(count(rig, "sequenced_l2_txs")).toBe(0);
      expect(rig.live().state.progress().executedInputCount).toBe(3);
    }));

  test("a future nonce that landed below the base is not accepted when its turn comes", async () => {
    await withOrphan(async (rig, chain) => {
      const { submitter } = rig.runtime.config;
      await chain.addInput(submitter, empty(3));
      await chain.mine(1);
      await rebuilt(rig, chain);
      await sync(rig, chain);
      closeBatch(rig);
      closeBatch(rig);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: true, value: { sent: 2 } });
      await settle(rig, chain);
      expect([frontierNonce(rig.sql), count(rig, "canonical_divergence")]).toEqual([4, 0]);
    });
  });

  test("a landing beyond the base that is not ours is a divergence", () =>
    withOrphan(async (rig, chain) => {
      await rebuilt(rig, chain);
      await chain.mine(1);
      await chain.addInput(rig.runtime.config.submitter, empty(2));
      await chain.mine(1);
      await sync(rig, chain);
      const [row] = rig.sql.exec("SELECT nonce, kind FROM canonical_divergence").toArray();
      expect(row).toEqual({ nonce: 2, kind: "foreign" });
    }));

  test("a direct input beyond the base is drained once, and by a rollback again from the base on", () =>
    withOrphan(async (rig, chain) => {
      const base = await rebuilt(rig, chain);
      await chain.mine(6);
      await chain.deposit(user(3), 5n);
      await settle(rig, chain);
      rig.lane.advance();
      const drained = () =>
        rig.sql
          .exec<{ i: number; o: number }>(
            `SELECT safe_input_index AS i, offset AS o FROM valid_sequenced_l2_txs
             WHERE safe_input_index IS NOT NULL ORDER BY offset`,
          )
          .toArray()
          .map(({ i, o }) => [i, o]);
      expect(drained()).toEqual([[5, 1]]);
      // No batch survives: the base, not the beginning, is where draining starts.
      rig.lane.renew(() => rollBackFrom(rig.runtime, 0));
      expect(drained()).toEqual([[5, 3]]);
      const { head, state } = rig.live();
      expect([head.batchNonce, state.progress().executedInputCount]).toEqual([2, 4]);
      expect(head.safeBlock).toBeGreaterThan(base);
    }));

  test("the baseline is not shown as finalized; the first accepted batch is", () =>
    withOrphan(async (rig, chain) => {
      await rebuilt(rig, chain);
      await sync(rig, chain);
      expect(finalized(rig)).toBe(404);
      expect(rig.snapshots.digest()).toMatchObject({ error: { status: 404 } });
      for (let i = 0; i < 10; i++) closeBatch(rig);
      rig.snapshots.collectGarbage();
      // The baseline, and eight of those beyond it.
      expect(count(rig, "snapshots")).toBe(9);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: true });
      await settle(rig, chain);
      expect(finalized(rig)).toEqual([expect.any(Number), 0]);
    }, EACH.vars));
});

describe("[R5] a base that L1 does not show", () => {
  test.each([
    ["hash", { baseBlockHash: hash32(`0x${"ab".repeat(32)}`) }, "reorged"],
    ["number of inputs", { baseInputCount: 4 }, "incomplete"],
  ])("another %s: nothing is read past it, and nothing is served", (_what, fields, reason) =>
    withOrphan(async (rig, chain) => {
      const right = await foldOf(rig, chain, await stopAt(chain));
      const wrong = { ...right, manifest: { ...right.manifest, ...fields } };
      expect(upload(rig, wrong)).toMatchObject({ ok: true });
      expect(await readOnce(rig, chain)).toEqual({ ok: false, error: { reason, code: null } });
      rig.recovery.synced();
      expect([storedBlock(rig), rig.service.derive()]).toEqual([null, "starting"]);
    }),
  );
});
