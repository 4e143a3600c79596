/** The memory is what a wake-up would make of the database (N17). */

import { expect } from "vitest";
import { rebuildMemory } from "../../../src/durable-objects/sequencer/memory.ts";
import type { Rig } from "./rig.ts";

/** Head, log, snapshot mark and state bytes of a rebuilt memory are those of the live one. */
export function expectSameAfterWake(rig: Rig): void {
  const { state, ...rest } = rig.live();
  const rebuilt = rebuildMemory(rig.runtime) ?? expect.unreachable("genesis is done");
  const { state: woken, ...expected } = rebuilt;
  expect(rest).toEqual(expected);
  expect(state.snapshot()).toEqual(woken.snapshot());
  expect(state.progress()).toEqual(woken.progress());
}
