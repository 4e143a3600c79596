/**
 * The object's memory: a cache of its database, rebuilt on wake and dropped whole on any error.
 *
 * The application state is the newest valid snapshot with the valid rows after it executed on top,
 * through the same door as the lane. It changes only inside the lane's transaction; when that
 * transaction fails, memory and database disagree, so the memory is dropped and rebuilt.
 */

import type { ApplicationState } from "../../core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../../core/application/execute.ts";
import type { FeedRecord } from "../../core/feed/record.ts";
import type { Head } from "../../core/lane/head.ts";
import { assert, must } from "../../core/types/assert.ts";
import { type Hash32, hash32 } from "../../core/types/hex.ts";
import { type Offset, offset, type UnixMs } from "../../core/types/units.ts";
import { BATCH_BYTES_BASE, FRAME_BYTES, userOpBytes } from "../../core/wire/batch.ts";
import type { Runtime } from "./runtime.ts";
import { loadChunkHead } from "./storage/chunks.ts";
import { recordsAfter } from "./storage/egress.ts";
import { feedHead, loadHistory } from "./storage/history.ts";
import { loadOpenBatch, type OpenBatch } from "./storage/inclusion.ts";
import { loadPolicy } from "./storage/policy.ts";
import { isResetting } from "./storage/replica-reset.ts";
import { loadState, newestValidSnapshot } from "./storage/snapshots.ts";

/** Where the next chunk goes. */
export type LogHead = {
  /** Of the last chunk, and of the next one: only the chunk that opens an epoch raises it (C6). */
  readonly epoch: number;
  /** Height of the next chunk. */
  readonly height: number;
  /** Hash of the last chunk; zero before the first. */
  readonly parent: Hash32;
  /** Offset of the next feed record. */
  readonly nextOffset: Offset;
};

/** What the newest snapshot was taken at, for the rule that says when the next is due (V1). */
export type SnapshotMark = { readonly executedInputCount: number; readonly takenAtMs: UnixMs };

export type Memory = {
  readonly era: Uint8Array;
  readonly state: ApplicationState;
  head: Head;
  log: LogHead;
  snapshot: SnapshotMark;
  /** S6, read with the policy when the batch opened. */
  targetBytes: number;
};

export const ZERO_HASH: Hash32 = hash32(`0x${"00".repeat(32)}`);

/** Where the first chunk goes. */
export const EMPTY_LOG: LogHead = { epoch: 0, height: 0, parent: ZERO_HASH, nextOffset: offset(1) };

const REPLAY_PAGE_RECORDS = 256;

/** Null before genesis, and during a reset. Asserts what genesis and every commit leave behind. */
export function rebuildMemory(runtime: Runtime): Memory | null {
  const { sql } = runtime;
  const history = loadHistory(sql);
  // What is being forgotten is no history any more (C6).
  if (history === null || isResetting(sql)) return null;
  const restored = restoreState(runtime);
  const log = loadLogHead(sql);
  const open = must(loadOpenBatch(sql), "N8: exactly one batch is open");
  return {
    era: history.era,
    ...restored,
    head: headOf(open),
    log,
    targetBytes: loadPolicy(sql).batchTargetBytes,
  };
}

/** The newest valid snapshot with the valid records after it executed on top. */
export function restoreState(runtime: Runtime): Pick<Memory, "state" | "snapshot"> {
  const { sql, application, config } = runtime;
  const snapshot = must(newestValidSnapshot(sql), "N8: a valid snapshot exists");
  const restored = application.restore(config.appConfig, loadState(sql, snapshot));
  assert(restored.ok, "V1: a stored snapshot restores");
  const state = restored.value;
  assert(
    state.progress().executedInputCount === snapshot.executedInputCount,
    "N20: a snapshot holds the count it was stored with",
  );
  replay(sql, state, snapshot.l2TxIndex);
  const { executedInputCount, createdAtMs: takenAtMs } = snapshot;
  return { state, snapshot: { executedInputCount, takenAtMs } };
}

export function loadLogHead(sql: SqlStorage): LogHead {
  const chunk = must(loadChunkHead(sql), "C1: genesis wrote the first chunk");
  const nextOffset = offset(feedHead(sql) + 1);
  assert(chunk.nextOffset === nextOffset, "C1: the log and the feed have the same head");
  return { epoch: chunk.epoch, height: chunk.height + 1, parent: chunk.hash, nextOffset };
}

function replay(sql: SqlStorage, state: ApplicationState, from: Offset): void {
  for (let cursor = from; ; ) {
    const page = recordsAfter(sql, cursor, REPLAY_PAGE_RECORDS);
    for (const record of page) execute(state, record);
    const last = page.at(-1);
    if (last === undefined) return;
    cursor = last.offset;
  }
}

/** Executes a record that was promised: its fee and frame are persisted, it is not validated again. */
function execute(state: ApplicationState, record: FeedRecord): void {
  switch (record.kind) {
    case "user_op":
      executeUserOp(state, record, record.safeBlock);
      return;
    case "direct_input":
      executeDirectInput(state, record);
      return;
    case "rollback":
      return;
  }
}

function headOf(open: OpenBatch): Head {
  return {
    batchIndex: open.batchIndex,
    batchNonce: open.nonce,
    openedAtMs: open.createdAtMs,
    firstContentAtMs: open.firstContentAtMs,
    batchBytes:
      BATCH_BYTES_BASE +
      FRAME_BYTES * (open.frame + 1) +
      userOpBytes(0) * open.opsInBatch +
      open.dataBytes,
    frame: open.frame,
    fee: open.fee,
    safeBlock: open.safeBlock,
    opsInFrame: open.opsInFrame,
  };
}

/** Holds the memory, or the knowledge that it must be rebuilt. */
export class MemoryStore {
  readonly #runtime: Runtime;
  #memory: Memory | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Null before genesis. */
  get(): Memory | null {
    this.#memory ??= rebuildMemory(this.#runtime);
    return this.#memory;
  }

  set(memory: Memory): void {
    this.#memory = memory;
  }

  drop(): void {
    this.#memory = null;
  }
}
