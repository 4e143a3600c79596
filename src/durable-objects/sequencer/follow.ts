/**
 * One step of a candidate that does not lead: forget what is not inherited, read L1, project the log (C6).
 *
 * Ticks call it instead of the reading, repairing, advancing and posting of a leader. What it holds after
 * each step is a whole prefix of the log; a step that is cut short is taken again.
 */

import type { StartPoint } from "../../core/consensus/epoch-record.ts";
import { ok, type Result } from "../../core/types/result.ts";
import type { L1, L1Error } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import { pinIdentity, readL1 } from "./read-l1.ts";
import { type Advance, advance, type Follower, projectedThrough, readThrough } from "./replica.ts";
import { beginReset, isResetDue, resetStep } from "./replica-reset.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import { isResetting } from "./storage/replica-reset.ts";

/** Pages of one step that needs nothing from L1. */
const PAGES_MAX = 4;

export type Followed = Advance & {
  /** Whether the next step has work at once. */
  readonly isMoreDue: boolean;
};

/** The log as the committee has it. */
export type FollowedLog = {
  /** The newest certified height. */
  readonly through: number;
  /** How the newest epoch began; null: none is known. */
  readonly opened: { readonly epoch: number; readonly start: StartPoint } | null;
};

/** `connect` gives one endpoint for the step. */
export async function followOnce(
  follower: Follower,
  { through, opened }: FollowedLog,
  { connect, sliceBlocks }: { readonly connect: () => L1; readonly sliceBlocks: number },
): Promise<Result<Followed, L1Error>> {
  const { runtime } = follower;
  if (opened !== null && isResetDue(runtime, opened)) beginReset(runtime);
  if (isResetting(runtime.sql)) {
    const isMoreDue = forgetPages(follower);
    return ok({ through: -1, waitsFor: null, problem: null, isMoreDue });
  }
  const blockMax = readThrough(follower, through);
  const isRead = blockMax !== null && (loadSafeHead(runtime.sql)?.blockNumber ?? -1) >= blockMax;
  if (blockMax === null || isRead) return ok(projectPages(follower, through));
  const l1 = connect();
  const identity = await pinIdentity(runtime, l1);
  if (!identity.ok) return identity;
  const read = await readL1(runtime, l1, identity.value, sliceBlocks, blockMax);
  if (!read.ok) return read;
  // The log may have been replaced while L1 was read: what waits now is looked at anew.
  const projected = projectPages(follower, through);
  return ok({ ...projected, isMoreDue: projected.isMoreDue || read.value.advanced });
}

/** True when more is due at once. */
export function forgetPages({ runtime, memory }: Pick<Follower, "runtime" | "memory">): boolean {
  for (let page = 0; page < PAGES_MAX; page++) {
    if (!resetStep(runtime, memory)) return false;
  }
  return true;
}

function projectPages(follower: Follower, through: number): Followed {
  const { runtime } = follower;
  let before = projectedThrough(runtime.sql);
  for (let page = 1; ; page++) {
    const now = advance(follower, through);
    const { problem } = now;
    if (problem !== null) {
      const { height, what, event } = problem;
      log("error", "log-mismatch", { height, what, event_index: event });
      // Its own reader or its own old log is what does not fit: the certified log is begun again.
      const isOwnFault =
        problem.what === "overread" || (problem.what === "link" && now.through >= 0);
      if (isOwnFault) beginReset(runtime);
      return { ...now, isMoreDue: isOwnFault };
    }
    const isDone = now.through === before || now.through >= through;
    if (isDone || page === PAGES_MAX)
      return { ...now, isMoreDue: now.through < through && !isDone };
    before = now.through;
  }
}
