/**
 * The sequencer object's turns but for posting and recovery: it seals, reads a slice, dies.
 *
 * The acts are written here as the object performs them; what they decide is decided by `src/core`.
 * Sealing is never forbidden: the object closes a batch that is due in every mode.
 */

import { bytesEqual } from "../../src/core/types/bytes.ts";
import type { Config } from "./code-config.ts";
import { isAccepted } from "./code-l1.ts";
import { expandPosting } from "./code-post.ts";
import { expandRecovery } from "./code-recover.ts";
import {
  type Batch,
  bytesOf,
  type CodeState,
  type Payload,
  type To,
  withOpened,
} from "./code-state.ts";

export function expandObject(state: CodeState, config: Config, to: To): void {
  seal(state, config, to);
  read(state, config, to);
  expandPosting(state, config, to);
  expandRecovery(state, config, to);
  // Whether a sync is due after a wake-up depends on the clock; without one more can happen.
  if (state.progress.at !== "inspecting" || state.view !== null) {
    to("the object dies", { progress: { at: "inspecting" }, view: null });
  }
}

function seal(state: CodeState, { bounds }: Config, to: To): void {
  const open = state.batches.at(-1);
  if (open?.is !== "open" || state.batches.length >= bounds.batchesMax) return;
  const closed = state.batches.map(
    (batch): Batch => (batch === open ? { ...batch, is: "closed" } : batch),
  );
  to(`batch ${closed.length - 1} seals`, {
    batches: withOpened(closed, open.nonce + 1, state.storedHead),
  });
}

/** Everything at safe depth is read in one transaction, with its acceptance (R4). */
function read(state: CodeState, { decisions }: Config, to: To): void {
  const { safeHead, unread } = state;
  if (state.storedHead >= safeHead) return;
  let { frontier, fault } = state;
  for (const landing of unread) {
    if (!isAccepted(state, landing, frontier, decisions)) continue;
    if (!isSealed(state, landing.payload, frontier)) fault = `divergence at nonce ${frontier}`;
    frontier++;
  }
  to(`reads to step ${safeHead}`, {
    storedHead: safeHead,
    frontier,
    unread: unread.filter((landing) => landing.step === null),
    fault,
  });
}

/** Whether the landed bytes are those of the valid closed batch of this nonce. */
function isSealed({ batches }: CodeState, payload: Payload, nonce: number): boolean {
  const landed = batches[payload];
  const at = batches.findIndex((batch) => batch.is === "closed" && batch.nonce === nonce);
  const sealed = batches[at];
  if (landed === undefined || sealed === undefined) return false;
  return bytesEqual(bytesOf(landed, payload), bytesOf(sealed, at));
}
