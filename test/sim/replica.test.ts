/** What a follower makes of a leader's chunks is the leader's database, whatever the leader lived through. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { expect, test } from "vitest";
import { formatRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import { blockNumber, offset } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { rebuildMemory } from "../../src/durable-objects/sequencer/memory.ts";
import {
  advance,
  projectedThrough,
  readThrough,
} from "../../src/durable-objects/sequencer/replica.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { loadWireBatch } from "../../src/durable-objects/sequencer/storage/inclusion.ts";
import { size } from "../support/size.ts";
import { drawOptions, type Options } from "./options.ts";
import { Random } from "./random.ts";
import { runSeed } from "./run-seed.ts";
import { expectSameTables } from "./same-tables.ts";
import { bytesOf, logOf, Site } from "./site.ts";
import type { World } from "./world.ts";

const ALL = 2 ** 31;
const DAY_MS = 86_400_000;

/** A seed's run in which nothing is deleted while it lasts. */
function keeping(seed: number): Options {
  const options = drawOptions(seed);
  const timing = { ...options.config.timing, retentionMs: 30 * DAY_MS };
  return { ...options, config: { ...options.config, timing } };
}

/** Runs the seed and shows its world, with the log, to `visit`. */
async function afterRun(seed: number, visit: (world: World) => Promise<void>): Promise<void> {
  const outcome = await runSeed(keeping(seed), undefined, false, visit);
  expect(outcome.failure).toBeNull();
}

/** Everything that the leader ever told its readers. */
const published = ({ archive }: World): readonly string[] =>
  Array.from({ length: archive.head }, (_, i) =>
    formatRecord(must(archive.at(offset(i + 1)), "a record")),
  );

const siteOf = ({ options, l1 }: World): Site => new Site(options.config, l1.chain);

function eraOf({ storage }: World): Uint8Array {
  return bytesOf(must(storage.read("SELECT era FROM history")[0], "a history")["era"]);
}

function expectSameMemory(site: Site, world: World): void {
  const { runtime } = must(world.object.parts, "the object is awake");
  const theirs = must(rebuildMemory({ ...runtime, sql: world.storage.view }), "a history");
  const { state, head, log } = site.live;
  expect(state.snapshot()).toEqual(theirs.state.snapshot());
  expect(log).toEqual(theirs.log);
  const { openedAtMs: _a, firstContentAtMs: _b, ...ours } = head;
  const { openedAtMs: _c, firstContentAtMs: _d, ...expected } = theirs.head;
  expect(ours).toEqual(expected);
  const woken = must(rebuildMemory(site.runtime), "a history");
  expect(woken.head).toEqual(head);
  expect(woken.state.snapshot()).toEqual(state.snapshot());
}

function expectSameBatches(site: Site, world: World): void {
  const sealed = world.storage.read(
    "SELECT batch_index, payload_hash FROM batches WHERE sealed_at_ms IS NOT NULL",
  );
  for (const row of sealed) {
    const index = Number(row["batch_index"]);
    const bytes = encodeBatch(loadWireBatch(site.storage.view, index));
    expect(bytes).toEqual(encodeBatch(loadWireBatch(world.storage.view, index)));
    expect(keccak_256(bytes)).toEqual(bytesOf(row["payload_hash"]));
  }
}

const SEEDS = Array.from({ length: size(2, 60) }, (_, i) => i + 1);

test.each(SEEDS)("[C1] seed %i: a follower has the leader's database, to the column", (seed) =>
  afterRun(seed, async (world) => {
    const site = siteOf(world);
    const follower = site.follower(eraOf(world));
    const log = logOf(world.storage);
    for (const [height, chunk] of log.entries()) {
      // Its clock shows what the leader's showed: then the times are the leader's, too.
      site.nowMs = chunk.createdAtMs;
      site.receive([chunk], height);
      expect(await site.follow(follower, height)).toMatchObject({ through: height, problem: null });
    }
    expectSameTables(site.storage, world.storage, { clocks: true, l1: false });
    expectSameMemory(site, world);
    expectSameBatches(site, world);
    const head = must(world.storage.read("SELECT block_number FROM l1_safe_head")[0], "a head");
    await site.read(blockNumber(Number(head["block_number"])));
    expectSameTables(site.storage, world.storage, { clocks: true, l1: true });
    expect(site.published.map(formatRecord)).toEqual(published(world));
    site.storage.close();
  }),
);

test.each(SEEDS)("[C1, C6] seed %i: pages, deaths and lost turns change nothing", (seed) =>
  afterRun(seed, async (world) => {
    const site = siteOf(world);
    const log = logOf(world.storage);
    site.receive(log, 0);
    const random = new Random(seed, "deaths");
    for (let through = -1; through < log.length - 1; ) {
      const follower = site.follower(eraOf(world));
      const blockMax = readThrough(follower, log.length - 1);
      if (blockMax !== null) await site.read(blockMax);
      const answer = advance(follower, random.between(through + 1, log.length - 1));
      expect(answer.problem).toBeNull();
      if (random.chance(0.5)) site.storage.commitTurn();
      site.die();
      site.nowMs += random.below(100_000);
      through = projectedThrough(site.storage.view);
      expect(through).toBeLessThanOrEqual(answer.through);
    }
    expectSameTables(site.storage, world.storage, { clocks: false, l1: false });
    expectSameMemory(site, world);
    const feeds = [site.storage, world.storage].map((one) =>
      recordsAfter(one.view, offset(0), ALL).map(formatRecord),
    );
    expect(feeds[0]).toEqual(feeds[1]);
    expect(site.storage.read("SELECT * FROM replica_chunks")).toEqual([]);
    site.storage.close();
  }),
);
