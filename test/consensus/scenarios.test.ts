/** Scenarios of ordered broadcast, each by its name, on whole committees. */

import { describe, expect, test } from "vitest";
import { CONDUCTOR_RULES } from "../../src/consensus/conductor-types.ts";
import { checkFully, type PayloadCheck } from "../../src/consensus/payload.ts";
import { must } from "../../src/core/types/assert.ts";
import { size } from "../support/size.ts";
import { type Block, blockAfter, blockType } from "./block.ts";
import { commitMany, withWorld } from "./live.ts";
import { drawRun, runCommittee } from "./run-committee.ts";

describe("[C2, C4] ordered broadcast", () => {
  test("all online", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 50);
      await world.run(2_000);
      const heights = world.validators.map(({ running }) => running.durable?.base.height);
      expect(heights).toEqual([49, 49, 49, 49]);
      expect(world.auditor.certified.every(({ epoch }) => epoch === 0)).toBe(true);
    });
  });

  test("unclean shutdown: one member after the other, every five seconds", async () => {
    await withWorld({ diskMs: 20 }, async (world) => {
      for (let round = 0; round < 8; round++) {
        const node = must(world.validators[round % 4], "four validators");
        node.crash();
        await commitMany(world, 5);
        await world.run(5_000);
        await node.start();
      }
      await world.run(10_000);
      const heights = world.validators.map(({ running }) => running.durable?.base.height);
      expect(new Set(heights).size).toBe(1);
    });
  });

  test("a partition of thirty seconds, then heal", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 3);
      world.network.partition([
        ["v0", "v1", "c0"],
        ["v2", "v3", "c1"],
      ]);
      const before = world.auditor.certified.length;
      const leader = world.candidate(0).running;
      const commit = leader.commit(await world.nextBlock(world.candidate(0)));
      await world.run(30_000);
      // Neither side has a quorum: both stand still, and neither forks.
      expect(world.auditor.certified.length).toBe(before);
      expect(await world.settle(commit)).toMatchObject({ ok: false });
      world.network.heal();
      await commitMany(world, 3);
    });
  });

  test("slow and lossy links", async () => {
    await withWorld({}, async (world) => {
      world.network.weather = { delayLeastMs: 20, delayMostMs: 300, loss: 0.1, doubling: 0.1 };
      await commitMany(world, 20);
    });
  });

  test("determinism: a run is a function of its seed", async () => {
    const options = { ...drawRun(77), validators: 4, quorum: 3, stormMs: 20_000 };
    const [one, two] = [await runCommittee(options), await runCommittee(options)];
    expect(two.digest).toBe(one.digest);
    const other = await runCommittee({ ...options, seed: 78 });
    expect(other.digest).not.toBe(one.digest);
  });

  test("an invalid payload is acked by nobody who looks at it", async () => {
    const checkPayload: PayloadCheck = checkFully<Block>(blockType, ({ text }) =>
      Promise.resolve(text !== "invalid"),
    );
    await withWorld({ checkPayload }, async (world) => {
      await commitMany(world, 2);
      const leader = await world.led();
      const latest = must(await leader.running.latest({ level: "accepted" }), "two blocks");
      const bad = blockAfter(latest.payload, "invalid");
      expect(await world.settle(leader.running.commit(bad))).toEqual({
        ok: false,
        error: { reason: "timeout" },
      });
      const certified = await leader.running.latest({ level: "certified" });
      expect(certified?.payload).toEqual(latest.payload);
    });
  });

  test("an epoch bump in the midst of it", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 3);
      const moved = await world.settle(world.candidate(0).running.transferLeader("c1"));
      expect(moved).toMatchObject({ ok: true, value: { record: { epoch: 1 } } });
      const next = await world.led();
      expect(next.name).toBe("c1");
      await commitMany(world, 3);
      expect(await next.running.byHeight(5)).not.toBeNull();
    });
  });

  test("a sequencer that is no validator", async () => {
    await withWorld({ validators: 3, quorum: 2 }, async (world) => {
      const { members, candidates } = world.ground.genesis.known.record;
      const keys = new Set(members.map(({ key }) => key.join()));
      expect(candidates.some(({ key }) => keys.has(key.join()))).toBe(false);
      await commitMany(world, 3);
    });
  });

  test("a thousand heights, with the memory of a few", async () => {
    const heights = size(250, 1_000);
    const broadcast = { ...CONDUCTOR_RULES.broadcast, retainChunks: 16 };
    await withWorld({ diskMs: 0, rules: { ...CONDUCTOR_RULES, broadcast } }, async (world) => {
      world.validator(3).crash();
      await commitMany(world, heights);
      await world.validator(3).start();
      const isLevel = () => world.validator(3).running.durable?.base.height === heights - 1;
      expect(await world.run(30_000, isLevel)).toBe(true);
      const durable = must(world.validator(3).running.durable, "it is up");
      expect(durable.chunks.length).toBeLessThan(100);
      const pruned = must((await world.candidate(0).disks.log.page(0, 0, 0))[0], "headers stay");
      expect(pruned.bytes).toBeNull();
      expect(await world.candidate(0).disks.log.certificateFor(0)).not.toBeNull();
    });
  });
});
