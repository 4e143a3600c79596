/** From danger back to service on a real chain, phase by phase, and through what interrupts it (R1, R2). */

import { describe, expect, test } from "vitest";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { requireHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import type { Chain } from "./support/chain.ts";
import {
  age,
  pass,
  postAndForget,
  sealBatches,
  setClock,
  withShortDanger,
} from "./support/danger.ts";
import { GOES_ON, WAITS } from "./support/flush.ts";
import { addInput, closeBatch, count, submitMany, transfer } from "./support/history.ts";
import { bytesOf, postOnce, recoverOnce, sync } from "./support/l1-rig.ts";
import type { Rig } from "./support/rig.ts";
import { expectSameAfterWake } from "./support/same-memory.ts";

const phase = (rig: Rig) => rig.recovery.status()?.phase ?? rig.service.derive();
const generation = (rig: Rig) => requireHistory(rig.sql).generation;

/** Two batches posted, forgotten and late, with an op open behind them. */
async function late(rig: Rig, chain: Chain): Promise<void> {
  await sealBatches(rig, 2);
  await submitMany(rig, 1, 0, 1);
  await postAndForget(rig, chain);
  await age(rig, chain);
  expect(phase(rig)).toBe("flush");
}

/** Every nonce consumed at safe depth, and that seen; the reader is behind. */
async function flushed(rig: Rig, chain: Chain): Promise<void> {
  await late(rig, chain);
  await recoverOnce(rig, chain);
  await chain.mine(2);
  await setClock(rig, chain);
  expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
  expect(phase(rig)).toBe("post-flush-sync");
}

const diverge = (rig: Rig) => {
  const index = addInput(rig, rig.runtime.config.submitter, bytesOf(rig, 0), 50);
  rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, ?, 'mismatch', 1)", index);
};

describe("[R1] a closed batch in danger", () => {
  test("is flushed, waited for, rolled back, and the object serves again", () =>
    withShortDanger(async (rig, chain) => {
      await flushed(rig, chain);
      // The block of the flush is not read yet.
      expect(await recoverOnce(rig, chain)).toEqual(WAITS);
      await sync(rig, chain);
      expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
      expect(phase(rig)).toBe("cascade");
      expect(generation(rig)).toBe(0);
      expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
      expect([phase(rig), generation(rig)]).toEqual(["serving", 1]);
      // Two closed batches and the open one; all of their ops, and the deposits once more.
      expect(count(rig, "batches WHERE invalidated_at_ms IS NOT NULL")).toBe(3);
      expect(rig.live().head).toMatchObject({ batchIndex: 3, batchNonce: 0, frame: 0 });
      expectSameAfterWake(rig);
      expect(await recoverOnce(rig, chain)).toEqual(WAITS);
      expect(generation(rig)).toBe(1);
    }));

  test("and what is promised after it lands, at the nonces that were voided", () =>
    withShortDanger(async (rig, chain) => {
      await flushed(rig, chain);
      await sync(rig, chain);
      for (let i = 0; i < 3; i++) await recoverOnce(rig, chain);
      expect(await rig.lane.submit(transfer(0, 0))).toMatchObject({
        ok: true,
        value: { batchNonce: 0 },
      });
      closeBatch(rig);
      await setClock(rig, chain);
      expect(await postOnce(rig, chain)).toMatchObject({ ok: true, value: { sent: 1 } });
      await pass(rig, chain, 3);
      const accepted = rig.sql.exec("SELECT nonce, batch_index FROM safe_accepted_batches");
      expect(accepted.toArray()).toEqual([{ nonce: 0, batch_index: 3 }]);
      expect(phase(rig)).toBe("serving");
    }));

  test("its old transaction cannot land any more, wherever it comes from", () =>
    withShortDanger(async (rig, chain) => {
      await sealBatches(rig, 1);
      await chain.fail([]);
      await postOnce(rig, chain);
      const sent = (await chain.requests()).filter((r) => r.method === "eth_sendRawTransaction");
      await chain.rpc("anvil_dropAllTransactions");
      await age(rig, chain);
      await recoverOnce(rig, chain);
      await pass(rig, chain, 2);
      await expect(chain.rpc("eth_sendRawTransaction", [sent[0]?.params[0]])).rejects.toThrow(
        "nonce too low",
      );
    }));

  test("batches are not posted from danger to the rollback, and are after it", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain);
      const before = count(rig, "submissions");
      const nothing = { ok: true, value: { sent: 0, waiting: 0, capped: false } };
      await chain.fail([]);
      expect(await postOnce(rig, chain)).toEqual(nothing);
      await flushedFrom(rig, chain);
      expect(await postOnce(rig, chain)).toEqual(nothing);
      await sync(rig, chain);
      await recoverOnce(rig, chain);
      expect(await postOnce(rig, chain)).toEqual(nothing);
      expect(count(rig, "submissions WHERE batch_index IS NOT NULL")).toBe(before);
      await recoverOnce(rig, chain);
      closeBatch(rig);
      await setClock(rig, chain);
      expect(await postOnce(rig, chain)).toMatchObject({ value: { sent: 1 } });
    }));
});

async function flushedFrom(rig: Rig, chain: Chain): Promise<void> {
  await recoverOnce(rig, chain);
  await chain.mine(2);
  await setClock(rig, chain);
  expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
}

describe("[R1] interrupted", () => {
  test("by a restart between flush and rollback: the flush is seen complete again, then it goes on", () =>
    withShortDanger(async (rig, chain) => {
      await flushed(rig, chain);
      await sync(rig, chain);
      await recoverOnce(rig, chain);
      expect(phase(rig)).toBe("cascade");
      const woken = rig.wake();
      expect(phase(woken)).toBe("flush");
      const before = count(rig, "submissions");
      for (let i = 0; i < 3; i++) expect(await recoverOnce(woken, chain)).toEqual(GOES_ON);
      expect([phase(woken), generation(woken)]).toEqual(["serving", 1]);
      expect(count(rig, "submissions")).toBe(before);
    }));

  test("by its endpoint: what that saw is looked at again", () =>
    withShortDanger(async (rig, chain) => {
      await flushed(rig, chain);
      rig.recovery.endpointFailed();
      expect(phase(rig)).toBe("flush");
      expect(await recoverOnce(rig, chain)).toEqual(GOES_ON);
      expect(phase(rig)).toBe("post-flush-sync");
    }));

  test("by an endpoint that is behind the stored head: it is asked again later", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain);
      await recoverOnce(rig, chain);
      await pass(rig, chain, 2);
      const behind = { kind: "patch", patch: { number: "0x1" } } as const;
      await chain.fail([{ method: "eth_getBlockByNumber", param: "safe", fault: behind }]);
      expect(await recoverOnce(rig, chain)).toMatchObject({ error: { reason: "behind" } });
      const other = { kind: "patch", patch: { hash: `0x${"ab".repeat(32)}` } } as const;
      await chain.fail([{ method: "eth_getBlockByNumber", param: "safe", fault: other }]);
      expect(await recoverOnce(rig, chain)).toMatchObject({ error: { reason: "reorged" } });
      expect(phase(rig)).toBe("flush");
    }));
});

describe("[N15] a divergence stops it", () => {
  const places: readonly [string, (rig: Rig, chain: Chain) => Promise<void>][] = [
    ["before the flush", late],
    ["before the sync", flushed],
    [
      "before the rollback",
      async (rig, chain) => {
        await flushed(rig, chain);
        await sync(rig, chain);
        await recoverOnce(rig, chain);
      },
    ],
  ];

  test.each(places)("%s", (_where, until) =>
    withShortDanger(async (rig, chain) => {
      await until(rig, chain);
      diverge(rig);
      await chain.fail([]);
      const before = count(rig, "submissions");
      for (let i = 0; i < 3; i++) expect(await recoverOnce(rig, chain)).toEqual(WAITS);
      expect([phase(rig), rig.service.refusal]).toEqual(["refused", "canonical-divergence"]);
      expect([generation(rig), count(rig, "submissions")]).toEqual([0, before]);
      expect(await chain.requests()).toEqual([]);
    }),
  );
});

describe("[L4] ticks", () => {
  const dutiesOf = (rig: Rig) =>
    new Duties({ ...rig, submitter: createSubmitter(rig.runtime.config.secrets.submitterKey) });

  /** Ticks of the alarm until `isDone`, a second and a block apart. */
  async function tickUntil(rig: Rig, chain: Chain, isDone: () => boolean): Promise<number> {
    const duties = dutiesOf(rig);
    for (let ticks = 1; ; ticks++) {
      await chain.mine(1);
      rig.nowMs += 1_000;
      await duties.tick();
      if (isDone()) return ticks;
      expect(ticks).toBeLessThan(40);
    }
  }

  test("bring a late sequencer back to service by themselves, once", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain);
      const phases = new Set<string>();
      await tickUntil(rig, chain, () => {
        phases.add(phase(rig));
        return generation(rig) === 1;
      });
      expect(phases).toContain("flush");
      await tickUntil(rig, chain, () => rig.live().head.frame === 3);
      expect([phase(rig), generation(rig)]).toEqual(["serving", 1]);
      expectSameAfterWake(rig);
    }));

  test("[L1] that cannot read take back what the flush saw, and it is seen again", () =>
    withShortDanger(async (rig, chain) => {
      await flushed(rig, chain);
      const duties = dutiesOf(rig);
      const fault = { kind: "http", status: 503, body: "" } as const;
      await chain.fail([{ method: "eth_getBlockByNumber", fault }]);
      await duties.tick();
      expect(phase(rig)).toBe("flush");
      await chain.fail([]);
      await tickUntil(rig, chain, () => generation(rig) === 1);
      expect(phase(rig)).toBe("serving");
    }));

  test("two alarms at once do it once", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain);
      const duties = dutiesOf(rig);
      await chain.fail([]);
      await Promise.all([duties.tick(), duties.tick()]);
      const sends = (await chain.requests()).filter((r) => r.method === "eth_sendRawTransaction");
      expect(sends).toHaveLength(2);
    }));

  test("that fail try again after at most a block's time", () =>
    withShortDanger(async (rig, chain) => {
      await late(rig, chain);
      const fault = { kind: "http", status: 503, body: "" } as const;
      await chain.fail([{ method: "eth_getTransactionCount", fault }]);
      const duties = dutiesOf(rig);
      for (let tries = 1; tries <= 8; tries++) {
        await duties.tick();
        const asked = (await chain.requests()).filter(
          ({ method }) => method === "eth_getTransactionCount",
        );
        expect(asked).toHaveLength(tries);
        rig.nowMs += 1_000;
      }
    }));

  test("over a rollback that fails refuse ops, and serve once it went through", () =>
    withShortDanger(async (rig, chain) => {
      await flushed(rig, chain);
      await sync(rig, chain);
      await recoverOnce(rig, chain);
      const duties = dutiesOf(rig);
      const guard = "CREATE TRIGGER refuse BEFORE INSERT ON rollbacks";
      rig.sql.exec(`${guard} BEGIN SELECT RAISE(ABORT, 'no'); END`);
      await duties.tick();
      expect([rig.service.derive(), rig.service.refusal]).toEqual(["refused", "fault"]);
      expect([rig.recovery.status()?.phase, generation(rig)]).toEqual(["cascade", 0]);
      rig.sql.exec("DROP TRIGGER refuse");
      rig.nowMs += 1_000;
      await duties.tick();
      expect([rig.service.derive(), generation(rig)]).toEqual(["serving", 1]);
    }));
});
