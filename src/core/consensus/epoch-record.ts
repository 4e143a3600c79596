/**
 * The epoch record: who leads, who certifies and where the epoch starts (C5, C6, C9).
 *
 * The quorum is stated here and never derived from who answers. `recordProblem` says what every record
 * must be, whoever signed it; bytes and hash are in `epoch-record-bytes.ts`, signatures and the chain
 * that they make in `epoch-chain.ts`.
 */

import { type Address, type Hash32, toHex } from "../types/hex.ts";
import { type Offset, offset } from "../types/units.ts";
import { ZERO_HASH } from "./encoding.ts";
import {
  CANDIDATES_MAX,
  type CandidateIndex,
  type ChunkRef,
  type Epoch,
  MEMBERS_MAX,
  OFFSETS_PER_EPOCH,
  SCHEME_PARAMETERS,
  type SchemeId,
} from "./types.ts";

/** A validator. Its scheme is the record's: one certificate holds signatures of one kind. */
export type Member = {
  readonly key: Uint8Array;
  /** Proof of possession; empty where the scheme needs none. */
  readonly proof: Uint8Array;
  readonly endpoint: string;
};

/** A sequencer that may lead. It signs alone, so its scheme is one that does not aggregate. */
export type Candidate = {
  /** Lower-case letters, digits and inner hyphens, at most 32 (S8: part of its object's name). */
  readonly id: string;
  readonly endpoint: string;
  readonly scheme: SchemeId;
  readonly key: Uint8Array;
};

/** The newest chunk that an epoch continues, and the epoch of its header. */
export type Inherited = ChunkRef & { readonly epoch: Epoch };

export type StartPoint = {
  /** Null: the epoch begins the log, at height 0 and without a parent. */
  readonly inherited: Inherited | null;
  /** Offset of the newest inherited record; 0 when there is none. */
  readonly keepThrough: Offset;
  /** The first offset of the epoch, which `firstOffset` of these says. */
  readonly firstOffset: Offset;
};

export type EpochRecord = {
  readonly chainId: number;
  readonly app: Address;
  /** 16 bytes: a record belongs to one history, and a rebuilt one begins a chain of its own. */
  readonly era: Uint8Array;
  readonly epoch: Epoch;
  /** Hash of the record before; zero exactly in epoch 0. */
  readonly previous: Hash32;
  readonly scheme: SchemeId;
  readonly quorum: number;
  /** Sorted by key, all different. */
  readonly members: readonly Member[];
  /** Sorted by id, with different ids and keys. */
  readonly candidates: readonly Candidate[];
  readonly leader: CandidateIndex;
  readonly start: StartPoint;
};

/** A record with its hash, so that nobody hashes it twice. */
export type KnownRecord = { readonly record: EpochRecord; readonly hash: Hash32 };

/** C5: the default committee, `majority` of which certifies. */
export const DEFAULT_MEMBERS: number = 4;

/** More than half: 1, 2, 2, 3, 3 for 1 to 5 members. */
export function majority(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * C6: where the offsets of an epoch begin. Epoch 0 goes on where the log ends; a later one jumps, past
 * whatever an older leader may have handed out and lost, and its rollback record takes this offset.
 */
export function firstOffset(
  at: Epoch,
  inherited: Pick<Inherited, "epoch"> | null,
  keepThrough: Offset,
): Offset {
  return offset(firstOffsetNumber(at, inherited?.epoch ?? 0, keepThrough));
}

function firstOffsetNumber(at: number, inheritedEpoch: number, keepThrough: number): number {
  return keepThrough + (at === 0 ? 1 : OFFSETS_PER_EPOCH * (at - inheritedEpoch));
}

export type RecordProblem =
  | "era"
  | "previous"
  | "members"
  | "quorum"
  | "candidates"
  | "leader"
  | "endpoint"
  | "start";

/** Null when the record is well formed; else the first thing that is wrong with it. */
export function recordProblem(record: EpochRecord): RecordProblem | null {
  const { members, candidates, quorum } = record;
  if (record.era.length !== 16) return "era";
  if ((record.epoch === 0) !== (record.previous === ZERO_HASH)) return "previous";
  if (!areMembers(record)) return "members";
  if (!Number.isInteger(quorum) || quorum < majority(members.length) || quorum > members.length) {
    return "quorum";
  }
  if (!areCandidates(candidates)) return "candidates";
  if (record.leader >= candidates.length) return "leader";
  if (![...members, ...candidates].every(({ endpoint }) => ENDPOINT.test(endpoint))) {
    return "endpoint";
  }
  return startProblem(record);
}

const ENDPOINT = /^[\x21-\x7e]{1,255}$/;
const CANDIDATE_ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

function areMembers({ scheme, members }: EpochRecord): boolean {
  const { publicKeyBytes, proofBytes } = SCHEME_PARAMETERS[scheme];
  return (
    members.length >= 1 &&
    members.length <= MEMBERS_MAX &&
    members.every((one) => one.key.length === publicKeyBytes && one.proof.length === proofBytes) &&
    isAscending(members.map(({ key }) => toHex(key)))
  );
}

function areCandidates(candidates: readonly Candidate[]): boolean {
  const keys = new Set(candidates.map(({ key }) => toHex(key)));
  return (
    candidates.length >= 1 &&
    candidates.length <= CANDIDATES_MAX &&
    keys.size === candidates.length &&
    candidates.every(isCandidate) &&
    isAscending(candidates.map(({ id }) => id))
  );
}

function isCandidate({ id, scheme, key }: Candidate): boolean {
  const { publicKeyBytes, aggregates } = SCHEME_PARAMETERS[scheme];
  return CANDIDATE_ID.test(id) && !aggregates && key.length === publicKeyBytes;
}

/** By code unit, which for ASCII is by byte. */
function isAscending(texts: readonly string[]): boolean {
  return texts.every((text, i) => i === 0 || (texts[i - 1] ?? "") < text);
}

function startProblem({ epoch, start }: EpochRecord): "start" | null {
  const { inherited, keepThrough } = start;
  const [inheritedEpoch, height] = [inherited?.epoch ?? 0, inherited?.height ?? 0];
  const isSound =
    (inherited !== null || keepThrough === 0) &&
    inheritedEpoch < Math.max(epoch, 1) &&
    // A stranger's numbers: what follows from them need not be a safe integer.
    Number.isSafeInteger(height + 1) &&
    start.firstOffset === firstOffsetNumber(epoch, inheritedEpoch, keepThrough);
  return isSound ? null : "start";
}

/** Members in a record's order. */
export function sortMembers(members: readonly Member[]): readonly Member[] {
  return [...members].sort((a, b) => (toHex(a.key) < toHex(b.key) ? -1 : 1));
}

/** Candidates in a record's order. */
export function sortCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...candidates].sort((a, b) => (a.id < b.id ? -1 : 1));
}
