/** The real rollback at a pivot of the test's choice, where recovery would decide on another one. */

import { expect } from "vitest";
import { type Rollback, rollBackFrom } from "../../../src/durable-objects/sequencer/rollback.ts";
import type { Rig } from "./rig.ts";

/** Voids the batches from `pivotIndex` on; readers are told. */
export function cascade(rig: Rig, pivotIndex: number): Rollback {
  const rollback = rig.lane.renew(() => rollBackFrom(rig.runtime, pivotIndex));
  return rollback ?? expect.unreachable("a pivot is given");
}

/** The same from the valid batch `depth` below the open one, or from the root. */
export function cascadeFrom(rig: Rig, depth: number): Rollback {
  const nonce = Math.max(0, rig.live().head.batchNonce - depth);
  const { i } = rig.sql
    .exec<{ i: number }>("SELECT batch_index AS i FROM valid_batches WHERE nonce = ?", nonce)
    .one();
  return cascade(rig, i);
}
