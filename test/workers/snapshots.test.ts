/** Snapshots: when they are taken, which are kept, and how they are streamed (V1, V2). */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import {
  count,
  deposit,
  found,
  foundWithUsers,
  land,
  observe,
  submitMany,
  user,
} from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";
import {
  bytesOf,
  EACH,
  finalized,
  MIB,
  padded,
  QUICK,
  sealBatches,
  taken,
} from "./support/snapshots.ts";

function stream(rig: Rig, etag: string | null = null): Response {
  const answer = rig.snapshots.streamFinalized(etag);
  return answer.ok ? answer.value : expect.unreachable(answer.error.message);
}

describe("[V1] a seal carries a snapshot", () => {
  test("when the time since the last one has passed, not a millisecond before", () =>
    withRig((rig) => {
      found(rig);
      const { nowMs } = rig;
      rig.nowMs = nowMs + 59_999;
      rig.lane.advance();
      expect(taken(rig)).toEqual([null]);
      sealBatches(rig, 1);
      expect(taken(rig)).toEqual([null, 1]);
      sealBatches(rig, 59);
      expect(taken(rig)).toEqual([null, 1]);
      sealBatches(rig, 1);
      expect(taken(rig)).toEqual([null, 1, 61]);
    }, QUICK));

  test("when 5 000 inputs were executed since the last one", () =>
    withRig(
      (rig) => {
        found(rig);
        const execute = (inputs: number, block: number) => {
          for (let i = 0; i < inputs; i++) deposit(rig, user(0), 1n, block);
          observe(rig, block);
          rig.lane.advance();
          sealBatches(rig, 1);
        };
        execute(4_999, 105);
        expect(taken(rig)).toEqual([null]);
        execute(1, 110);
        expect(taken(rig)).toEqual([null, 1]);
        execute(4_999, 115);
        execute(1, 120);
        expect(taken(rig)).toEqual([null, 1, 3]);
      },
      { vars: { ...QUICK.vars, SEQ_SNAPSHOT_SECONDS: "100000" } },
    ));

  test("[N20] with the state and the feed's head of that moment", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 7);
      sealBatches(rig, 1);
      const at = rig.live().state.snapshot();
      await submitMany(rig, 0, 7, 2);
      const row = rig.sql
        .exec("SELECT l2_tx_index, executed_input_count FROM snapshots WHERE batch_index = 0")
        .one();
      expect(row).toEqual({ l2_tx_index: 8, executed_input_count: 8 });
      const latest = rig.snapshots.streamLatest();
      if (!latest.ok) return expect.unreachable(latest.error.message);
      expect(latest.value.headers.get("x-l2-tx-index")).toBe("8");
      expect(await bytesOf(latest.value)).toEqual(at);
    }, EACH));
});

describe("[V1] stored bytes", () => {
  test.each([
    [3 * MIB, [MIB, MIB, MIB]],
    [2 * MIB + 1, [MIB, MIB, 1]],
  ])("%i bytes are parts of at most 1 MiB", (bytes, parts) =>
    withRig(
      async (rig) => {
        found(rig);
        const rows = rig.sql
          .exec<{ n: number }>("SELECT length(bytes) AS n FROM snapshot_parts ORDER BY part")
          .toArray();
        expect(rows.map(({ n }) => n)).toEqual(parts);
        const all = await bytesOf(stream(rig));
        expect(all.length).toBe(bytes);
        const digest = rig.snapshots.digest();
        expect(digest).toMatchObject({ ok: true, value: { sha256: bytesToHex(sha256(all)) } });
      },
      { application: padded(bytes) },
    ),
  );

  test("32 MiB are the most, one byte more is refused", async () => {
    await withRig(
      (rig) => {
        found(rig);
        expect(count(rig, "snapshot_parts")).toBe(32);
      },
      { application: padded(32 * MIB) },
    );
    await withRig(
      (rig) => {
        expect(() => found(rig)).toThrow("32 MiB");
        expect(count(rig, "snapshots")).toBe(0);
      },
      { application: padded(32 * MIB + 1) },
    );
  });
});

describe("[V2] finalized", () => {
  test("is the genesis state at block 0 until a batch is accepted", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      await submitMany(rig, 0, 0, 3);
      sealBatches(rig, 2);
      expect(finalized(rig)).toEqual([0, 0]);
      const digest = rig.snapshots.digest();
      expect(digest).toMatchObject({ value: { inclusion_block: 0, executed_input_count: 0 } });
      const genesis = walletApplication.genesis(rig.runtime.config.appConfig as never);
      expect(await bytesOf(stream(rig))).toEqual(genesis.snapshot());
    }, EACH));

  test("is the newest accepted batch that is the last of its block", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      for (let i = 0; i < 4; i++) {
        await submitMany(rig, 0, i, 1);
        sealBatches(rig, 1);
      }
      land(rig, 0, 110);
      expect(finalized(rig)).toEqual([110, 2]);
      land(rig, 1, 111);
      land(rig, 2, 111);
      expect(finalized(rig)).toEqual([111, 4]);
      land(rig, 3, 112);
      expect(finalized(rig)).toEqual([112, 5]);
    }, EACH));

  test("is not a batch behind which another one landed in its block without a snapshot", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      sealBatches(rig, 1);
      const plain = rig.wake({ vars: { ...QUICK.vars, SEQ_SNAPSHOT_SECONDS: "100000" } });
      sealBatches(plain, 1);
      expect(taken(rig)).toEqual([null, 0]);
      land(rig, 0, 110);
      expect(finalized(rig)).toEqual([110, 1]);
      land(rig, 1, 110);
      expect(finalized(rig)).toEqual([0, 0]);
    }, EACH));

  test("[N15] is refused after a divergence", () =>
    withRig((rig) => {
      foundWithUsers(rig, 1);
      rig.sql.exec("INSERT INTO canonical_divergence VALUES (0, 0, 0, 'foreign', 1)");
      expect(finalized(rig)).toBe(503);
      expect(rig.snapshots.digest()).toMatchObject({ error: { status: 503, retryAfterS: 30 } });
      expect(rig.snapshots.streamFinalized(null)).toMatchObject({ error: { status: 503 } });
    }));
});

describe("[V2] a stream", () => {
  test("says its block and place, and 304 to whoever has it", () =>
    withRig(async (rig) => {
      foundWithUsers(rig, 1);
      sealBatches(rig, 1);
      land(rig, 0, 110);
      const response = stream(rig, '"block-0"');
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        etag: '"block-110"',
        "x-inclusion-block": "110",
        "x-l2-tx-index": "1",
        "content-type": "application/octet-stream",
      });
      await response.arrayBuffer();
      const same = stream(rig, '"block-110"');
      expect([same.status, same.headers.get("etag"), same.body]).toEqual([
        304,
        '"block-110"',
        null,
      ]);
    }, EACH));

  test("is one of at most 8; a 304 takes no place; a client that leaves frees its own", () =>
    withRig(
      async (rig) => {
        found(rig);
        const open = Array.from({ length: 8 }, () => stream(rig));
        const refused = { error: { status: 429, code: "OVERLOADED" } };
        expect(rig.snapshots.streamFinalized(null)).toMatchObject(refused);
        expect(rig.snapshots.streamLatest()).toMatchObject(refused);
        expect(stream(rig, '"block-0"').status).toBe(304);
        await open[3]?.body?.cancel();
        const again = stream(rig);
        expect(rig.snapshots.streamFinalized(null)).toMatchObject(refused);
        expect((await bytesOf(again)).length).toBe(3 * MIB);
        expect(stream(rig).status).toBe(200);
      },
      { application: padded(3 * MIB) },
    ));

  test("ends after 10 minutes, and its place is free", () =>
    withRig(
      async (rig) => {
        found(rig);
        const open = Array.from({ length: 8 }, () => stream(rig));
        rig.nowMs += 600_000;
        expect(rig.snapshots.streamFinalized(null)).toMatchObject({ error: { status: 429 } });
        rig.nowMs += 1;
        expect(stream(rig).status).toBe(200);
        await expect(bytesOf(open[0] ?? expect.unreachable("eight are open"))).rejects.toThrow();
      },
      { application: padded(3 * MIB) },
    ));
});
