/**
 * Forgetting a log that the committee does not continue, to begin again from the one that it does (C6).
 *
 * A leader that was replaced may hold chunks that nobody certified and no epoch inherits; its rows beyond
 * the inherited head promise nothing, and what L1 accepted since may look like a divergence here (N15).
 * All of it is in the log and on L1, so nothing is lost with it. What is this candidate's own stays: its
 * deployment, its keys, the epoch records, the operator's policy.
 *
 * First a row says that the log is being forgotten, which opens the append-only tables; then they are
 * emptied page by page; the row goes with the last page. If the object dies in between, the row is there
 * and the next step goes on. Until then nothing is ordered, projected or read.
 */

import type { StartPoint } from "../../core/consensus/epoch-record.ts";
import { log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import type { MemoryStore } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { loadChunkHead } from "./storage/chunks.ts";
import { deletePage, endReset, insertReset, isResetting } from "./storage/replica-reset.ts";

/**
 * Whether these tables must be forgotten before the epoch's log can be followed. A log that is shorter than
 * what is inherited may still be another one: then `advance` answers `link`, or `overread`, and they must
 * be, too.
 */
export function isResetDue(
  { sql }: Runtime,
  opened: { readonly epoch: number; readonly start: StartPoint },
): boolean {
  const head = loadChunkHead(sql);
  if (head === null || head.epoch >= opened.epoch) return false;
  const { inherited } = opened.start;
  if (inherited === null || head.height > inherited.height) return true;
  return head.height === inherited.height && head.hash !== inherited.hash;
}

/** Idempotent. From now on `resetStep` is due. */
export function beginReset({ sql, storage, now }: Runtime): void {
  if (isResetting(sql)) return;
  transact(storage, () => insertReset(sql, now()));
  log("warn", "log-forgotten", { height: loadChunkHead(sql)?.height ?? -1 });
}

/** Deletes one page. True when another one is due; the object is empty after the last. */
export function resetStep({ sql, storage }: Runtime, memory: MemoryStore): boolean {
  if (!isResetting(sql)) return false;
  memory.drop();
  return transact(storage, () => {
    if (deletePage(sql)) return true;
    endReset(sql);
    return false;
  });
}
