/** Reading a real L1: a slice is stored whole, and whatever a provider does wrong changes nothing. */

import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/types/hex.ts";
import { loadIdentity } from "../../src/durable-objects/sequencer/storage/identity.ts";
import { loadSafeHead } from "../../src/durable-objects/sequencer/storage/l1-inputs.ts";
import type { FaultRule } from "../support/chain-rules.ts";
import { startChain } from "./support/chain.ts";
import { count, user } from "./support/history.ts";
import { l1Facts, readOnce, settle, sync, withChain } from "./support/l1-rig.ts";
import { type Rig, withRig } from "./support/rig.ts";

const quantity = (value: number): string => `0x${value.toString(16)}`;
const OTHER_HASH = `0x${"ab".repeat(32)}`;
const retry = (reason: string, code: number | null = null) => ({
  ok: false,
  error: { reason, code },
});

const storedBlock = (rig: Rig): number =>
  loadSafeHead(rig.sql)?.blockNumber ?? expect.unreachable("a safe head is stored");

describe("first contact", () => {
  test("[S8] pins the deployment that L1 shows, and founds the era at the safe head", () =>
    withChain(async (rig, chain) => {
      const { inputBox, inputBoxBlock, app } = chain.rollups;
      expect(loadIdentity(rig.sql)).toMatchObject({ chainId: 31337, app, inputBox, inputBoxBlock });
      expect(storedBlock(rig)).toBe((await chain.head()) - 1);
      expect(rig.live().head.safeBlock).toBe(storedBlock(rig));
      expect(rig.published.map((record) => record.kind)).toEqual(
        Array.from({ length: 3 }, () => "direct_input"),
      );
    }));

  test.each<[string, FaultRule, unknown]>([
    [
      "another chain id",
      { method: "eth_chainId", fault: { kind: "result", result: "0x1" } },
      retry("wrong-chain"),
    ],
    [
      "no application",
      { method: "eth_call", fault: { kind: "result", result: "0x" } },
      retry("unsupported-contract"),
    ],
    ["no answer", { method: "eth_chainId", fault: { kind: "disconnect" } }, retry("unreachable")],
  ])("[S8] with %s nothing is pinned", async (_what, rule, refused) => {
    const chain = await startChain();
    await withRig(
      async (rig) => {
        await chain.fail([rule]);
        expect(await readOnce(rig, chain)).toEqual(refused);
        for (const table of ["deployment_identity", "l1_safe_head", "history", "batches"]) {
          expect(count(rig, table)).toBe(0);
        }
      },
      { vars: chain.vars },
    );
  });

  test("[S8] a chain that changes its id later is not read", () =>
    withChain(async (rig, chain) => {
      const before = l1Facts(rig);
      await chain.mine(5);
      await chain.fail([{ method: "eth_chainId", fault: { kind: "result", result: "0x1" } }]);
      expect(await readOnce(rig, chain)).toEqual(retry("wrong-chain"));
      expect(l1Facts(rig)).toEqual(before);
    }));
});

describe("a slice", () => {
  test("[L1] holds every input with what L1 says of it, and moves the safe head to its end", () =>
    withChain(async (rig, chain) => {
      await chain.addInput(user(1), Uint8Array.of(1, 2, 3));
      const block = await chain.head();
      await settle(rig, chain);
      const row = rig.sql
        .exec<{ sender: ArrayBuffer; payload: ArrayBuffer; block_number: number }>(
          "SELECT sender, payload, block_number FROM safe_inputs WHERE safe_input_index = 3",
        )
        .one();
      expect(toHex(new Uint8Array(row.sender))).toBe(user(1));
      expect([...new Uint8Array(row.payload)]).toEqual([1, 2, 3]);
      expect(row.block_number).toBe(block);
      expect(storedBlock(rig)).toBe((await chain.head()) - 1);
    }));

  test("[N12] the same head again changes nothing, not even the time of the last progress", () =>
    withChain(async (rig, chain) => {
      const before = l1Facts(rig);
      rig.nowMs += 60_000;
      expect(await readOnce(rig, chain)).toEqual({
        ok: true,
        value: { advanced: false, reachedSafeHead: true },
      });
      expect(l1Facts(rig)).toEqual(before);
    }));

  test("[L1] is as long as it may be; the next one goes on where it ended", () =>
    withChain(async (rig, chain) => {
      const from = storedBlock(rig);
      await chain.mine(6);
      await chain.deposit(user(0), 5n);
      await chain.mine(4);
      await chain.deposit(user(1), 6n);
      await chain.mine(1);
      const slice = { ok: true, value: { advanced: true, reachedSafeHead: false } };
      expect(await readOnce(rig, chain, 8)).toEqual(slice);
      expect([storedBlock(rig), count(rig, "safe_inputs")]).toEqual([from + 8, 4]);
      expect(await readOnce(rig, chain, 4)).toEqual(slice);
      expect([storedBlock(rig), count(rig, "safe_inputs")]).toEqual([from + 12, 4]);
      await sync(rig, chain);
      expect(count(rig, "safe_inputs")).toBe(5);
    }));

  test("[S5] each slice's direct inputs are drained into a frame at its end", () =>
    withChain(async (rig, chain) => {
      const from = storedBlock(rig);
      for (let i = 0; i < 3; i++) {
        await chain.deposit(user(i), 5n);
        await chain.mine(7);
      }
      for (let i = 0; i < 3; i++) {
        await readOnce(rig, chain, 7);
        rig.lane.advance();
      }
      const frames = rig.sql
        .exec<{ s: number; n: number }>(
          `SELECT f.safe_block AS s, COUNT(t.offset) AS n FROM frames f
           LEFT JOIN sequenced_l2_txs t USING (batch_index, frame_in_batch)
           GROUP BY f.frame_in_batch ORDER BY f.frame_in_batch`,
        )
        .toArray();
      expect(frames.map(({ s, n }) => [s - from, n])).toEqual([
        [0, 3],
        [7, 1],
        [14, 1],
        [21, 1],
      ]);
    }));
});

describe("[L1] a provider that errs is asked again later, and nothing changes", () => {
  const safeBlock = (patch: Record<string, string>): FaultRule => ({
    method: "eth_getBlockByNumber",
    param: "safe",
    fault: { kind: "patch", patch },
  });

  async function expectUnchanged(
    rules: (stored: number) => readonly FaultRule[],
    expected: unknown,
    blocks = 3,
  ): Promise<void> {
    await withChain(async (rig, chain) => {
      const before = l1Facts(rig);
      await chain.deposit(user(0), 9n);
      if (blocks > 0) await chain.mine(blocks);
      await chain.fail(rules(storedBlock(rig)));
      expect(await readOnce(rig, chain)).toEqual(expected);
      expect(l1Facts(rig)).toEqual(before);
      // The same reading succeeds as soon as the provider is right again.
      await chain.fail([]);
      await settle(rig, chain);
      expect(count(rig, "safe_inputs")).toBe(4);
    });
  }

  test("behind the stored head", () =>
    expectUnchanged((stored) => [safeBlock({ number: quantity(stored - 1) })], retry("behind")));

  test("another hash at the stored head, which is below its safe block", () =>
    expectUnchanged(
      (stored) => [
        {
          method: "eth_getBlockByNumber",
          param: quantity(stored),
          fault: { kind: "patch", patch: { hash: OTHER_HASH } },
        },
      ],
      retry("reorged"),
    ));

  test("another hash at the stored head, which is its safe block", () =>
    expectUnchanged(
      (stored) => [safeBlock({ number: quantity(stored), hash: OTHER_HASH })],
      retry("reorged"),
    ));

  test("it does not have the stored head", () =>
    expectUnchanged(
      (stored) => [
        {
          method: "eth_getBlockByNumber",
          param: quantity(stored),
          fault: { kind: "result", result: null },
        },
      ],
      retry("behind"),
    ));

  test("it leaves out an input", () =>
    expectUnchanged(
      () => [{ method: "eth_getLogs", fault: { kind: "result", result: [] } }],
      retry("incomplete"),
    ));

  test("it counts more inputs than it shows", () =>
    expectUnchanged(
      () => [
        {
          method: "eth_call",
          fault: { kind: "result", result: `0x${"9".padStart(64, "0")}` },
        },
      ],
      retry("incomplete"),
    ));

  test.each(["eth_getBlockByNumber", "eth_getLogs", "eth_call"])("%s fails", (method) =>
    expectUnchanged(() => [{ method, fault: { kind: "error", code: -32000, message: "secret" } }], {
      ok: false,
      error: { reason: expect.any(String), code: -32000 },
    }),
  );

  test("it is cut off in the middle", () =>
    expectUnchanged(
      () => [{ method: "eth_getLogs", fault: { kind: "disconnect" } }],
      retry("unreachable"),
    ));
});
