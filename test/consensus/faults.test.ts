/** Faults that need more than a retry: a deaf leader, a lost quorum, a lost proof, a takeover given up. */

import { describe, expect, test } from "vitest";
import { CONDUCTOR_RULES } from "../../src/consensus/conductor-types.ts";
import { Fetcher } from "../../src/consensus/fetcher.ts";
import type { Message } from "../../src/consensus/messages.ts";
import { checkLinkage } from "../../src/consensus/payload.ts";
import { MemoryPayloadStore } from "../../src/consensus/payload-store.ts";
import type { Certificate } from "../../src/core/consensus/certificate.ts";
import { EMPTY_LINE } from "../../src/core/consensus/line.ts";
import { type ChunkRef, memberIndex } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { Random } from "../sim/random.ts";
import { Liars } from "./byzantine.ts";
import { commitMany, withWorld } from "./live.ts";
import { World } from "./world.ts";

/** Draws one deceived member. */
const LIAR_SEED = 4;

describe("[C6, C8] a leader without a quorum", () => {
  test("that is heard and hears nobody is replaced in bounded time", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 2);
      for (const { name } of world.nodes) if (name !== "c0") world.network.cut(name, "c0");
      const isReplaced = (): boolean => world.candidate(1).running.leader();
      expect(await world.run(60_000, isReplaced)).toBe(true);
      await commitMany(world, 2);
      world.network.heal();
      await world.run(20_000);
      expect(world.candidate(0).running.leader()).toBe(false);
    });
  });

  test("orders on without certificates, and gets them when a member returns", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 2);
      world.validator(0).crash();
      world.validator(1).crash();
      const leader = world.candidate(0);
      await world.run(120_000);
      const blocks = [];
      for (let i = 0; i < 3; i++) {
        blocks.push(await world.nextBlock(leader));
        void leader.running.commit(must(blocks.at(-1), "just made"));
        await world.run(1_000);
      }
      const health = await leader.running.health();
      expect(health).toMatchObject({ isServing: true, uncertifiedEvents: 3, quorum: 3 });
      expect(health.reachable).toBeLessThan(3);
      await world.validator(0).start();
      const isCertified = (): boolean => world.auditor.certified.some(({ height }) => height === 4);
      expect(await world.run(15_000, isCertified)).toBe(true);
      const latest = await must(world.leader(), "it serves").running.latest({ level: "accepted" });
      expect(latest?.payload).toEqual(blocks.at(-1));
    });
  });
});

describe("[C4] a fork", () => {
  test("is proven though whoever saw the other side was mute when it gave that up", async () => {
    const broadcast = { ...CONDUCTOR_RULES.broadcast, retainChunks: 2 };
    const world = await World.create({ rules: { ...CONDUCTOR_RULES, broadcast } });
    await commitMany(world, 2);
    // One forged chunk, for one member; everybody else gets the original.
    const liars = new Liars(world, new Random(LIAR_SEED, "liars"), "c0", [], 1);
    liars.start();
    const commit = world.candidate(0).running.commit(await world.nextBlock(world.candidate(0)));
    expect((await world.settle(commit)).ok).toBe(true);
    await world.run(500);
    liars.stop();
    const { deceived, forged } = must(liars.twins[0], "a block was forged");
    const [name] = [...deceived];
    const node = must(
      world.validators.find((one) => one.name === name),
      "one is deceived",
    );
    expect(deceived.size).toBe(1);
    expect(node.running.durable?.tip?.chunk.ref).toEqual(forged);
    // It is away until the original is gone from where it could get it; then it hears, and is not heard.
    for (const other of world.nodes) {
      world.network.cut(node.name, other.name);
      world.network.cut(other.name, node.name);
    }
    await commitMany(world, 10);
    world.network.heal();
    for (const other of world.nodes) world.network.cut(node.name, other.name);
    const isThere = (): boolean => (node.running.durable?.base.height ?? 0) > forged.height;
    expect(await world.run(30_000, isThere)).toBe(true);
    await world.run(500_000);
    expect(world.validators.every(({ running }) => running.durable?.evidence.length === 0)).toBe(
      true,
    );
    world.network.heal();
    node.crash();
    await node.start();
    const isProven = (): boolean =>
      world.validators.every(({ running }) => running.durable?.evidence.length === 1);
    expect(await world.run(5_000, isProven)).toBe(true);
    world.stop();
  });
});

/** A fetcher on a log of its own, and the first six chunks that it may be answered with. */
async function fetching() {
  const world = await World.create();
  await commitMany(world, 6);
  const { genesis, judge, timeline } = world.ground;
  const log = new MemoryPayloadStore(EMPTY_LINE);
  const manager = must(world.candidate(1).manager, "it runs");
  const asked: Message[] = [];
  const fetcher = new Fetcher(
    { manager, store: log, placeOf: () => null, checkPayload: checkLinkage, answerMs: 1_000 },
    {
      ...{ clock: { nowMs: () => timeline.nowMs, at: (ms, run) => timeline.at(ms, run) }, judge },
      random: () => 0,
      transport: { send: (_to, message) => asked.push(message), listen: () => () => undefined },
    },
  );
  const theirs = world.candidate(0).disks.log;
  const entries = await theirs.page(0, 5, Number.POSITIVE_INFINITY);
  const refOf = (at: number) => must(entries[at], "there are six").ref;
  const answer = (through: number, goal: ChunkRef | null, certificate: Certificate | null) => {
    const chunks = entries
      .slice(0, through + 1)
      .map(({ signed, bytes }) => ({ signed, payload: must(bytes, "nothing is pruned") }));
    fetcher.receive(genesis.known.record.members[0]?.endpoint ?? "", {
      ...{ is: "chunks", after: { height: -1, hash: EMPTY_LINE.hash }, goal },
      ...{ chunks, certificate },
    });
  };
  return { world, log, theirs, fetcher, asked, entries, refOf, answer };
}

describe("[C6] a log that follows", () => {
  test("keeps its own chunks beyond what is certified: they are signed, and no epoch has lost them", async () => {
    const { world, log, theirs, fetcher, entries, refOf, answer } = await fetching();
    for (const entry of entries) await log.append(entry);
    const certificate = must(await theirs.certificateFor(2), "it is certified");
    expect(certificate.chunk).toEqual(refOf(2));
    const followed = fetcher.follow();
    await world.run(10);
    answer(3, null, certificate);
    expect(await world.settle(followed)).toBe(true);
    const { certified, newest } = await log.ends();
    expect([certified.height, newest.hash]).toEqual([2, refOf(5).hash]);
    world.stop();
  });
});

describe("[C6] a recovery that is given up", () => {
  test("writes nothing after the next one has begun", async () => {
    const { world, log, fetcher, asked, refOf, answer } = await fetching();
    const first = fetcher.recover(refOf(2), [memberIndex(0)]);
    await world.run(10);
    const second = fetcher.recover(refOf(4), [memberIndex(0)]);
    answer(2, refOf(2), null);
    expect(await world.settle(first)).toBe(false);
    expect((await log.ends()).newest.height).toBe(-1);
    await world.run(10);
    answer(4, refOf(4), null);
    expect(await world.settle(second)).toBe(true);
    expect((await log.ends()).newest.hash).toBe(refOf(4).hash);
    // And nothing is followed before it is released.
    expect(await world.settle(fetcher.follow())).toBe(false);
    expect(asked).toHaveLength(2);
    world.stop();
  });
});
