/** Logs that several leaders wrote, with commits cut into chunks, and what followers make of them (C6). */

import { expect, test } from "vitest";
import { decodeHeader } from "../../src/core/chunk/header.ts";
import { formatRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import { BLOB_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { blockNumber, offset } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import type { Followed, FollowedLog } from "../../src/durable-objects/sequencer/follow.ts";
import { rebuildMemory } from "../../src/durable-objects/sequencer/memory.ts";
import {
  advance,
  projectedThrough,
  readThrough,
  receivedThrough,
} from "../../src/durable-objects/sequencer/replica.ts";
import {
  beginReset,
  isResetDue,
  resetStep,
} from "../../src/durable-objects/sequencer/replica-reset.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { isResetting } from "../../src/durable-objects/sequencer/storage/replica-reset.ts";
import { size } from "../support/size.ts";
import type { Random } from "./random.ts";
import { expectSameTables } from "./same-tables.ts";
import { Scene } from "./scene.ts";
import { large, ownBatch } from "./scene-inputs.ts";
import { eventsOf, followed, play, snapshotting } from "./scenes.ts";
import { logOf, type Site, type Written } from "./site.ts";

const ALL = 2 ** 31;
const SEEDS = Array.from({ length: size(2, 200) }, (_, i) => i + 1);

const safeHead = ({ storage }: Site) =>
  blockNumber(
    Number(must(storage.read("SELECT block_number AS n FROM l1_safe_head")[0], "a head")["n"]),
  );

const feedOf = ({ storage }: Site) => recordsAfter(storage.view, offset(0), ALL).map(formatRecord);

test.each(SEEDS)(
  "[C1, C6] seed %i: a follower of several leaders has the last one's database",
  async (seed) => {
    const scene = await play(seed);
    const { leader } = scene;
    const site = await followed(scene);
    await site.read(safeHead(leader));
    await leader.read(safeHead(site));
    expectSameTables(site.storage, leader.storage, { clocks: scene.epoch === 0, l1: true });
    expect(feedOf(site)).toEqual(feedOf(leader));
    expect(site.live.state.snapshot()).toEqual(leader.live.state.snapshot());
    expect(site.live.log).toEqual(leader.live.log);
    const woken = must(rebuildMemory(leader.runtime), "a history");
    expect(woken.state.snapshot()).toEqual(leader.live.state.snapshot());
  },
);

test.each(SEEDS)(
  "[C6, N15] seed %i: whoever led before forgets what is not inherited, and follows",
  async (seed) => {
    const scene = await play(seed);
    const { leader, log } = scene;
    for (const [i, site] of scene.retired.entries()) {
      // It did not know that it was replaced.
      if (scene.random.chance(0.5)) await site.read();
      const opened = must(scene.opened[i], "each was replaced");
      const held = projectedThrough(site.storage.view);
      const isDue = held > must(opened.start.inherited, "a log is there").height;
      expect(isResetDue(site.runtime, opened)).toBe(isDue);
      if (isDue && scene.random.chance(0.5)) forget(site, scene.random);
      // By now another one may have taken over, and inherited less.
      const newest = must(scene.opened.at(-1), "each was replaced");
      expect(await followOn(site, scene, newest)).toMatchObject({ problem: null });
      expect(projectedThrough(site.storage.view)).toBe(log.length - 1);
      expectSameTables(site.storage, leader.storage, { clocks: false, l1: false });
      expect(site.live.state.snapshot()).toEqual(leader.live.state.snapshot());
    }
  },
);

/** Ticks, between which it is given what it lacks of the log. */
async function followOn(
  site: Site,
  { log, era }: Scene,
  opened: FollowedLog["opened"],
): Promise<Followed> {
  for (let tick = 0; ; tick++) {
    const from = receivedThrough(site.storage.view) + 1;
    if (from < log.length) site.receive(log.slice(from), from);
    const answer = await site.followByTicks(site.follower(era), {
      through: log.length - 1,
      opened,
    });
    if (answer.through === log.length - 1 || tick === 5) return answer;
  }
}

/** To the end, with a death at any page. */
function forget(site: Site, random: Random): void {
  beginReset(site.runtime);
  site.storage.commitTurn();
  for (let isMore = true; isMore; ) {
    isMore = resetStep(site.runtime, site.memory);
    if (random.chance(0.3)) isMore = true;
    else site.storage.commitTurn();
    site.die();
  }
  expect(isResetting(site.storage.view)).toBe(false);
}

test("[C6, N15] a leader that slept through two epochs takes no batch of theirs for a divergence", async () => {
  const scene = new Scene(snapshotting(1));
  await scene.leader.found();
  const slept = scene.leader;
  for (const kind of ["op", "seal", "op", "op", "op", "op", "op"] as const) await scene.actAs(kind);
  await scene.transfer();
  const head = projectedThrough(slept.storage.view);
  expect(scene.opened[0]?.start.inherited?.height).toBeLessThan(head - 2);
  for (const kind of ["op", "seal"] as const) await scene.actAs(kind);
  while (scene.log.length <= head) await scene.actAs("op");
  // The chunk behind what it holds needs the block of a batch that it does not know.
  for (const kind of ["land", "mine", "frame", "op", "seal", "land"] as const)
    await scene.actAs(kind);
  await scene.transfer();
  const newest = must(scene.opened.at(-1), "the second one");
  // By its height alone it could be what the newest epoch inherits.
  expect(isResetDue(slept.runtime, newest)).toBe(false);
  slept.receive(scene.log.slice(head + 1), head + 1);
  const through = scene.log.length - 1;
  expect(readThrough(slept.follower(scene.era), through)).toBeNull();
  expect(advance(slept.follower(scene.era), through).problem?.what).toBe("link");
  expect(await followOn(slept, scene, newest)).toMatchObject({ problem: null });
  expect(slept.storage.read("SELECT * FROM canonical_divergence")).toEqual([]);
  expect(slept.live.log).toEqual(scene.leader.live.log);
});

test.each(SEEDS)("[C1, C6] seed %i: whoever followed goes on with the same bytes", async (seed) => {
  const scene = await play(seed, snapshotting(seed));
  const copy = await followed(scene);
  const { leader } = scene;
  await leader.read();
  await copy.read();
  const from = scene.log.length;
  const steps = scene.continuation();
  for (const [i, step] of steps.entries()) {
    for (const site of [leader, copy]) {
      site.nowMs = scene.nowMs + i;
      step(site);
      site.storage.commitTurn();
    }
  }
  const [theirs, ours] = [leader, copy].map(({ storage }) => logOf(storage).slice(from));
  expect(theirs?.length).toBeGreaterThanOrEqual(steps.length);
  expect(ours).toEqual(theirs);
  expectSameTables(copy.storage, leader.storage, { clocks: false, l1: true });
});

test.each(SEEDS)("[R5, C1] seed %i: a rebuilt era is followed from its baseline", async (seed) => {
  const scene = new Scene(snapshotting(seed));
  scene.burden(scene.random.pick([0, 8]));
  const rebuilt = await scene.foundRebuilt();
  for (let i = 0; i < 40; i++) await scene.act();
  await scene.transfer(rebuilt);
  for (let i = 0; i < 20; i++) await scene.act();
  const site = await followed(scene, rebuilt);
  await site.read(safeHead(scene.leader));
  await scene.leader.read(safeHead(site));
  expectSameTables(site.storage, scene.leader.storage, { clocks: false, l1: true });
  expect(site.live.state.snapshot()).toEqual(scene.leader.live.state.snapshot());
});

test("[N15, C7] a follower that read beyond its log would take an unseen batch for a divergence", async () => {
  const scene = new Scene(snapshotting(1));
  await scene.leader.found();
  const began = scene.log.length;
  for (const kind of ["op", "seal", "land", "mine", "frame", "op"] as const)
    await scene.actAs(kind);
  const { log, era } = scene;
  const [held, free] = [scene.newSite(), scene.newSite()];
  for (const site of [held, free]) {
    site.receive(log.slice(0, began), 0);
    await site.follow(site.follower(era), began - 1);
    site.receive(log.slice(began), began);
  }
  await free.read();
  expect(advance(free.follower(era), log.length - 1).problem?.what).toBe("overread");
  expect(readThrough(held.follower(era), began - 1)).toBeNull();
  const answer = await held.follow(held.follower(era), log.length - 1);
  expect(answer).toMatchObject({ through: log.length - 1, problem: null });
  expect(held.storage.read("SELECT nonce FROM safe_accepted_batches")).toEqual([{ nonce: 0 }]);
});

test("[N15] a batch that the log does not have is a divergence for a follower that read no further", async () => {
  const [scene, other] = [new Scene(snapshotting(1)), new Scene(snapshotting(1))];
  await scene.leader.found();
  scene.mine();
  const { submitter } = scene.options.config;
  other.mine([ownBatch(submitter, 0, encodeBatch({ nonce: 0n, frames: [] }))]);
  await scene.actAs("frame");
  const { log, era } = scene;
  const site = other.newSite();
  site.receive(log, 0);
  const { through, problem } = await site.follow(site.follower(era), log.length - 1);
  expect({ through, problem }).toEqual({
    through: log.length - 2,
    problem: { height: log.length - 1, what: "diverged", event: null },
  });
});

test("[C2, C7] under a committee a follower has each chunk's signature, and what its leader sealed and covered", async () => {
  const options = snapshotting(2);
  const committee = { candidates: [], validators: [] };
  const scene = await play(2, { ...options, config: { ...options.config, committee } });
  const { log } = scene;
  const site = scene.newSite();
  site.receive(log, 0);
  const answer = await site.follow(site.follower(scene.era), log.length - 1);
  expect(answer.problem).toBeNull();
  const facts = "SELECT height, sealed_through, watermark_through FROM log_facts";
  expect(site.storage.read(facts)).toEqual(scene.leader.storage.read(facts));
  expect(site.storage.read(facts).length).toBeGreaterThan(0);
  expect(site.storage.read("SELECT height, signature FROM chunk_signatures")).toEqual(
    log.map((_chunk, height) => ({ height, signature: new Uint8Array(64).fill(height) })),
  );
});

/** Bytes of the events that a frame and its 18 direct inputs make, before those of the last payload. */
const DRAINED_BYTES = 23 + 17 * (101 + 60_000) + 101;
const SEAL_BYTES = 81;
const FRAME_BYTES = 23;

test.each([
  { room: SEAL_BYTES - 1, what: "neither fits" },
  { room: SEAL_BYTES, what: "the seal alone would fit" },
  { room: SEAL_BYTES + FRAME_BYTES - 1, what: "the seal and all but a byte would fit" },
  { room: SEAL_BYTES + FRAME_BYTES, what: "both fit" },
])("[C1] no chunk ends between a seal and the frame behind it: $what", async ({ room }) => {
  const scene = new Scene(snapshotting(1));
  await scene.leader.found();
  const last = BLOB_BYTES_MAX - DRAINED_BYTES - room;
  scene.mine([...Array.from({ length: 17 }, (_, i) => large(i)), large(17, last)]);
  await scene.leader.read();
  const before = scene.log.length;
  scene.leader.lane.commit((draft) => {
    draft.openFrame(safeHead(scene.leader));
    draft.seal();
  });
  scene.leader.storage.commitTurn();
  const chunks = scene.log.slice(before).map((chunk) => eventsOf(chunk).map(({ kind }) => kind));
  expect(chunks.flat().slice(-2)).toEqual(["seal", "frame"]);
  expect(chunks.map((kinds) => kinds.slice(-1))).toEqual(
    chunks.length === 1 ? [["frame"]] : [["direct"], ["frame"]],
  );
  expect(chunks.length).toBe(room < SEAL_BYTES + FRAME_BYTES ? 2 : 1);
  await followed(scene);
});

test("[C1, C6] the seeds above cut commits into chunks, also where an epoch opens", async () => {
  const scenes = await Promise.all(SEEDS.slice(0, 4).map((seed) => play(seed)));
  const openings = scenes.flatMap(({ log }) =>
    log.filter(
      (chunk, i) => i > 0 && epochOf(chunk) !== epochOf(must(log[i - 1], "the one before")),
    ),
  );
  expect(openings.length).toBeGreaterThan(4);
  // The inherited log ended in the middle of a frame's direct inputs.
  expect(openings.filter(({ events }) => events.length > 33).length).toBeGreaterThan(0);
  const counts = scenes.flatMap((scene) => [...scene.counts.keys()]);
  for (const kind of ["cascade", "land", "burst", "loss", "watermark"])
    expect(counts).toContain(kind);
});

function epochOf({ header }: Written): number {
  const decoded = decodeHeader(header);
  return decoded.ok ? decoded.value.epoch : expect.unreachable("a header decodes");
}
