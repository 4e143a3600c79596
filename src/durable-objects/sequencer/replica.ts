/**
 * Following a log: the chunks of whoever leads become this object's own rows, state and feed (C1, C6).
 *
 * One transaction takes a page of chunks. The newest chunk of the table is the cursor, so a death at any
 * point leaves a whole number of chunks, and asking again goes on behind them. A chunk that does not fit
 * leaves nothing, and says where it does not; those before it in its page stay.
 *
 * Direct inputs come from our own reader and from nowhere else: a chunk waits until the reader has come to
 * the block of its last frame, and its direct inputs are compared with what was read. The reader in turn
 * goes no further than that block (`readThrough`). By then every own batch up to it is known here: the
 * leader wrote the frame after it had read the block, a batch in the block was posted before that, and
 * sealed, in an earlier commit, before it was posted. All of those are in the log before this chunk, for a
 * batch is posted only when its seal is certified (C7), and they are projected. Further on a batch
 * may lie whose seal is in a chunk not seen yet, and it would be taken for a divergence (N15).
 */

import type { ApplicationState } from "../../core/application/application.ts";
import type { FeedRecord } from "../../core/feed/record.ts";
import { must } from "../../core/types/assert.ts";
import { BLOB_BYTES_MAX } from "../../core/types/protocol.ts";
import { type BlockNumber, blockNumber } from "../../core/types/units.ts";
import { transact } from "../shared/transact.ts";
import {
  ChunkMismatch,
  type LogChunk,
  type MismatchKind,
  NOTHING_WRITTEN,
  readChunk,
} from "./chunk-checker.ts";
import { type Lane, ORDERED_ELSEWHERE, type Renewal } from "./lane.ts";
import type { Memory, MemoryStore } from "./memory.ts";
import {
  type Projected,
  projectChunk,
  projectFirstChunk,
  type ReplicaOrigin,
} from "./replica-chunk.ts";
import { isUnsettled, settleLandings } from "./replica-snapshot.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce } from "./storage/acceptance.ts";
import { loadChunkHead } from "./storage/chunks.ts";
import { insertFirstCheckpoint } from "./storage/committee.ts";
import { loadSafeHead } from "./storage/l1-inputs.ts";
import {
  deleteWaitingFrom,
  deleteWaitingThrough,
  insertWaiting,
  loadWaiting,
  type ReceivedChunk,
  waitingThrough,
} from "./storage/replica.ts";
import { moveCertificates } from "./storage/waiting-log.ts";

/** Events of one page, and its chunks: some tens of milliseconds, and a bounded transaction. */
const PAGE_BYTES = 2 * BLOB_BYTES_MAX;
export const PAGE_CHUNKS = 64;

export type Follower = {
  readonly runtime: Runtime;
  readonly lane: Pick<Lane, "renew">;
  readonly memory: MemoryStore;
  /** What chunk 0 begins with. The state is made anew each time, since it is executed in place. */
  readonly origin: Omit<ReplicaOrigin, "state"> & { readonly state: () => ApplicationState };
};

/**
 * `diverged`: our own reader found that L1 and this log parted (N15). `overread`: it found that on tables
 * whose reader had gone beyond their log, as a leader's does that was replaced and did not know; it says
 * nothing about the log, and the tables are to be forgotten (`replica-reset.ts`).
 */
export type Mismatch = {
  readonly height: number;
  readonly what: MismatchKind | "diverged" | "overread";
  /** Index of the event in its chunk; null where it is about none. */
  readonly event: number | null;
};

export type Advance = {
  /** The newest projected height; -1 before the first. */
  readonly through: number;
  /** The block at which the next chunk needs our reader; null when none waits, or it may go on at once. */
  readonly waitsFor: BlockNumber | null;
  readonly problem: Mismatch | null;
};

/** The newest height that is in the tables with all that it says; -1 before the first. */
export function projectedThrough(sql: SqlStorage): number {
  return loadChunkHead(sql)?.height ?? -1;
}

/**
 * Stores chunks from height `from` on, in place of what waits there, until they are projected. They follow
 * each other, and what is there or waits below.
 */
export function receiveChunks(
  { sql, storage }: Runtime,
  from: number,
  chunks: readonly ReceivedChunk[],
): void {
  transact(storage, () => {
    deleteWaitingFrom(sql, from);
    for (const [i, chunk] of chunks.entries()) insertWaiting(sql, from + i, chunk);
  });
}

/** The newest height that is projected or waits; -1 where nothing is. */
export function receivedThrough(sql: SqlStorage): number {
  return Math.max(projectedThrough(sql), waitingThrough(sql));
}

/** Projects one page of what waits at or below `through`, as far as our own reader allows. */
export function advance(follower: Follower, through: number): Advance {
  const { runtime } = follower;
  const head = loadChunkHead(runtime.sql);
  const from = (head?.height ?? -1) + 1;
  const page = readPage(runtime.sql, from, Math.min(through, from + PAGE_CHUNKS - 1));
  // Before anything that our reader found: what it finds says nothing about a log that is not continued.
  if (!isContinued(head, page.chunks[0])) {
    const problem = { height: from, what: "link", event: null } as const;
    return { through: from - 1, waitsFor: null, problem };
  }
  if (divergedAtNonce(runtime.sql) !== null) {
    const what = isOverread(follower, through) ? "overread" : "diverged";
    return { through: from - 1, waitsFor: null, problem: { height: from, what, event: null } };
  }
  const { ready, waitsFor } = countReady(follower, page.chunks);
  const mismatch = project(follower, page.chunks.slice(0, ready));
  if (mismatch === null && waitsFor !== null && isUnsettled(runtime.sql)) settleLandings(runtime);
  const isCut = ready < page.chunks.length;
  return {
    through: projectedThrough(runtime.sql),
    waitsFor: mismatch === null ? waitsFor : null,
    problem: mismatch ?? (isCut ? null : page.problem),
  };
}

/**
 * How far a follower's reader may go now: to the block that the next chunk at or below `through` needs.
 * Null: it may read nothing. So it is where that chunk continues another log than the one here: what L1
 * accepted of that one would look like a divergence, and `advance` answers `link`.
 */
export function readThrough(follower: Follower, through: number): BlockNumber | null {
  const { sql } = follower.runtime;
  // What was read before the log is judged first (`replica-snapshot.ts`).
  if (isUnsettled(sql)) return null;
  const head = loadChunkHead(sql);
  const from = (head?.height ?? -1) + 1;
  const [next] = readPage(sql, from, Math.min(through, from)).chunks;
  return next === undefined || !isContinued(head, next) ? null : neededBlock(follower, next);
}

/** Whether the next chunk, where there is one, follows the head. */
function isContinued(head: ReturnType<typeof loadChunkHead>, next: LogChunk | undefined): boolean {
  return head === null || next === undefined || next.stated.parent === head.hash;
}

/** Whether the reader has gone further than the next chunk needs, or there is none that it was to read for. */
function isOverread(follower: Follower, through: number): boolean {
  const head = loadSafeHead(follower.runtime.sql)?.blockNumber ?? -1;
  return head > (readThrough(follower, through) ?? -1);
}

type Page = { readonly chunks: readonly LogChunk[]; readonly problem: Mismatch | null };

/** Chunks that are what their headers say, up to the first that is not. */
function readPage(sql: SqlStorage, from: number, through: number): Page {
  const chunks: LogChunk[] = [];
  for (const received of loadWaiting(sql, { from, through, bytesMax: PAGE_BYTES })) {
    const chunk = readChunk(received);
    if (!chunk.ok) {
      const height = from + chunks.length;
      return { chunks, problem: { height, what: chunk.error, event: null } };
    }
    chunks.push(chunk.value);
  }
  return { chunks, problem: null };
}

/**
 * The block of the chunk's last frame, or the base of a rebuilt history; null when it needs none. A rebuilt
 * history begins before anything is read, so that the reader stops at its base and compares it (R5).
 */
function neededBlock({ origin }: Follower, { stated, list }: LogChunk): BlockNumber | null {
  const base = origin.base?.block ?? null;
  if (stated.height === 0 && base !== null) return null;
  const blocks = list.flatMap((event) => (event.kind === "frame" ? [event.safeBlock] : []));
  const most = Math.max(-1, base ?? -1, ...blocks);
  return most === -1 ? null : blockNumber(most);
}

/** How many of the chunks our reader has come far enough for, and how far the next one wants it. */
function countReady(
  follower: Follower,
  chunks: readonly LogChunk[],
): { readonly ready: number; readonly waitsFor: BlockNumber | null } {
  const head = loadSafeHead(follower.runtime.sql)?.blockNumber ?? -1;
  for (const [ready, chunk] of chunks.entries()) {
    const waitsFor = neededBlock(follower, chunk);
    if (waitsFor !== null && waitsFor > head) return { ready, waitsFor };
  }
  return { ready: chunks.length, waitsFor: null };
}

/** All of the chunks in one transaction, or those before the first that does not fit. */
function project(follower: Follower, chunks: readonly LogChunk[]): Mismatch | null {
  if (chunks.length === 0) return null;
  let at = 0;
  try {
    follower.lane.renew(() =>
      inOneGo(follower, chunks, (index) => {
        at = index;
      }),
    );
    return null;
  } catch (error) {
    if (!(error instanceof ChunkMismatch)) throw error;
    const height = must(chunks[at], "a chunk was at hand").stated.height;
    // What is before it fits, and is projected again without it.
    const before = project(follower, chunks.slice(0, at));
    return before ?? { height, what: error.what, event: error.event };
  }
}

function inOneGo(
  { runtime, memory, origin }: Follower,
  chunks: readonly LogChunk[],
  isAt: (index: number) => void,
): Renewal {
  const nowMs = runtime.now();
  let next: Memory | null = memory.get();
  let records: readonly FeedRecord[] | null = [];
  for (const [index, chunk] of chunks.entries()) {
    isAt(index);
    const projected: Projected =
      next === null
        ? projectFirstChunk(runtime, { ...origin, state: origin.state() }, chunk, nowMs)
        : projectChunk(runtime, next, chunk, nowMs);
    next = projected.next;
    const { records: more } = projected.draft;
    records = records === null || more === null ? null : [...records, ...more];
  }
  const end = must(next, "a page has a chunk");
  moveCertificates(runtime.sql, end.log.height - 1);
  insertFirstCheckpoint(runtime.sql);
  deleteWaitingThrough(runtime.sql, end.log.height - 1);
  return { records, written: NOTHING_WRITTEN, next: end, ...ORDERED_ELSEWHERE };
}
