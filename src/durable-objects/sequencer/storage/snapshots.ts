/** Application states at seals: written with the seal, deleted by garbage collection (V1). */

import { sha256 } from "@noble/hashes/sha2.js";
import { assert } from "../../../core/types/assert.ts";
import { type Hash32, hashFromBytes, toHex } from "../../../core/types/hex.ts";
import { BLOB_BYTES_MAX, STATE_BYTES_MAX } from "../../../core/types/protocol.ts";
import {
  type BlockNumber,
  blockNumber,
  type Offset,
  offset,
  type UnixMs,
  unixMs,
} from "../../../core/types/units.ts";
import { blob, first, toBlob } from "./rows.ts";

export type Snapshot = {
  readonly snapshotId: number;
  /** Null for the baseline: the genesis state, or what a rebuild recovered. */
  readonly batchIndex: number | null;
  /** Feed head at the seal. */
  readonly l2TxIndex: Offset;
  readonly executedInputCount: number;
  /** 64 lower-case hex digits, no prefix. */
  readonly sha256: string;
  readonly stateBytes: number;
  readonly createdAtMs: UnixMs;
};

/** An accepted state and the L1 block at whose end the scheduler has it. */
export type FinalizedSnapshot = Snapshot & { readonly inclusionBlock: BlockNumber };

type Row = {
  snapshot_id: number;
  batch_index: number | null;
  l2_tx_index: number;
  executed_input_count: number;
  sha256: ArrayBuffer;
  state_bytes: number;
  created_at_ms: number;
};

const COLUMNS =
  "snapshot_id, batch_index, l2_tx_index, executed_input_count, sha256, state_bytes, created_at_ms";

function toSnapshot(row: Row): Snapshot {
  return {
    snapshotId: row.snapshot_id,
    batchIndex: row.batch_index,
    l2TxIndex: offset(row.l2_tx_index),
    executedInputCount: row.executed_input_count,
    sha256: toHex(blob(row.sha256)).slice(2),
    stateBytes: row.state_bytes,
    createdAtMs: unixMs(row.created_at_ms),
  };
}

export type NewSnapshot = {
  readonly batchIndex: number | null;
  readonly l2TxIndex: Offset;
  readonly executedInputCount: number;
  readonly state: Uint8Array;
};

/** Stores the state in parts of at most 1 MiB and returns its SHA-256, which the seal carries. */
export function insertSnapshot(sql: SqlStorage, snapshot: NewSnapshot, nowMs: UnixMs): Hash32 {
  const { state } = snapshot;
  assert(state.length <= STATE_BYTES_MAX, "a state is at most 32 MiB");
  const hash = hashFromBytes(sha256(state));
  const { id } = sql
    .exec<{ id: number }>(
      `INSERT INTO snapshots
         (batch_index, l2_tx_index, executed_input_count, sha256, state_bytes, created_at_ms)
       VALUES (?, ?, ?, ?, ?, ?) RETURNING snapshot_id AS id`,
      snapshot.batchIndex,
      snapshot.l2TxIndex,
      snapshot.executedInputCount,
      toBlob(hash),
      state.length,
      nowMs,
    )
    .one();
  for (let part = 0; part * BLOB_BYTES_MAX < state.length; part++) {
    const bytes = state.slice(part * BLOB_BYTES_MAX, (part + 1) * BLOB_BYTES_MAX);
    sql.exec("INSERT INTO snapshot_parts VALUES (?, ?, ?)", id, part, bytes);
  }
  return hash;
}

/** What a wake-up restores: the newest state of a batch that is not void. */
export function newestValidSnapshot(sql: SqlStorage): Snapshot | null {
  const row = first(
    sql.exec<Row>(`SELECT ${COLUMNS} FROM valid_snapshots ORDER BY snapshot_id DESC LIMIT 1`),
  );
  return row === null ? null : toSnapshot(row);
}

/** V2: the newest accepted state that the scheduler has at the end of an L1 block. */
export function finalizedSnapshot(sql: SqlStorage): FinalizedSnapshot | null {
  const row = first(
    sql.exec<Row & { inclusion_block: number }>(
      `SELECT ${COLUMNS}, inclusion_block FROM finalized_snapshots
       ORDER BY snapshot_id DESC LIMIT 1`,
    ),
  );
  return row === null
    ? null
    : { ...toSnapshot(row), inclusionBlock: blockNumber(row.inclusion_block) };
}

/** The newest state of an accepted batch; the baseline before any acceptance. */
export function newestAcceptedSnapshot(sql: SqlStorage): Snapshot | null {
  const row = first(
    sql.exec<Row>(
      // The few snapshots are walked, newest first; as an IN, every accepted batch would be.
      `SELECT ${COLUMNS} FROM snapshots s
       WHERE batch_index IS NULL OR EXISTS
         (SELECT 1 FROM safe_accepted_batches a WHERE a.batch_index = s.batch_index)
       ORDER BY snapshot_id DESC LIMIT 1`,
    ),
  );
  return row === null ? null : toSnapshot(row);
}

/** R1: whether a state is kept that no rollback can take away: an accepted batch's, or the baseline. */
export function hasRollbackSafeSnapshot(sql: SqlStorage): boolean {
  return newestAcceptedSnapshot(sql) !== null;
}

/** One part of at most 1 MiB, null beyond the last or when the snapshot is gone. */
export function loadPart(sql: SqlStorage, snapshotId: number, part: number): Uint8Array | null {
  const row = first(
    sql.exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM snapshot_parts WHERE snapshot_id = ? AND part = ?",
      snapshotId,
      part,
    ),
  );
  return row === null ? null : blob(row.bytes);
}

/** The whole state, at most 32 MiB. */
export function loadState(sql: SqlStorage, snapshot: Snapshot): Uint8Array {
  const state = new Uint8Array(snapshot.stateBytes);
  let filled = 0;
  for (let part = 0; filled < state.length; part++) {
    const bytes = loadPart(sql, snapshot.snapshotId, part);
    assert(bytes !== null && filled + bytes.length <= state.length, "a snapshot has all its parts");
    state.set(bytes, filled);
    filled += bytes.length;
  }
  return state;
}

/** The newest one with this SHA-256: equal bytes have one. */
export function snapshotOf(sql: SqlStorage, hash: Hash32): number | null {
  const row = first(
    sql.exec<{ snapshot_id: number }>(
      "SELECT snapshot_id FROM snapshots WHERE sha256 = ? ORDER BY snapshot_id DESC LIMIT 1",
      toBlob(hash),
    ),
  );
  return row?.snapshot_id ?? null;
}

/** Id and place of every snapshot, oldest first, with whether its batch is void. */
export type SnapshotEntry = {
  readonly snapshotId: number;
  readonly l2TxIndex: number;
  readonly isVoid: boolean;
};

export function listSnapshots(sql: SqlStorage): readonly SnapshotEntry[] {
  return sql
    .exec<{ snapshot_id: number; l2_tx_index: number; is_void: number }>(
      `SELECT s.snapshot_id, s.l2_tx_index, b.invalidated_at_ms IS NOT NULL AS is_void
       FROM snapshots s LEFT JOIN batches b ON b.batch_index = s.batch_index
       ORDER BY s.snapshot_id`,
    )
    .toArray()
    .map((row) => ({
      snapshotId: row.snapshot_id,
      l2TxIndex: row.l2_tx_index,
      isVoid: row.is_void === 1,
    }));
}

export function deleteSnapshot(sql: SqlStorage, snapshotId: number): void {
  sql.exec("DELETE FROM snapshots WHERE snapshot_id = ?", snapshotId);
}
