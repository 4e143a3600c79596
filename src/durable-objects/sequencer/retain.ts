/**
 * Retention: settled history that is old, or the oldest while the database is too large, is deleted
 * page by page (F8). A page is one transaction; if the object dies between pages, the next tick goes
 * on where `available_from` stands.
 */

import { type Offset, offset } from "../../core/types/units.ts";
import { transact } from "../shared/transact.ts";
import type { Runtime } from "./runtime.ts";
import { raiseAvailableFrom, requireHistory } from "./storage/history.ts";
import { deletableThrough, deleteThrough, oldestChunks } from "./storage/retention.ts";

/** Chunks of one page, each at most 64 ops or 1 MiB: some milliseconds of the lane's time. */
export const RETENTION_PAGE_CHUNKS = 16;

/** Deletes at most one page. True when another page is due at once. */
export function retain(runtime: Runtime): boolean {
  const { sql, storage } = runtime;
  const upTo = pageEnd(runtime);
  if (upTo === null) return false;
  const through = offset(Math.max(upTo, requireHistory(sql).availableFrom));
  transact(storage, () => {
    raiseAvailableFrom(sql, through);
    deleteThrough(sql, through);
  });
  return true;
}

/** The last offset of the oldest page that is due; null when none is. */
function pageEnd(runtime: Runtime): Offset | null {
  const { sql, config } = runtime;
  const deletable = deletableThrough(sql);
  const oldMs = runtime.now() - config.timing.retentionMs;
  const isTooLarge = sql.databaseSize > config.retentionBytes;
  let end: Offset | null = null;
  for (const chunk of oldestChunks(sql, RETENTION_PAGE_CHUNKS)) {
    if (chunk.lastOffset > deletable || !(isTooLarge || chunk.createdAtMs < oldMs)) break;
    end = chunk.lastOffset;
  }
  return end;
}
