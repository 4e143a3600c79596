/** Rules of an election: its times, and whose turn it is to lead (C8). */

import type { EpochRecord } from "./epoch-record.ts";
import { type CandidateIndex, candidateIndex, type Epoch } from "./types.ts";

export type ElectionRules = {
  /** C8: the timeout is drawn uniformly between these. */
  readonly timeoutLeastMs: number;
  readonly timeoutMostMs: number;
  readonly heartbeatMs: number;
  /** How long a candidate that has begun to take over may be silent. */
  readonly takeoverMs: number;
  /** How far a term may be beyond the newest epoch: offsets stay far below 2^53. */
  readonly termsAhead: number;
  readonly succession: Succession;
};

/** `any`: each candidate in turn. `schedule`: term mod candidates. `single`: the leader stays. */
export type Succession = "any" | "schedule" | "single";

export const ELECTION_RULES: ElectionRules = {
  timeoutLeastMs: 3_000,
  timeoutMostMs: 6_000,
  heartbeatMs: 1_000,
  takeoverMs: 15_000,
  termsAhead: 2 ** 20,
  succession: "any",
};

/** Uniform between the least and the most. */
export function drawTimeoutMs(rules: ElectionRules, unit: number): number {
  return rules.timeoutLeastMs + Math.floor(unit * (rules.timeoutMostMs - rules.timeoutLeastMs));
}

/** Whom a term names when nobody says: each candidate in turn, the silent leader last. */
export function nominee(record: EpochRecord, term: Epoch, succession: Succession): CandidateIndex {
  const { candidates, leader } = record;
  if (succession === "single") return leader;
  if (succession === "schedule") return candidateIndex(term % candidates.length);
  const turn = Math.max(term - record.epoch, 1);
  return candidateIndex((leader + turn) % candidates.length);
}

export function mayLead(
  record: EpochRecord,
  term: Epoch,
  candidate: CandidateIndex,
  succession: Succession,
): boolean {
  if (candidate >= record.candidates.length) return false;
  return succession === "any" || candidate === nominee(record, term, succession);
}
