/**
 * The bytes of an epoch record, what is signed of it and its hash (C9).
 *
 *     version u8 = 1 | chain_id u64 | app 20 | era 16 | epoch u64 | previous 32
 *     | scheme u8 | quorum u8 | members u8 | keys | proofs | endpoints      one after the other, by key
 *     | candidates u8 | candidates: id text, endpoint text, scheme u8, key                        by id
 *     | leader u8 | first_height u64 | parent 32 | inherited_epoch u64 | keep_through u64
 *     | first_offset u64                                        text: u8 length, then ASCII
 *
 * What a contract needs of a record comes first and has a fixed width.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import { fromHex, type Hash32, hashFromBytes } from "../types/hex.ts";
import { err, type Result } from "../types/result.ts";
import { offset } from "../types/units.ts";
import {
  decodeAll,
  domainPrefix,
  encodeDeployment,
  type FormatError,
  type FormatReader,
  readDeployment,
  schemeTag,
  shortText,
  u8,
  u64,
  ZERO_HASH,
} from "./encoding.ts";
import {
  type Candidate,
  type EpochRecord,
  type KnownRecord,
  type Member,
  type RecordProblem,
  recordProblem,
  type StartPoint,
} from "./epoch-record.ts";
import { candidateIndex, epoch, height, SCHEME_PARAMETERS, type SchemeId } from "./types.ts";

export const EPOCH_DOMAIN = "baton/epoch/v1";
const VERSION = 1;
const DOMAIN_PREFIX = domainPrefix(EPOCH_DOMAIN);

/** Canonical bytes. Asserts `recordProblem`. */
export function encodeRecord(record: EpochRecord): Uint8Array {
  assert(recordProblem(record) === null, "an epoch record is well formed");
  const { start } = record;
  const { inherited } = start;
  return concatBytes(
    u8(VERSION),
    encodeDeployment(record),
    record.era,
    u64(record.epoch),
    fromHex(record.previous),
    encodeCommittee(record),
    u8(record.leader),
    u64(inherited === null ? 0 : inherited.height + 1),
    fromHex(inherited?.hash ?? ZERO_HASH),
    u64(inherited?.epoch ?? 0),
    u64(start.keepThrough),
    u64(start.firstOffset),
  );
}

/** What of a record is its committee. */
type Committee = Pick<EpochRecord, "scheme" | "quorum" | "members" | "candidates">;

/** Asserts the lengths of keys and proofs. */
export function encodeCommittee({ scheme, quorum, members, candidates }: Committee): Uint8Array {
  const { publicKeyBytes, proofBytes } = SCHEME_PARAMETERS[scheme];
  for (const { key, proof } of members) {
    assert(key.length === publicKeyBytes && proof.length === proofBytes, "a key has its length");
  }
  return concatBytes(
    schemeTag(scheme),
    u8(quorum),
    u8(members.length),
    ...members.map(({ key }) => key),
    ...members.map(({ proof }) => proof),
    ...members.map(({ endpoint }) => shortText(endpoint)),
    u8(candidates.length),
    ...candidates.map(encodeCandidate),
  );
}

function encodeCandidate({ id, endpoint, scheme, key }: Candidate): Uint8Array {
  return concatBytes(shortText(id), shortText(endpoint), schemeTag(scheme), key);
}

export function decodeRecord(bytes: Uint8Array): Result<EpochRecord, FormatError | RecordProblem> {
  const decoded = decodeAll(bytes, readRecord);
  if (!decoded.ok) return decoded;
  const problem = recordProblem(decoded.value);
  return problem === null ? decoded : err(problem);
}

/** Bytes that are no record's encoding fail; whether the record is well formed is not asked here. */
export function readRecord(reader: FormatReader): EpochRecord {
  reader.version(VERSION);
  const deployment = readDeployment(reader);
  const head = { ...deployment, era: reader.raw(16), epoch: epoch(reader.u64()) };
  const previous = reader.hash();
  const committee = readCommittee(reader);
  const leader = candidateIndex(reader.u8());
  return { ...head, previous, ...committee, leader, start: readStart(reader) };
}

/** Whether a record with it is well formed is not asked here. */
export function readCommittee(reader: FormatReader): Committee {
  const scheme = reader.scheme();
  const quorum = reader.u8();
  const members = readMembers(reader, scheme);
  const candidates = reader.list(reader.u8(), () => readCandidate(reader));
  return { scheme, quorum, members, candidates };
}

function readMembers(reader: FormatReader, scheme: SchemeId): readonly Member[] {
  const { publicKeyBytes, proofBytes } = SCHEME_PARAMETERS[scheme];
  const count = reader.u8();
  const keys = reader.list(count, () => reader.raw(publicKeyBytes));
  const proofs = reader.list(count, () => reader.raw(proofBytes));
  return keys.map((key, i) => ({
    key,
    proof: proofs[i] ?? new Uint8Array(0),
    endpoint: reader.shortText(),
  }));
}

function readCandidate(reader: FormatReader): Candidate {
  const id = reader.shortText();
  const endpoint = reader.shortText();
  const scheme = reader.scheme();
  return { id, endpoint, scheme, key: reader.raw(SCHEME_PARAMETERS[scheme].publicKeyBytes) };
}

function readStart(reader: FormatReader): StartPoint {
  const firstHeight = reader.u64();
  const parent = reader.hash();
  const inheritedEpoch = epoch(reader.u64());
  if (firstHeight === 0 && (parent !== ZERO_HASH || inheritedEpoch !== 0)) reader.fail("value");
  const inherited =
    firstHeight === 0
      ? null
      : { height: height(firstHeight - 1), hash: parent, epoch: inheritedEpoch };
  return { inherited, keepThrough: offset(reader.u64()), firstOffset: offset(reader.u64()) };
}

/** What signatures are over. */
export function recordPreimage(record: EpochRecord): Uint8Array {
  return concatBytes(DOMAIN_PREFIX, encodeRecord(record));
}

/** SHA-256 of the preimage: what acks name, the next record links to and a client pins. */
export function recordHash(record: EpochRecord): Hash32 {
  return hashFromBytes(sha256(recordPreimage(record)));
}

export function knownRecord(record: EpochRecord): KnownRecord {
  return { record, hash: recordHash(record) };
}
