/** Whole committees for the time of one scenario, judged at its end. */

import { expect } from "vitest";
import { World, type WorldOptions } from "./world.ts";

/** Commits until `count` more blocks are certified, through whoever leads. */
export async function commitMany(world: World, count: number): Promise<void> {
  for (let done = 0; done < count; ) {
    const leader = world.leader() ?? (await world.led());
    const { result } = await world.commit(leader);
    if (result.ok) done += 1;
  }
}

/** Nothing certified is lost, nobody acked twice, and nothing was said before it was written. */
function expectSound(world: World): void {
  const { auditor, unwritten } = world;
  expect({
    doubles: auditor.doubles,
    lost: auditor.lost,
    doubleAcks: auditor.doubleAcks,
    offsetsGoUp: auditor.offsetsGoUp,
    unwritten,
  }).toEqual({ doubles: [], lost: [], doubleAcks: [], offsetsGoUp: true, unwritten: [] });
}

export async function withWorld(
  options: Partial<WorldOptions>,
  live: (world: World) => Promise<void>,
): Promise<void> {
  const world = await World.create(options);
  await live(world);
  expectSound(world);
  world.stop();
}
