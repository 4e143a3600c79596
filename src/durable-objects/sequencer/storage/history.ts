/** The era: which history this database holds and from where it is still kept. */

import { must } from "../../../core/types/assert.ts";
import { type Offset, offset, type UnixMs } from "../../../core/types/units.ts";
import { blob, first } from "./rows.ts";

export type History = {
  readonly era: Uint8Array;
  readonly generation: number;
  /** Records at or below are deleted (F8). */
  readonly availableFrom: Offset;
};

export function loadHistory(sql: SqlStorage): History | null {
  const row = first(
    sql.exec<{ era: ArrayBuffer; generation: number; available_from: number }>(
      "SELECT era, generation, available_from FROM history WHERE singleton = 0",
    ),
  );
  if (row === null) return null;
  return {
    era: blob(row.era),
    generation: row.generation,
    availableFrom: offset(row.available_from),
  };
}

export function requireHistory(sql: SqlStorage): History {
  return must(loadHistory(sql), "genesis is done");
}

export function insertHistory(sql: SqlStorage, era: Uint8Array, nowMs: UnixMs): void {
  sql.exec(
    "INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce) VALUES (0, ?, ?, 0)",
    era,
    nowMs,
  );
}

export function raiseAvailableFrom(sql: SqlStorage, availableFrom: Offset): void {
  sql.exec("UPDATE history SET available_from = ? WHERE singleton = 0", availableFrom);
}

/** The newest offset ever given; 0 before the first record. */
export function feedHead(sql: SqlStorage): Offset {
  // sqlite_sequence survives deletions, so retention cannot make an offset come back.
  const row = first(
    sql.exec<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'sequenced_l2_txs'"),
  );
  return offset(row?.seq ?? 0);
}
