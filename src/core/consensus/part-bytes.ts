/**
 * The bytes of what messages carry besides the signed formats: takeovers, proposals, places of chunks.
 *
 *     chunk ref     height u64 | hash 32
 *     line place    height + 1 u64 | hash 32            -1 where the log is empty
 *     takeover      record | reports: count u8, each
 *     proposal      chain_id u64 | app 20 | record 32 | term u64 | sequence u64 | origin u8 | digest 32
 *     commit        proposal | multi-signature
 *
 * Not signed as they stand: what is in them is. Every value has one encoding, as in `encoding.ts`.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { fromHex, type Hash32 } from "../types/hex.ts";
import {
  type CommitCertificate,
  encodeProposal,
  type ProposalId,
  type ProposalStatement,
} from "./commit-certificate.ts";
import { counted, type FormatReader, readDeployment, u8, u64, ZERO_HASH } from "./encoding.ts";
import { type KnownRecord, recordProblem } from "./epoch-record.ts";
import { encodeRecord, knownRecord, readCommittee, readRecord } from "./epoch-record-bytes.ts";
import { encodeMultiSignature, readMultiSignature } from "./multi-signature.ts";
import { encodeReport, readReport } from "./report.ts";
import type { Committee } from "./takeover.ts";
import {
  CANDIDATES_MAX,
  type ChunkRef,
  candidateIndex,
  epoch,
  height,
  MEMBERS_MAX,
} from "./types.ts";
import { ACCEPTED_RECORDS_MAX, type Takeover } from "./validator-state.ts";

export function encodeChunkRef(chunk: ChunkRef): Uint8Array {
  return concatBytes(u64(chunk.height), fromHex(chunk.hash));
}

export function readChunkRef(reader: FormatReader): ChunkRef {
  return { height: height(reader.u64()), hash: reader.hash() };
}

/** The end of a line, which may be empty. */
export type LinePlace = { readonly height: number; readonly hash: Hash32 };

export function encodeLinePlace(place: LinePlace): Uint8Array {
  return concatBytes(u64(place.height + 1), fromHex(place.hash));
}

export function readLinePlace(reader: FormatReader): LinePlace {
  return { height: reader.u64() - 1, hash: reader.hash() };
}

export function encodeTakeovers(takeovers: readonly Takeover[]): Uint8Array {
  return counted(takeovers, ACCEPTED_RECORDS_MAX, ({ known, reports }) =>
    concatBytes(encodeRecord(known.record), counted(reports, MEMBERS_MAX, encodeReport)),
  );
}

export function readTakeovers(reader: FormatReader): readonly Takeover[] {
  return reader.counted(ACCEPTED_RECORDS_MAX, () => ({
    known: readKnown(reader),
    reports: reader.counted(MEMBERS_MAX, () => readReport(reader)),
  }));
}

/** A well-formed record with its hash. */
function readKnown(reader: FormatReader): KnownRecord {
  const record = readRecord(reader);
  if (recordProblem(record) === null) return knownRecord(record);
  reader.fail("value");
  return { record, hash: ZERO_HASH };
}

/** Within the bounds of a record; whether it makes a well-formed one is for the receiver to judge. */
export function readCommitteePart(reader: FormatReader): Committee {
  const committee = readCommittee(reader);
  const { members, candidates } = committee;
  if (members.length > MEMBERS_MAX || candidates.length > CANDIDATES_MAX) reader.fail("value");
  return committee;
}

export function encodeProposalId({ term, sequence, origin }: ProposalId): Uint8Array {
  return concatBytes(u64(term), u64(sequence), u8(origin));
}

export function readProposalId(reader: FormatReader): ProposalId {
  const [term, sequence, origin] = [epoch(reader.u64()), reader.u64(), reader.u8()];
  if (origin >= CANDIDATES_MAX) reader.fail("value");
  return { term, sequence, origin: candidateIndex(origin) };
}

export function readProposal(reader: FormatReader): ProposalStatement {
  const deployment = readDeployment(reader);
  const recordHash = reader.hash();
  return { ...deployment, recordHash, id: readProposalId(reader), digest: reader.hash() };
}

export function encodeCommit({ statement, signatures }: CommitCertificate): Uint8Array {
  return concatBytes(encodeProposal(statement), encodeMultiSignature(signatures));
}

export function readCommit(reader: FormatReader): CommitCertificate {
  return { statement: readProposal(reader), signatures: readMultiSignature(reader) };
}
