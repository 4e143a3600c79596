/**
 * Retention: settled history that is old, or the oldest while the database is too large, is deleted
 * page by page (F8). A page is one transaction; if the object dies between pages, the next tick goes
 * on where `available_from` stands.
 */

import { offset } from "../../core/types/units.ts";
import { transact } from "../shared/transact.ts";
import type { Runtime } from "./runtime.ts";
import { loadChunkHead } from "./storage/chunks.ts";
import { checkpointHeight, insertCheckpoint, newestCertificateUpTo } from "./storage/committee.ts";
import { raiseAvailableFrom, requireHistory } from "./storage/history.ts";
import {
  type ChunkAge,
  deletableThrough,
  deleteThrough,
  neededHeight,
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

/** Certified chunks that a follower keeps at least, for validators that it may have to feed as leader. */
const FOLLOWER_CHUNKS_LEAST = 4_096;

/**
 * Who follows prunes nothing by the library, which does that for a leader. So that its history does not grow
 * for ever, it moves its checkpoint by itself, to a certificate far behind and below what is needed (F8).
 */
export function moveCheckpoint({ sql, storage }: Runtime): void {
  const newest = loadChunkHead(sql)?.height ?? -1;
  const most = Math.min(newest - FOLLOWER_CHUNKS_LEAST, neededHeight(sql) - 1);
  const height = newestCertificateUpTo(sql, most);
  if (height - checkpointHeight(sql) < FOLLOWER_CHUNKS_LEAST) return;
  transact(storage, () => insertCheckpoint(sql, height));
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
  // Under a committee validators may still be sent what is beyond the checkpoint; its header stays.
  const checkpoint = config.committee === null ? Infinity : checkpointHeight(sql);
  let end: ChunkAge | null = null;
  for (const chunk of oldestChunks(sql, RETENTION_PAGE_CHUNKS)) {
    if (chunk.height >= checkpoint) break;
    if (chunk.lastOffset >= deletable || !(isTooLarge || chunk.createdAtMs < oldMs)) break;
    end = chunk;
  }
  return end;
}
