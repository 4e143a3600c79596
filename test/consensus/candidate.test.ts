/** A candidate for a log that its owner writes: what it asks of it, what it tells it, and when. */

import { describe, expect, test } from "vitest";
import { CONDUCTOR_RULES } from "../../src/consensus/conductor-types.ts";
import { ROLL_CALL_HEARTBEATS } from "../../src/consensus/roll-call.ts";
import { epoch } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { size } from "../support/size.ts";
import { commitMany } from "./live.ts";
import { Owner, ownerDisk } from "./owner.ts";
import { World } from "./world.ts";

const ROLL_CALL_MS = ROLL_CALL_HEARTBEATS * CONDUCTOR_RULES.broadcast.heartbeatMs;

describe("[C2, C6] a log that its owner writes", () => {
  test("is certified as far as it was announced, several chunks at once", async () => {
    const world = await World.create();
    const { known } = world.ground.genesis;
    const owner = await Owner.create(world, "c0", ownerDisk(world));
    await owner.candidate.start();
    expect([owner.candidate.isLeading, owner.candidate.isServing]).toEqual([true, false]);
    await world.run(50);
    expect(owner.candidate.isServing).toBe(true);
    const entries = await owner.write(known, 5);
    owner.candidate.announce(entries.slice(0, 3));
    await world.run(1_000);
    expect(owner.heard).toEqual(["serving", "certified 2"]);
    owner.candidate.announce(entries.slice(3));
    await world.run(1_000);
    expect(owner.heard.slice(2)).toEqual(["certified 4"]);
    expect((await owner.candidate.health()).uncertifiedEvents).toBe(0);
    world.stop();
  });

  test("may grow while the candidate still reads it", async () => {
    const world = await World.create();
    const { known } = world.ground.genesis;
    const disk = ownerDisk(world);
    const owner = await Owner.create(world, "c0", disk);
    const [first, second] = await owner.write(known, 2);
    const started = owner.candidate.start();
    // Both are in the log by now; the candidate has not read it, or has read some of it.
    owner.candidate.announce([first, second].filter((one) => one !== undefined));
    await started;
    await world.run(1_000);
    expect(owner.heard).toEqual(["serving", "certified 1"]);
    world.stop();
  });

  test("is ordered on some heartbeats after a restart, though nobody acks what waits", async () => {
    const world = await World.create();
    const { known } = world.ground.genesis;
    const disk = ownerDisk(world);
    const owner = await Owner.create(world, "c0", disk);
    await owner.candidate.start();
    silenceAll(world, "c0");
    owner.candidate.announce(await owner.write(known, 3));
    await world.run(100);
    await owner.candidate.stop();
    const again = await Owner.create(world, "c0", disk);
    await again.candidate.start();
    await world.run(ROLL_CALL_MS - 1);
    expect([again.candidate.isServing, again.candidate.mayOrder]).toEqual([false, false]);
    await world.run(1);
    expect([again.candidate.isServing, again.candidate.mayOrder]).toEqual([true, true]);
    world.network.heal();
    await world.run(1_000);
    expect(again.heard).toEqual(["serving", "certified 2"]);
    world.stop();
  });

  test("is opened once in a later epoch, by its owner, and served when that is certified", async () => {
    const world = await World.create();
    const disk = ownerDisk(world);
    const owner = await Owner.create(world, "c1", disk);
    owner.opensAtOnce = false;
    await owner.candidate.start();
    await commitMany(world, 2);
    await world.settle(world.candidate(0).running.transferLeader("c1"));
    await world.run(2_000);
    const { candidate } = owner;
    expect(owner.opened).toEqual([1]);
    expect([candidate.isLeading, candidate.isServing, candidate.mayOrder]).toEqual([
      true,
      false,
      false,
    ]);
    const known = must(world.validator(0).running.head, "it runs");
    await owner.openNow(known);
    await world.run(1_000);
    expect(owner.heard.slice(-2)).toEqual(["certified 2", "serving"]);
    expect(candidate.mayOrder).toBe(true);
    await candidate.stop();
    silenceAll(world, "c1");
    const again = await Owner.create(world, "c1", disk);
    await again.candidate.start();
    // The opening is certified: whoever wakes up in its epoch waits for answers only.
    // A node's clock may be slower than the world's.
    await world.run(2 * ROLL_CALL_MS);
    expect([again.candidate.isServing, again.opened]).toEqual([true, []]);
    world.stop();
  });

  test("is not served after a restart before its opening is certified, nor opened twice", async () => {
    const world = await World.create();
    const disk = ownerDisk(world);
    const owner = await Owner.create(world, "c1", disk);
    owner.opensAtOnce = false;
    await owner.candidate.start();
    await commitMany(world, 1);
    await world.settle(world.candidate(0).running.transferLeader("c1"));
    await world.run(2_000);
    silenceAll(world, "c1");
    await owner.openNow(must(world.validator(0).running.head, "it runs"));
    await world.run(100);
    await owner.candidate.stop();
    const again = await Owner.create(world, "c1", disk);
    await again.candidate.start();
    await world.run(100);
    expect([again.candidate.isServing, again.opened]).toEqual([false, []]);
    world.network.heal();
    await world.run(1_000);
    expect([again.candidate.isServing, again.opened]).toEqual([true, []]);
    world.stop();
  });

  test("is not asked for any more when the term is over: what is announced then is ignored", async () => {
    const world = await World.create();
    const { known } = world.ground.genesis;
    const owner = await Owner.create(world, "c0", ownerDisk(world));
    await owner.candidate.start();
    owner.candidate.announce(await owner.write(known, 2));
    await world.run(500);
    await world.settle(world.candidate(1).running.transferLeader("c1"));
    await world.run(2_000);
    expect(owner.heard.filter((one) => one === "ended")).toHaveLength(1);
    const late = await owner.write(known, 1);
    owner.candidate.announce(late);
    await world.run(500);
    expect(owner.heard.at(-1)).not.toBe("certified 2");
    expect(owner.candidate.isLeading).toBe(false);
    expect(owner.candidate.leaderId).toBe("c1");
    world.stop();
  });

  test("is not led in an epoch whose successor somebody began to open on it", async () => {
    const world = await World.create();
    const disk = ownerDisk(world);
    // The log may be cut by now: another chunk in the place of a signed one would be a fork.
    await disk.log.saveTakeover(epoch(1));
    const owner = await Owner.create(world, "c0", disk);
    await owner.candidate.start();
    expect([owner.candidate.isLeading, owner.candidate.mayOrder]).toEqual([false, false]);
    const next = await world.led();
    expect(next.name).toBe("c1");
    await world.run(1_000);
    expect(owner.candidate.leaderId).toBe("c1");
    world.stop();
  });

  test("keeps the payloads that its owner needs, until it does not", async () => {
    const broadcast = { ...CONDUCTOR_RULES.broadcast, retainChunks: 2 };
    const rules = { ...CONDUCTOR_RULES, broadcast };
    const world = await World.create();
    const { known } = world.ground.genesis;
    const disk = ownerDisk(world);
    const owner = await Owner.create(world, "c0", disk, rules);
    owner.retained = 3;
    await owner.candidate.start();
    const certify = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const entries = await owner.write(known, 1);
        owner.candidate.announce(entries);
        owner.candidate.want(entries[0]?.ref.height ?? -1);
        await world.run(100);
      }
    };
    await certify(10);
    expect(await disk.log.prunedThrough()).toMatchObject({ height: 2 });
    owner.retained = Number.POSITIVE_INFINITY;
    await certify(2);
    expect((await disk.log.prunedThrough())?.height).toBeGreaterThan(6);
    await world.run(2_000);
    const heights = world.validators.map(({ running }) => running.durable?.base.height);
    expect(heights).toEqual([11, 11, 11, 11]);
    world.stop();
  });
});

describe("[C6] a candidate that follows", () => {
  test("catches up from far behind, a stretch at a time", async () => {
    const heights = size(700, 5_000);
    const world = await World.create({ diskMs: 0 });
    world.candidate(1).crash();
    await commitMany(world, heights);
    await world.candidate(1).start();
    const isLevel = async (): Promise<boolean> =>
      (await world.candidate(1).disks.log.ends()).certified.height === heights - 1;
    await world.run(5_000);
    expect(await isLevel()).toBe(true);
    world.stop();
  });
});

function silenceAll(world: World, candidate: string): void {
  for (const { name } of world.validators) world.network.cut(name, candidate);
}
