/**
 * Retention: settled history that is old, or the oldest while the database is too large, is deleted
 * page by page (F8). A page is one transaction; if the object dies between pages, the next tick goes
 * on where `available_from` stands.
 */

import { offset } from "../../core/types/units.ts";
import { transact } from "../shared/transact.ts";
import type { Runtime } from "./runtime.ts";
import { raiseAvailableFrom, requireHistory } from "./storage/history.ts";
import {
  type ChunkAge,
  deletableThrough,
  deleteThrough,
  oldestChunks,
} from "./storage/retention.ts";

/** Chunks of one page, each at most 64 ops or 1 MiB: some milliseconds of the lane's time. */
export const RETENTION_PAGE_CHUNKS = 16;

/** Deletes at most one page. True when another page is due at once. */
export function retain(runtime: Runtime): boolean {
  const { sql, storage } = runtime;
  const end = pageEnd(runtime);
  if (end === null) return false;
  const through = offset(Math.max(end.lastOffset, requireHistory(sql).availableFrom));
  transact(storage, () => {
    raiseAvailableFrom(sql, through);
    deleteThrough(sql, through, end.height);
  });
  return true;
}

/**
 * The last chunk of the oldest page that is due; null when none is.
 *
 * The chunk with the snapshot's own record stays, and so do those behind it: there, often in chunks without
 * any record, stand the snapshot's seal and the frames of batches that L1 has not accepted (C1).
 */
function pageEnd(runtime: Runtime): ChunkAge | null {
  const { sql, config } = runtime;
  const deletable = deletableThrough(sql);
  const oldMs = runtime.now() - config.timing.retentionMs;
  const isTooLarge = sql.databaseSize > config.retentionBytes;
  let end: ChunkAge | null = null;
  for (const chunk of oldestChunks(sql, RETENTION_PAGE_CHUNKS)) {
    if (chunk.lastOffset >= deletable || !(isTooLarge || chunk.createdAtMs < oldMs)) break;
    end = chunk;
  }
  return end;
}
