/**
 * Evidence that somebody said two things where one was allowed (C3, C4), readable by anybody.
 *
 *     version u8 = 1 | kind u8 | first | second         the one with the lower chunk hash first
 *     1 fork         two signed headers of one leader at one (epoch, height)
 *     2 double ack   two acks of one member at one (epoch, height)
 *
 * Chunk hashes are compared, never signatures: a signer may sign one chunk twice with two signatures.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { chunkHash } from "../chunk/header.ts";
import { assert, must } from "../types/assert.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type Ack, ackPreimage, encodeAck, isOfRecord, readAck } from "./ack.ts";
import type { Claim } from "./claim.ts";
import { decodeAll, type FormatError, type FormatReader, u8 } from "./encoding.ts";
import type { KnownRecord } from "./epoch-record.ts";
import { memberCheck } from "./member-signature.ts";
import {
  chunkRef,
  encodeSignedHeader,
  leaderCheck,
  leaderOf,
  readSignedHeader,
  type SignedHeader,
} from "./signed-header.ts";
import type { CandidateIndex, ChunkRef, Epoch, MemberIndex, SchemeId } from "./types.ts";

const VERSION = 1;
const KIND = { fork: 1, "double-ack": 2 } as const;

export type Evidence =
  | { readonly kind: "fork"; readonly pair: readonly [SignedHeader, SignedHeader] }
  | { readonly kind: "double-ack"; readonly pair: readonly [Ack, Ack] };

/** Who is guilty, and of which two chunks. */
export type Culprit = {
  readonly epoch: Epoch;
  readonly chunks: readonly [ChunkRef, ChunkRef];
  readonly scheme: SchemeId;
  readonly key: Uint8Array;
} & (
  | { readonly role: "sequencer"; readonly candidate: CandidateIndex }
  | { readonly role: "member"; readonly member: MemberIndex }
);

/** `pair`: not two chunks at one place by one signer. `record`: not of this record. */
export type EvidenceProblem = "pair" | "record";

/** Evidence of two headers; null when they are no contradiction. Signatures are not looked at. */
export function forkEvidence(a: SignedHeader, b: SignedHeader): Evidence | null {
  const evidence: Evidence = { kind: "fork", pair: inOrder(a, b, headerHash) };
  return isContradiction(evidence) ? evidence : null;
}

/** Evidence of two acks; null when they are no contradiction. Signatures are not looked at. */
export function doubleAckEvidence(a: Ack, b: Ack): Evidence | null {
  const evidence: Evidence = { kind: "double-ack", pair: inOrder(a, b, ackHash) };
  return isContradiction(evidence) ? evidence : null;
}

function headerHash({ header }: SignedHeader): string {
  return chunkHash(header);
}

function ackHash({ statement }: Ack): string {
  return statement.chunkHash;
}

function inOrder<T>(a: T, b: T, hash: (one: T) => string): readonly [T, T] {
  return hash(a) < hash(b) ? [a, b] : [b, a];
}

function isContradiction(evidence: Evidence): boolean {
  if (evidence.kind === "fork") {
    const [a, b] = evidence.pair;
    const isOnePlace = a.header.epoch === b.header.epoch && a.header.height === b.header.height;
    return isOnePlace && headerHash(a) < headerHash(b);
  }
  const [a, b] = evidence.pair;
  const isOnePlace =
    a.statement.recordHash === b.statement.recordHash &&
    a.statement.epoch === b.statement.epoch &&
    a.statement.height === b.statement.height;
  return isOnePlace && a.by.member === b.by.member && ackHash(a) < ackHash(b);
}

/** Asserts that the pair is a contradiction, in order. */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  assert(isContradiction(evidence), "evidence contradicts itself, the lower hash first");
  const pair =
    evidence.kind === "fork" ? evidence.pair.map(encodeSignedHeader) : evidence.pair.map(encodeAck);
  return concatBytes(u8(VERSION), u8(KIND[evidence.kind]), ...pair);
}

export function decodeEvidence(bytes: Uint8Array): Result<Evidence, FormatError> {
  return decodeAll(bytes, readEvidence);
}

export function readEvidence(reader: FormatReader): Evidence {
  reader.version(VERSION);
  const kind = reader.u8();
  const evidence: Evidence =
    kind === KIND.fork
      ? { kind: "fork", pair: [readSignedHeader(reader), readSignedHeader(reader)] }
      : { kind: "double-ack", pair: [readAck(reader), readAck(reader)] };
  if (kind !== KIND[evidence.kind] || !isContradiction(evidence)) reader.fail("value");
  return evidence;
}

/** That somebody of this record is guilty of it. */
export function evidenceClaim(
  evidence: Evidence,
  known: KnownRecord,
): Result<Claim<Culprit>, EvidenceProblem> {
  if (!isContradiction(evidence)) return err("pair");
  return evidence.kind === "fork"
    ? forkClaim(evidence.pair, known)
    : doubleAckClaim(evidence.pair, known);
}

function forkClaim(
  [a, b]: readonly [SignedHeader, SignedHeader],
  { record }: KnownRecord,
): Result<Claim<Culprit>, EvidenceProblem> {
  const [first, second] = [leaderCheck(a, record), leaderCheck(b, record)];
  if (!first.ok || !second.ok) return err("record");
  const { scheme, key } = leaderOf(record);
  const culprit: Culprit = {
    role: "sequencer",
    candidate: record.leader,
    epoch: record.epoch,
    chunks: [chunkRef(a.header), chunkRef(b.header)],
    scheme,
    key,
  };
  return ok({ unproven: culprit, checks: [first.value, second.value] });
}

function doubleAckClaim(
  [a, b]: readonly [Ack, Ack],
  known: KnownRecord,
): Result<Claim<Culprit>, EvidenceProblem> {
  const { record } = known;
  if (!isOfRecord(a.statement, known) || !isOfRecord(b.statement, known)) return err("record");
  const first = memberCheck(a.by, record, ackPreimage(a.statement));
  const second = memberCheck(b.by, record, ackPreimage(b.statement));
  if (!first.ok || !second.ok) return err("record");
  const culprit: Culprit = {
    role: "member",
    member: a.by.member,
    epoch: record.epoch,
    chunks: [ackedChunk(a), ackedChunk(b)],
    scheme: record.scheme,
    key: must(record.members[a.by.member], "the member was just found").key,
  };
  return ok({ unproven: culprit, checks: [first.value, second.value] });
}

function ackedChunk({ statement }: Ack): ChunkRef {
  return { height: statement.height, hash: statement.chunkHash };
}
