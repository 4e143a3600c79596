/** Scenes that tests share, from one seed each: several leaders, and whoever follows them. */

import { type ChunkEvent, decodeEvents } from "../../src/core/chunk/event.ts";
import { assert } from "../../src/core/types/assert.ts";
import { drawOptions, type Options } from "./options.ts";
import { Scene } from "./scene.ts";
import type { Rebuilt, Site, Written } from "./site.ts";

/** Some acts of one leader after the other. */
export async function play(seed: number, options: Options = drawOptions(seed)): Promise<Scene> {
  const scene = new Scene(options);
  scene.burden(scene.random.pick([0, 24, 80]));
  await scene.leader.found();
  const leaders = scene.random.between(1, 5);
  for (let leader = 1; ; leader++) {
    const acts = scene.random.between(0, 60);
    for (let i = 0; i < acts; i++) await scene.act();
    if (leader === leaders) return scene;
    await scene.transfer();
  }
}

/** A candidate that has followed the whole log, at the times of its chunks. */
export async function followed(scene: Scene, rebuilt: Rebuilt | null = null): Promise<Site> {
  const site = scene.newSite();
  const follower = site.follower(scene.era, rebuilt);
  for (const [height, chunk] of scene.log.entries()) {
    site.nowMs = chunk.createdAtMs;
    site.receive([chunk], height);
    const { through, problem } = await site.follow(follower, height);
    assert(through === height && problem === null, "C1: a leader's log fits");
  }
  return site;
}

/** Options with a snapshot in every seal, so that no local clock decides. */
export function snapshotting(seed: number): Options {
  const options = drawOptions(seed);
  const timing = { ...options.config.timing, snapshotMs: 0 };
  return { ...options, config: { ...options.config, timing } };
}

export function eventsOf(chunk: Written): readonly ChunkEvent[] {
  const events = decodeEvents(chunk.events);
  assert(events.ok, "C1: a chunk's events decode");
  return events.value;
}
