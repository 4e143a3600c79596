/**
 * A vote: in this term, the voter wants this candidate to lead and nobody else (C8).
 *
 *     preimage   u16 length | "baton/vote/v1" | statement
 *     statement  chain_id u64 | app 20 | record 32 | term u64 | asker u8 | candidate u8
 *                | has_tip u8 | [ack_epoch u64 | height u64 | chunk 32]
 *     vote       version u8 = 1 | statement | member u8 | scheme u8 | signature
 *
 * The asker is the member that stands for the election; the tip is its own, which a voter found at
 * least as new as the voter's. Both indices count in the record that the vote names, whose members vote.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { fromHex, type Hash32 } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { isOfDeployment, type StatementProblem } from "./ack.ts";
import type { Claim } from "./claim.ts";
import {
  type Deployment,
  decodeAll,
  domainPrefix,
  encodeDeployment,
  type FormatError,
  type FormatReader,
  readDeployment,
  u8,
  u64,
} from "./encoding.ts";
import type { KnownRecord } from "./epoch-record.ts";
import {
  encodeMemberSignature,
  type MemberSignature,
  memberCheck,
  readMemberSignature,
} from "./member-signature.ts";
import {
  CANDIDATES_MAX,
  type CandidateIndex,
  candidateIndex,
  type Epoch,
  epoch,
  height,
  MEMBERS_MAX,
  type MemberIndex,
  memberIndex,
  type Tip,
} from "./types.ts";

export const VOTE_DOMAIN = "baton/vote/v1";
const VERSION = 1;

export type VoteStatement = Deployment & {
  /** The newest record that the voter holds. */
  readonly recordHash: Hash32;
  /** The epoch to be opened. */
  readonly term: Epoch;
  readonly asker: MemberIndex;
  readonly candidate: CandidateIndex;
  readonly tip: Tip | null;
};

export type Vote = { readonly statement: VoteStatement; readonly by: MemberSignature };

const DOMAIN_PREFIX = domainPrefix(VOTE_DOMAIN);

/** What signatures are over. */
export function votePreimage(statement: VoteStatement): Uint8Array {
  return concatBytes(DOMAIN_PREFIX, encodeVoteStatement(statement));
}

/** The statement of the preimage. */
export function encodeVoteStatement(statement: VoteStatement): Uint8Array {
  return concatBytes(
    encodeDeployment(statement),
    fromHex(statement.recordHash),
    u64(statement.term),
    u8(statement.asker),
    u8(statement.candidate),
    encodeTip(statement.tip),
  );
}

function encodeTip(tip: Tip | null): Uint8Array {
  if (tip === null) return u8(0);
  return concatBytes(u8(1), u64(tip.ackEpoch), u64(tip.height), fromHex(tip.hash));
}

export function encodeVote({ statement, by }: Vote): Uint8Array {
  return concatBytes(u8(VERSION), encodeVoteStatement(statement), encodeMemberSignature(by));
}

export function decodeVote(bytes: Uint8Array): Result<Vote, FormatError> {
  return decodeAll(bytes, readVote);
}

export function readVote(reader: FormatReader): Vote {
  reader.version(VERSION);
  return { statement: readVoteStatement(reader), by: readMemberSignature(reader) };
}

export function readVoteStatement(reader: FormatReader): VoteStatement {
  const head = { ...readDeployment(reader), recordHash: reader.hash(), term: epoch(reader.u64()) };
  const [asker, candidate] = [memberIndex(reader.u8()), candidateIndex(reader.u8())];
  if (asker >= MEMBERS_MAX || candidate >= CANDIDATES_MAX) reader.fail("value");
  return { ...head, asker, candidate, tip: readTip(reader) };
}

function readTip(reader: FormatReader): Tip | null {
  if (!reader.flag()) return null;
  return { ackEpoch: epoch(reader.u64()), height: height(reader.u64()), hash: reader.hash() };
}

/** That a member of this record said it, of a later term, an asker and a candidate of the record. */
export function voteClaim(vote: Vote, known: KnownRecord): Result<Claim<Vote>, StatementProblem> {
  const { statement, by } = vote;
  const { record, hash } = known;
  if (
    statement.recordHash !== hash ||
    !isOfDeployment(statement, record) ||
    statement.term <= record.epoch ||
    statement.asker >= record.members.length ||
    statement.candidate >= record.candidates.length
  ) {
    return err("record");
  }
  const check = memberCheck(by, record, votePreimage(statement));
  return check.ok ? ok({ unproven: vote, checks: [check.value] }) : check;
}
