/** Where a reader may resume, and what a rollback makes of what it holds (F3, F5). Pure. */

import type { FeedRecord } from "./record.ts";

export type ResumeDecision = "resume" | "era-changed" | "ahead-of-head" | "history-unavailable";

/** Identity before position: an offset of another era says nothing about this one. */
export function decideResume(
  claim: { readonly fromOffset: number; readonly era: string | null },
  history: { readonly head: number; readonly availableFrom: number; readonly era: string },
): ResumeDecision {
  if (claim.era !== null && claim.era.toLowerCase() !== history.era) return "era-changed";
  if (claim.fromOffset > history.head) return "ahead-of-head";
  return claim.fromOffset < history.availableFrom ? "history-unavailable" : "resume";
}

/** What a client holds after `record`: itself at the end, without what a rollback voids. */
export function foldRecord(held: readonly FeedRecord[], record: FeedRecord): readonly FeedRecord[] {
  if (record.kind !== "rollback") return [...held, record];
  const { keepThrough, offset } = record;
  return held.filter((one) => one.offset <= keepThrough || one.offset >= offset);
}
