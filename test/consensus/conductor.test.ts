/** The conductor as its caller sees it: commits and their errors, epochs, transfers, health. */

import { describe, expect, test } from "vitest";
import { CONDUCTOR_RULES } from "../../src/consensus/conductor-types.ts";
import { singleManager, staticManager } from "../../src/consensus/epoch-manager.ts";
import { ChunkMeter, Metrics } from "../../src/consensus/metrics.ts";
import {
  checkLinkage,
  decodeEntry,
  encodeEntry,
  entryRoot,
  openingEntry,
  PAYLOAD_BYTES_MAX,
} from "../../src/consensus/payload.ts";
import { InProcessNetwork } from "../../src/consensus/transport.ts";
import { epoch } from "../../src/core/consensus/types.ts";
import { blockAfter, blockType } from "./block.ts";
import { chunkIn, GENESIS } from "./lines.ts";
import { World } from "./world.ts";

describe("[C5] commit", () => {
  test("resolves with the certificate of a quorum, and not before", async () => {
    const world = await World.create();
    const leader = await world.led();
    const { block, result } = await world.commit(leader);
    if (!result.ok) throw new Error(result.error.reason);
    const { certificate, chunk } = result.value;
    expect(certificate.chunk).toEqual(chunk);
    expect(certificate.signatures.signers.length).toBeGreaterThanOrEqual(3);
    expect(await leader.running.certificateFor(chunk)).toEqual(certificate);
    expect((await leader.running.byHeight(0))?.payload).toEqual(block);
    expect((await leader.running.byDigest(blockType.digest(block)))?.payload).toEqual(block);
    world.stop();
  });

  test("many at once are certified in the order in which they were asked for", async () => {
    const world = await World.create();
    const { running } = await world.led();
    let before = null;
    const commits = [];
    for (let i = 0; i < 20; i++) {
      const block = blockAfter(before, `${i}`);
      commits.push(running.commit(block));
      before = block;
    }
    const outcomes = await world.settle(Promise.all(commits));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    // Rounds are 40 ms apart, so a certificate covers many of them.
    expect(world.auditor.certified.length).toBeLessThan(10);
    world.stop();
  });

  test("says why it does not", async () => {
    const world = await World.create();
    const leader = await world.led();
    const { running } = leader;
    const first = await world.commit(leader);
    const next = blockAfter(first.block, "next");
    const reason = async (commit: ReturnType<typeof running.commit>) => {
      const result = await world.settle(commit);
      return result.ok ? null : result.error;
    };
    const other = world.candidate(1).running;
    expect(await reason(other.commit(next))).toEqual({ reason: "not-leader" });
    expect(await reason(running.commit({ ...next, height: 7 }))).toEqual({
      ...{ reason: "height", expected: 1, got: 7 },
    });
    expect(await reason(running.commit({ ...next, parent: blockType.digest(next) }))).toEqual({
      reason: "parent",
    });
    const large = { ...next, text: "x".repeat(PAYLOAD_BYTES_MAX) };
    expect(await reason(running.commit(large))).toEqual({ reason: "too-large" });
    running.pause();
    expect(await reason(running.commit(next))).toEqual({ reason: "paused" });
    running.resume();
    expect(await reason(running.commit(next))).toBeNull();
    running.stop();
    expect(await reason(running.commit(next))).toEqual({ reason: "stopped" });
    world.stop();
  });

  test("ends when the epoch does, and the payload may be inherited", async () => {
    const world = await World.create();
    const leader = await world.led();
    await world.commit(leader);
    const block = await world.nextBlock(leader);
    world.network.cut("v0", "c0");
    world.network.cut("v1", "c0");
    const commit = leader.running.commit(block);
    await world.run(100);
    void world.candidate(1).running.transferLeader("c1");
    expect(await world.settle(commit)).toEqual({ ok: false, error: { reason: "fenced" } });
    const next = await world.led();
    expect((await next.running.byHeight(1))?.payload).toEqual(block);
    world.stop();
  });
});

describe("[C8] chunks are counted", () => {
  test("as pending, then as committed with their time, or as aborted with their term", () => {
    const metrics = new Metrics();
    const meter = new ChunkMeter(metrics);
    meter.announced(3, 2, 0);
    meter.announced(0, 4, 1_000);
    meter.announced(5, 5, 2_000);
    expect(metrics.pendingChunks).toBe(6);
    meter.certified(2, 1_100);
    expect([metrics.pendingChunks, metrics.proposals.committed]).toEqual([3, 3]);
    expect(metrics.latencySumSeconds).toBeCloseTo(0.3);
    meter.end();
    meter.certified(5, 9_000);
    expect(metrics.proposals).toEqual({ committed: 3, aborted: 3, expired: 0 });
    expect(metrics.pendingChunks).toBe(0);
  });
});

describe("[C6] leadership", () => {
  test("is announced: every epoch, in order, until the end", async () => {
    const world = await World.create();
    await world.led();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const change of world.candidate(1).running.leaderChannel()) {
        seen.push(`${change.epoch} ${change.leader} ${change.isServingHere}`);
      }
    })();
    await world.settle(world.candidate(0).running.transferLeader("c1"));
    await world.led();
    await world.run(100);
    await world.settle(world.candidate(1).running.transferLeader("c0"));
    await world.run(100);
    world.candidate(1).running.stop();
    await reading;
    expect(seen).toEqual(["0 c0 false", "1 c1 false", "1 c1 true", "2 c0 false"]);
    world.stop();
  });

  test("a transfer names a candidate, and one runs at a time", async () => {
    const world = await World.create();
    const { running } = await world.led();
    expect(await running.transferLeader("nobody")).toEqual({
      ok: false,
      error: { reason: "no-successor" },
    });
    const first = running.transferLeader();
    expect(await running.transferLeader()).toEqual({ ok: false, error: { reason: "in-progress" } });
    expect((await world.settle(first)).ok).toBe(true);
    world.stop();
  });

  test("a follower has the log, and takes over without fetching it", async () => {
    const world = await World.create();
    const leader = await world.led();
    for (let i = 0; i < 5; i++) await world.commit(leader);
    await world.run(5_000);
    const health = await world.candidate(1).running.health();
    expect(health).toMatchObject({
      isLeader: false,
      certifiedHeight: 4,
      epoch: 0,
      reachable: null,
    });
    expect((await leader.running.health()).reachable).toBe(4);
    world.stop();
  });

  test.each([
    { open: staticManager, succession: "schedule", to: "c1", error: null },
    { open: staticManager, succession: "schedule", to: "c2", error: "no-successor" },
    { open: singleManager, succession: "single", to: "c1", error: "not-supported" },
    { open: singleManager, succession: "single", to: null, error: "not-supported" },
    { open: singleManager, succession: "single", to: "c0", error: null },
  ] as const)("under $succession, to $to: $error", async ({ open, succession, to, error }) => {
    const rules = { ...CONDUCTOR_RULES, handOverMs: 5_000 };
    const world = await World.create({ candidates: 3, succession, openManager: open, rules });
    const { running } = await world.led();
    const moved = await world.settle(running.transferLeader(to));
    expect(moved.ok ? null : moved.error.reason).toBe(error);
    world.stop();
  });

  test("a leader that restarts goes on in its epoch", async () => {
    const world = await World.create();
    const leader = await world.led();
    await world.commit(leader);
    leader.crash();
    await leader.start();
    await world.led();
    const { result } = await world.commit(leader);
    expect(result.ok).toBe(true);
    expect((await leader.running.health()).epoch).toBe(0);
    world.stop();
  });
});

describe("[C6] an entry of a chunk", () => {
  test("is a payload or an opening, and nothing else", async () => {
    const { header } = chunkIn(GENESIS, null).signed;
    const opening = openingEntry(epoch(0), GENESIS.record.start);
    for (const entry of [opening, { is: "payload", bytes: new Uint8Array([1, 2]) } as const]) {
      const bytes = encodeEntry(entry);
      expect(decodeEntry(bytes)).toEqual(entry);
      expect(await checkLinkage({ ...header, root: entryRoot(bytes) }, bytes)).toBe(true);
      expect(await checkLinkage(header, bytes)).toBe(false);
    }
    const openings = encodeEntry(opening);
    const elsewhere = encodeEntry(openingEntry(epoch(1), GENESIS.record.start));
    expect(await checkLinkage({ ...header, root: entryRoot(elsewhere) }, elsewhere)).toBe(false);
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array([6, ...new Uint8Array(8)]),
      new Uint8Array([...openings, ...openings]),
      openings.slice(0, -1),
    ]) {
      expect(decodeEntry(bytes)).toBeNull();
      expect(await checkLinkage({ ...header, root: entryRoot(bytes) }, bytes)).toBe(false);
    }
  });

  test("travels in one process by endpoint", async () => {
    const network = new InProcessNetwork();
    const heard: string[] = [];
    const stop = network
      .endpoint("b")
      .listen((from, message) => heard.push(`${from} ${message.is}`));
    network.endpoint("a").send("b", { is: "holds", through: 1 });
    expect(heard).toEqual([]);
    await Promise.resolve();
    expect(heard).toEqual(["a holds"]);
    stop();
    network.endpoint("a").send("b", { is: "holds", through: 1 });
    await Promise.resolve();
    expect(heard).toHaveLength(1);
  });
});
