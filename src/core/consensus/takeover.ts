/**
 * What a new epoch inherits, and when its record may be signed (C6).
 *
 * A record is justified by a quorum of reports: each reporter promised the epoch to this leader and to
 * nobody else, and acks in no older epoch from then on. Whatever an older epoch certified was acked by a
 * quorum of the same members, and two quorums share a member, so the newest reported chunk has every
 * certified one on its line. A record that was signed by a reporter may have been certified already, so
 * the next one follows it and inherits at least what it inherits.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { ChunkHeader } from "../chunk/header.ts";
import { assert } from "../types/assert.ts";
import { bytesEqual } from "../types/bytes.ts";
import { type Hash32, hashFromBytes, toHex } from "../types/hex.ts";
import { offset } from "../types/units.ts";
import type { EpochChain } from "./epoch-chain.ts";
import {
  type Candidate,
  type EpochRecord,
  firstOffset,
  type KnownRecord,
  type Member,
  type StartPoint,
} from "./epoch-record.ts";
import { knownRecord } from "./epoch-record-bytes.ts";
import { type Report, tipOf } from "./report.ts";
import { chunkRef } from "./signed-header.ts";
import {
  type CandidateIndex,
  candidateIndex,
  compareTips,
  type Epoch,
  epoch,
  type SchemeId,
  type Tip,
} from "./types.ts";
import {
  ACCEPTED_RECORDS_MAX,
  lineTo,
  type Takeover,
  type ValidatorDurable,
} from "./validator-state.ts";

/** What membership and parameters are; only a certified proposal changes them. */
export type Committee = {
  readonly scheme: SchemeId;
  readonly quorum: number;
  readonly members: readonly Member[];
  readonly candidates: readonly Candidate[];
};

/** The newest tip of the reports with its header; null when none of them has one. */
export function newestTip(
  reports: readonly Report[],
): { readonly tip: Tip; readonly header: ChunkHeader } | null {
  let newest: { tip: Tip; header: ChunkHeader } | null = null;
  for (const report of reports) {
    const tip = tipOf(report);
    const header = report.statement.tip?.header.header;
    if (tip === null || header === undefined) continue;
    if (newest === null || compareTips(tip, newest.tip) > 0) newest = { tip, header };
  }
  return newest;
}

/**
 * Where an epoch after `previous` starts. A tip that was acked before the previous epoch is not newer
 * than what that one inherited: its record was signed by a quorum that stores it.
 */
export function startAfter(
  previous: EpochRecord,
  reports: readonly Report[],
  next: Epoch,
): StartPoint {
  const newest = newestTip(reports);
  const isOfPrevious =
    newest !== null &&
    newest.tip.ackEpoch === previous.epoch &&
    newest.header.epoch === previous.epoch;
  const inherited = isOfPrevious
    ? { ...chunkRef(newest.header), epoch: epoch(newest.header.epoch) }
    : previous.start.inherited;
  const keepThrough = isOfPrevious
    ? offset(newest.header.nextOffset - 1)
    : previous.start.keepThrough;
  return { inherited, keepThrough, firstOffset: firstOffset(next, inherited, keepThrough) };
}

export type RecordPlan = {
  readonly previous: KnownRecord;
  readonly epoch: Epoch;
  readonly leader: Candidate;
  readonly reports: readonly Report[];
  /** Null: the committee stays as it is. */
  readonly committee: Committee | null;
};

/** The one record that these reports justify. Asserts that the leader is one of its candidates. */
export function justifiedRecord(plan: RecordPlan): KnownRecord {
  const { record, hash } = plan.previous;
  const { scheme, quorum, members, candidates } = plan.committee ?? record;
  return knownRecord({
    chainId: record.chainId,
    app: record.app,
    era: record.era,
    epoch: plan.epoch,
    previous: hash,
    scheme,
    quorum,
    members,
    candidates,
    leader: indexOfCandidate(candidates, plan.leader.key),
    start: startAfter(record, plan.reports, plan.epoch),
  });
}

function indexOfCandidate(candidates: readonly Candidate[], key: Uint8Array): CandidateIndex {
  const at = candidates.findIndex((one) => bytesEqual(one.key, key));
  assert(at !== -1, "the leader of an epoch is one of its candidates");
  return candidateIndex(at);
}

/**
 * `promise`: not the promised epoch and leader. `length`: too many records. `reports`: not a quorum of
 * members who promised this. `record`: not what the reports justify. `committee`: changed without a
 * certified proposal, or too much at once. `certified`: goes back behind what is known to be certified.
 * `start`: what it inherits is not stored here yet.
 */
export type TakeoverProblem =
  | "promise"
  | "length"
  | "reports"
  | "record"
  | "committee"
  | "certified"
  | "start";

export type Signing = {
  readonly takeovers: readonly Takeover[];
  /** The committee that a certified proposal asks for. */
  readonly change: Committee | null;
  readonly elders: Elders;
  /** Who is no member yet, and joins, has promised nothing. */
  readonly isMember: boolean;
};

/** Hashes of the records right before the newest one that have its committee. */
export type Elders = readonly Hash32[];

export function eldersOf({ records }: EpochChain): Elders {
  const head = records.at(-1);
  if (head === undefined) return [];
  const other = records.findLastIndex(({ record }) => !isSameCommittee(record, head.record));
  return records.slice(other + 1, -1).map(({ hash }) => hash);
}

/**
 * Whether a validator may sign these records, the last of which opens the promised epoch. Signatures of
 * reports are verified before.
 */
export function takeoverProblem(
  durable: ValidatorDurable,
  { takeovers, change, elders, isMember }: Signing,
): TakeoverProblem | null {
  const last = takeovers.at(-1);
  if (last === undefined || takeovers.length > ACCEPTED_RECORDS_MAX) return "length";
  if (isMember && !mayPromise(durable, last.known.record)) return "promise";
  let previous = durable.head;
  for (const takeover of takeovers) {
    const { known } = takeover;
    if (durable.accepted.some((one) => isRival(one.known, known))) return "record";
    const asked = takeover === last ? change : null;
    const problem = stepProblem({ head: durable.head, elders }, previous, takeover, asked);
    if (problem !== null) return problem;
    previous = takeover.known;
  }
  const { record } = last.known;
  const isChanged = !isSameCommittee(record, durable.head.record);
  if (isChanged && (takeovers.length > 1 || !mayChange(durable, record))) return "committee";
  return startProblem(durable, record.start);
}

/** A member signs one record of an epoch. */
function isRival(a: KnownRecord, b: KnownRecord): boolean {
  return a.record.epoch === b.record.epoch && a.hash !== b.hash;
}

/** The promise is to this leader, or for an older epoch: the reports show that a quorum promised it. */
function mayPromise({ head, promised }: ValidatorDurable, record: EpochRecord): boolean {
  if (record.epoch !== promised.epoch) return record.epoch > promised.epoch;
  if (promised.candidate === null) return false;
  const [asked, leader] = [head.record.candidates[promised.candidate], leaderKey(record)];
  return asked !== undefined && leader !== undefined && bytesEqual(asked.key, leader);
}

function leaderKey(record: EpochRecord): Uint8Array | undefined {
  return record.candidates[record.leader]?.key;
}

type Judges = { readonly head: KnownRecord; readonly elders: Elders };

function stepProblem(
  judges: Judges,
  previous: KnownRecord,
  { known, reports }: Takeover,
  change: Committee | null,
): TakeoverProblem | null {
  const { record } = known;
  const leader = record.candidates[record.leader];
  if (leader === undefined || record.epoch <= previous.record.epoch) return "record";
  if (!areReports(judges, reports, record)) return "reports";
  const committee = isSameCommittee(record, previous.record) ? null : change;
  if (committee !== null && !isSameCommittee(record, committee)) return "committee";
  const plan = { previous, epoch: record.epoch, leader, reports, committee };
  return justifiedRecord(plan).hash === known.hash ? null : "record";
}

/**
 * A quorum of different members of the newest certified record, all of whom promised this. They may have
 * promised under an elder of it: records that were signed together may become certified one by one, and
 * what was signed after the newest must still be continued. Such a member had joined no later epoch when
 * it promised, and acks in none before the promised one: nothing of those in between is certified.
 */
function areReports(
  { head, elders }: Judges,
  reports: readonly Report[],
  record: EpochRecord,
): boolean {
  const members = new Set(reports.map(({ by }) => by.member));
  return (
    members.size === reports.length &&
    members.size >= head.record.quorum &&
    reports.every(({ statement }) => {
      const asked = head.record.candidates[statement.candidate];
      const leader = leaderKey(record);
      return (
        (statement.recordHash === head.hash || elders.includes(statement.recordHash)) &&
        statement.promisedEpoch === record.epoch &&
        asked !== undefined &&
        leader !== undefined &&
        bytesEqual(asked.key, leader)
      );
    })
  );
}

/** The leader is no part of it. */
export function isSameCommittee(a: Committee, b: Committee): boolean {
  return committeeKey(a) === committeeKey(b);
}

/** One text for one committee. */
export function committeeKey({ scheme, quorum, members, candidates }: Committee): string {
  return JSON.stringify([
    scheme,
    quorum,
    members.map(({ key, proof, endpoint }) => [toHex(key), toHex(proof), endpoint]),
    candidates.map((one) => [one.id, one.endpoint, one.scheme, toHex(one.key)]),
  ]);
}

/** SHA-256 of that text: what a proposal to change the committee binds. */
export function committeeDigest(committee: Committee): Hash32 {
  return hashFromBytes(sha256(utf8ToBytes(committeeKey(committee))));
}

/**
 * A committee may follow another when each quorum of the one shares a member with each of the other, and
 * when the epoch before certified something itself: then no two steps lie between a certificate and the
 * quorum that must report it.
 */
export function mayChange(durable: ValidatorDurable, next: EpochRecord): boolean {
  const { record } = durable.head;
  if (durable.lock?.epoch !== record.epoch && record.epoch !== 0) return false;
  return doQuorumsMeet(record, next);
}

export function doQuorumsMeet(a: Committee, b: Committee): boolean {
  const keys = new Set([...a.members, ...b.members].map(({ key }) => toHex(key)));
  return a.quorum + b.quorum > keys.size;
}

/** The start must have everything certified on its line, and all of the line must be stored here. */
export function startProblem(
  durable: ValidatorDurable,
  { inherited }: Pick<StartPoint, "inherited">,
): "certified" | "start" | null {
  const { base, lock } = durable;
  if (inherited === null) return base.height === -1 && lock === null ? null : "certified";
  const lockHeight = lock?.chunk.height ?? -1;
  if (inherited.height < Math.max(base.height, lockHeight)) return "certified";
  const line = lineTo(durable, inherited);
  if (line === null) return inherited.height === base.height ? "certified" : "start";
  if (lock === null || lock.chunk.height <= base.height) return null;
  return line.some(({ ref }) => ref.hash === lock.chunk.hash) ? null : "certified";
}
