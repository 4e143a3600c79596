/** What the page knows at one moment: all that its pictures are drawn from. */

import type { OverviewBody } from "../../core/api/overview.ts";
import type { FeedRecord } from "../../core/feed/record.ts";
import type { Sample } from "./samples.ts";

/** Records on the page. */
export const FEED_ROWS_MAX = 24;

export type FeedRow = { readonly record: FeedRecord; readonly isVoid: boolean };

export type Feed = {
  /** Newest first. */
  readonly rows: readonly FeedRow[];
  /** Whether the script runs that follows it. */
  readonly isFollowed: boolean;
};

export type Model = {
  /** The newest answer; null when there was none yet. */
  readonly overview: OverviewBody | null;
  /** Why the newest question was not answered; null when it was. */
  readonly problem: string | null;
  /** Oldest first. */
  readonly samples: readonly Sample[];
  readonly feed: Feed;
};

export function firstModel(overview: OverviewBody | null, problem: string | null): Model {
  return { overview, problem, samples: [], feed: { rows: [], isFollowed: false } };
}

/** Newest first, at most `FEED_ROWS_MAX`. A rollback voids what it says of those that are here (F3). */
export function addRecord(rows: readonly FeedRow[], record: FeedRecord): readonly FeedRow[] {
  const known =
    record.kind === "rollback"
      ? rows.map((row) => (isVoidedBy(row, record) ? { ...row, isVoid: true } : row))
      : rows;
  return [{ record, isVoid: false }, ...known].slice(0, FEED_ROWS_MAX);
}

function isVoidedBy({ record }: FeedRow, rollback: FeedRecord & { kind: "rollback" }): boolean {
  return (
    record.kind !== "rollback" &&
    record.offset > rollback.keepThrough &&
    record.offset < rollback.offset
  );
}
