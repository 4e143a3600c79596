/** States at certified seals, the newest two, in parts (V1): what a candidate rebuilds from. */

import { SNAPSHOT_PART_BYTES } from "../../../core/api/committee-api.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import { blob, first, hashOf, toBlob } from "../../sequencer/storage/rows.ts";
import { joinParts } from "../../shared/state-parts.ts";

export const SNAPSHOTS_KEPT = 2;

/** A certified seal that names a state. */
export type Seal = {
  readonly height: number;
  readonly stateHash: Hash32;
  /** Feed head at the seal. */
  readonly after: number;
};

type SealRow = { height: number; seal_hash: ArrayBuffer; seal_offset: number };

const VALID_SEAL = `is_certified = 1 AND seal_hash IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM chunks r WHERE r.keep_through IS NOT NULL AND r.is_certified = 1
    AND r.height > c.height AND r.keep_through < c.seal_offset)`;

/** The newest certified seal that no certified rollback made void; null when its state is here. */
export function missingSnapshot(sql: SqlStorage): Seal | null {
  const row = first(
    sql.exec<SealRow>(
      `SELECT height, seal_hash, seal_offset FROM chunks c WHERE ${VALID_SEAL}
       ORDER BY height DESC LIMIT 1`,
    ),
  );
  if (row === null || hasSnapshot(sql, row.height)) return null;
  return { height: row.height, stateHash: hashOf(row.seal_hash), after: row.seal_offset };
}

function hasSnapshot(sql: SqlStorage, height: number): boolean {
  return first(sql.exec("SELECT 1 FROM snapshots WHERE height = ?", height)) !== null;
}

export type KeptSnapshot = {
  readonly height: number;
  readonly stateHash: Hash32;
  readonly after: number;
  readonly stateBytes: number;
};

/** The newest first. */
export function listSnapshots(sql: SqlStorage): readonly KeptSnapshot[] {
  return sql
    .exec<{ height: number; sha256: ArrayBuffer; l2_tx_index: number; state_bytes: number }>(
      "SELECT height, sha256, l2_tx_index, state_bytes FROM snapshots ORDER BY height DESC",
    )
    .toArray()
    .map((row) => ({
      height: row.height,
      stateHash: hashOf(row.sha256),
      after: row.l2_tx_index,
      stateBytes: row.state_bytes,
    }));
}

/**
 * Height of the chunk that a log may be begun with: the newest with a state that was stored by
 * `settledByMs`, or else the oldest of which there is one. Null there: the older of the newest two. None: null.
 */
export function beginningHeight(sql: SqlStorage, settledByMs: number | null): number | null {
  const kept = sql
    .exec<{ height: number; stored_at_ms: number }>(
      `SELECT s.height, s.stored_at_ms FROM snapshots s JOIN chunks c ON c.height = s.height
       WHERE ${VALID_SEAL} AND c.payload IS NOT NULL ORDER BY s.height DESC`,
    )
    .toArray();
  const settled = kept.find(({ stored_at_ms: storedMs }) => storedMs <= (settledByMs ?? -1));
  const younger = settledByMs === null ? kept.slice(0, SNAPSHOTS_KEPT) : kept;
  return (settled ?? younger.at(-1))?.height ?? null;
}

export function isKept(sql: SqlStorage, hash: Hash32): boolean {
  const query = "SELECT 1 FROM snapshots WHERE sha256 = ? LIMIT 1";
  return first(sql.exec(query, toBlob(hash))) !== null;
}

export function loadPart(sql: SqlStorage, hash: Hash32, part: number): Uint8Array | null {
  const row = first(
    sql.exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM snapshot_parts WHERE sha256 = ? AND part = ?",
      toBlob(hash),
      part,
    ),
  );
  return row === null ? null : blob(row.bytes);
}

export function partsHeld(sql: SqlStorage, hash: Hash32): number {
  return sql
    .exec<{ parts: number }>(
      "SELECT COUNT(*) AS parts FROM snapshot_parts WHERE sha256 = ?",
      toBlob(hash),
    )
    .one().parts;
}

export function insertPart(sql: SqlStorage, hash: Hash32, part: number, bytes: Uint8Array): void {
  sql.exec("INSERT INTO snapshot_parts VALUES (?, ?, ?)", toBlob(hash), part, bytes);
}

export function dropParts(sql: SqlStorage, hash: Hash32): void {
  sql.exec("DELETE FROM snapshot_parts WHERE sha256 = ?", toBlob(hash));
}

/** The whole state of these parts; null when some are missing, or when it is another state. */
export function wholeState(sql: SqlStorage, hash: Hash32): Uint8Array | null {
  return joinParts((part) => loadPart(sql, hash, part), hash);
}

/** Stores a state's parts, as far as they are not there. */
export function insertState(sql: SqlStorage, hash: Hash32, state: Uint8Array): void {
  for (let part = partsHeld(sql, hash); part * SNAPSHOT_PART_BYTES < state.length; part++) {
    const from = part * SNAPSHOT_PART_BYTES;
    insertPart(sql, hash, part, state.subarray(from, from + SNAPSHOT_PART_BYTES));
  }
}

/** Names a state whose parts are here. */
export function insertSnapshot(
  sql: SqlStorage,
  { height, stateHash, after }: Seal,
  stateBytes: number,
  nowMs: number,
): void {
  sql.exec(
    "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
    height,
    toBlob(stateHash),
    after,
    stateBytes,
    nowMs,
  );
}

/** Older states that stay: one in each `gapMs`, as far back as `windowMs`. */
export type OlderStates = { readonly gapMs: number; readonly windowMs: number };

/** Keeps the newest two, and of older ones what `older` says. */
export function thinSnapshots(sql: SqlStorage, nowMs: number, older: OlderStates): void {
  const rows = sql
    .exec<{ height: number; stored_at_ms: number }>(
      "SELECT height, stored_at_ms FROM snapshots ORDER BY height",
    )
    .toArray();
  let keptMs = Number.NEGATIVE_INFINITY;
  for (const { height, stored_at_ms: storedMs } of rows.slice(0, -SNAPSHOTS_KEPT)) {
    const isInWindow = nowMs - storedMs <= older.windowMs;
    // The distance either way: the clock may have gone back.
    if (isInWindow && Math.abs(storedMs - keptMs) >= older.gapMs) keptMs = storedMs;
    else sql.exec("DELETE FROM snapshots WHERE height = ?", height);
  }
}

/** What a certified rollback made void, and parts that belong to no seal that may still count. */
export function dropVoid(sql: SqlStorage): void {
  sql.exec(
    `DELETE FROM snapshots WHERE EXISTS (
       SELECT 1 FROM chunks r WHERE r.keep_through IS NOT NULL AND r.is_certified = 1
         AND r.height > snapshots.height AND r.keep_through < snapshots.l2_tx_index)`,
  );
  sql.exec(
    `DELETE FROM snapshot_parts WHERE sha256 NOT IN (SELECT sha256 FROM snapshots)
       AND sha256 NOT IN (SELECT seal_hash FROM chunks WHERE seal_hash IS NOT NULL
         AND height > (SELECT COALESCE(MAX(height), -1) FROM snapshots))`,
  );
}
