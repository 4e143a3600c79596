/**
 * The rows of a relay's window: records as they came, cut at the floor, grown at the head (X3).
 *
 * What a rollback voids is left out when it is read, by the sequencer's own rule (F3), so that a rollback
 * over any number of records is one row. Every write is one transaction of the caller's.
 */

import type { RelayedRecord } from "../../../core/feed/relayed.ts";
import { type Stretch, stretchesAfter } from "../../../core/feed/stretches.ts";
import { first } from "../../sequencer/storage/rows.ts";
import type { Entry } from "../../shared/feed-entries.ts";

/** Where a window stands; records above `floor` and up to `head` are in it. */
export type WindowState = {
  readonly era: string;
  readonly floor: number;
  readonly head: number;
  readonly availableFrom: number;
  readonly generation: number;
  readonly recordCount: number;
  readonly recordBytes: number;
};

type Row = {
  era: string;
  floor: number;
  head: number;
  available_from: number;
  generation: number;
  record_count: number;
  record_bytes: number;
};

/** Null before the first one, and after one was dropped. */
export function loadWindow(sql: SqlStorage): WindowState | null {
  const row = first(sql.exec<Row>("SELECT * FROM feed_window WHERE singleton = 0"));
  if (row === null) return null;
  return {
    era: row.era,
    floor: row.floor,
    head: row.head,
    availableFrom: row.available_from,
    generation: row.generation,
    recordCount: row.record_count,
    recordBytes: row.record_bytes,
  };
}

export function insertWindow(sql: SqlStorage, state: WindowState): void {
  const { era, floor, head, availableFrom, generation } = state;
  sql.exec(
    "INSERT INTO feed_window VALUES (0, ?, ?, ?, ?, ?, 0, 0)",
    era,
    floor,
    head,
    availableFrom,
    generation,
  );
}

export function updateWindow(sql: SqlStorage, state: WindowState): void {
  const { floor, head, availableFrom, generation, recordCount, recordBytes } = state;
  sql.exec(
    `UPDATE feed_window SET floor = ?, head = ?, available_from = ?, generation = ?,
       record_count = ?, record_bytes = ? WHERE singleton = 0`,
    floor,
    head,
    availableFrom,
    generation,
    recordCount,
    recordBytes,
  );
}

export function deleteWindow(sql: SqlStorage): void {
  sql.exec("DELETE FROM rollbacks");
  sql.exec("DELETE FROM records");
  sql.exec("DELETE FROM feed_window");
}

export function insertRecord(sql: SqlStorage, record: RelayedRecord, nowMs: number): void {
  const { offset, text, rollback } = record;
  sql.exec("INSERT INTO records VALUES (?, ?, ?)", offset, nowMs, text);
  if (rollback === null) return;
  sql.exec("INSERT INTO rollbacks VALUES (?, ?)", offset, rollback.keepThrough);
}

/** Up to where the oldest `count` records go; null when there are none. */
export function oldest(sql: SqlStorage, count: number): number | null {
  return through(
    sql,
    "SELECT MAX(offset) AS through FROM (SELECT offset FROM records ORDER BY offset LIMIT ?)",
    count,
  );
}

/** The same of those that came before `atMs`, and of what lies below them. */
export function oldestBefore(sql: SqlStorage, atMs: number, count: number): number | null {
  return through(
    sql,
    `SELECT MAX(offset) AS through FROM (SELECT * FROM records ORDER BY offset LIMIT ?)
     WHERE received_at_ms < ?`,
    count,
    atMs,
  );
}

/** How much lies at or below `through`. */
export function weigh(
  sql: SqlStorage,
  through: number,
): { readonly count: number; readonly bytes: number } {
  const row = sql
    .exec<{ count: number; bytes: number | null }>(
      "SELECT COUNT(*) AS count, SUM(length(text)) AS bytes FROM records WHERE offset <= ?",
      through,
    )
    .one();
  return { count: row.count, bytes: row.bytes ?? 0 };
}

export function deleteThrough(sql: SqlStorage, through: number): void {
  sql.exec("DELETE FROM rollbacks WHERE offset <= ?", through);
  sql.exec("DELETE FROM records WHERE offset <= ?", through);
}

function through(sql: SqlStorage, query: string, ...bindings: number[]): number | null {
  return sql.exec<{ through: number | null }>(query, ...bindings).one().through;
}

/** Valid records after `from`, oldest first, at most `limit`. */
export function entriesAfter(sql: SqlStorage, from: number, limit: number): readonly Entry[] {
  const entries: Entry[] = [];
  for (const { after, through } of stretches(sql, from)) {
    const left = limit - entries.length;
    if (left <= 0) break;
    entries.push(
      ...sql.exec<{ offset: number; text: string }>(
        `SELECT offset, text FROM records WHERE offset > ? AND offset <= ?
         ORDER BY offset LIMIT ?`,
        after,
        through,
        left,
      ),
    );
  }
  return entries;
}

function stretches(sql: SqlStorage, from: number): Iterable<Stretch> {
  const rollbacks = sql
    .exec<{ offset: number; keep_through: number }>(
      "SELECT offset, keep_through FROM rollbacks WHERE offset > ? ORDER BY offset",
      from,
    )
    .toArray();
  return stretchesAfter(
    from,
    rollbacks.map((row) => ({ offset: row.offset, keepThrough: row.keep_through })),
  );
}

/** Null before the first call that told it. */
export function loadName(sql: SqlStorage): string | null {
  return (
    first(sql.exec<{ name: string }>("SELECT name FROM identity WHERE singleton = 0"))?.name ?? null
  );
}

export function insertName(sql: SqlStorage, name: string): void {
  sql.exec("INSERT INTO identity VALUES (0, ?)", name);
}
