/**
 * The fields of every kind of message, written and read: one codec for each, in the order of the tags.
 *
 * Version and kind stand before them (`message-bytes.ts`); parts that several kinds share are in
 * `message-parts.ts`.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { encodeAck, readAck } from "../core/consensus/ack.ts";
import { encodeCertificate, readCertificate } from "../core/consensus/certificate.ts";
import { encodeProposal } from "../core/consensus/commit-certificate.ts";
import {
  counted,
  type FormatReader,
  option,
  prefixed,
  u8,
  u64,
} from "../core/consensus/encoding.ts";
import { encodeSignedRecord } from "../core/consensus/epoch-chain.ts";
import { encodeCommittee } from "../core/consensus/epoch-record-bytes.ts";
import { encodeEvidence, readEvidence } from "../core/consensus/evidence.ts";
import { encodeMemberSignature, readMemberSignature } from "../core/consensus/member-signature.ts";
import {
  encodeChunkRef,
  encodeLinePlace,
  encodeProposalId,
  encodeTakeovers,
  readChunkRef,
  readCommitteePart,
  readLinePlace,
  readProposal,
  readProposalId,
  readTakeovers,
} from "../core/consensus/part-bytes.ts";
import { encodeReport, readReport } from "../core/consensus/report.ts";
import { encodeSignedHeader, readSignedHeader } from "../core/consensus/signed-header.ts";
import { epoch, MEMBERS_MAX } from "../core/consensus/types.ts";
import { ACCEPTED_RECORDS_MAX, GIVEN_UP_MAX } from "../core/consensus/validator-state.ts";
import { encodeVote, readVote } from "../core/consensus/vote.ts";
import { fromHex } from "../core/types/hex.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import {
  encodeBeginning,
  encodeChange,
  encodeChunks,
  encodeFeed,
  encodeRefusal,
  readBeginning,
  readCandidateIndex,
  readChange,
  readChunks,
  readFeed,
  readRefusal,
  readWellFormedRecord,
} from "./message-parts.ts";
import type { Message } from "./messages.ts";
import { RECORDS_PAGE } from "./records.ts";

export type Kind = Message["is"];
export type MessageOf<K extends Kind> = Extract<Message, { readonly is: K }>;

export type Codec<K extends Kind> = {
  readonly tag: number;
  /** The fields, without version and kind. */
  readonly encode: (message: MessageOf<K>) => Uint8Array;
  readonly read: (reader: FormatReader) => MessageOf<K>;
};

/** Tags are never used again for another kind. */
export const CODECS: { readonly [K in Kind]: Codec<K> } = {
  propose: {
    tag: 1,
    encode: ({ epoch: at, recordHash, target, feed }) =>
      concatBytes(u64(at), fromHex(recordHash), option(target, encodeChunkRef), encodeFeed(feed)),
    read: (reader) => ({
      is: "propose",
      epoch: epoch(reader.u64()),
      recordHash: reader.hash(),
      target: reader.option(() => readChunkRef(reader)),
      feed: readFeed(reader),
    }),
  },
  prepare: {
    tag: 2,
    encode: ({ epoch: at, recordHash, candidate, votes }) =>
      concatBytes(
        ...[u64(at), fromHex(recordHash), u8(candidate)],
        counted(votes, MEMBERS_MAX, encodeVote),
      ),
    read: (reader) => ({
      is: "prepare",
      epoch: epoch(reader.u64()),
      recordHash: reader.hash(),
      candidate: readCandidateIndex(reader),
      votes: reader.counted(MEMBERS_MAX, () => readVote(reader)),
    }),
  },
  sign: {
    tag: 3,
    encode: ({ takeovers, change, feed }) =>
      concatBytes(encodeTakeovers(takeovers), option(change, encodeChange), encodeFeed(feed)),
    read: (reader) => ({
      is: "sign",
      takeovers: readTakeovers(reader),
      change: reader.option(() => readChange(reader)),
      feed: readFeed(reader),
    }),
  },
  fetch: {
    tag: 4,
    encode: ({ after, goal }) => concatBytes(encodeLinePlace(after), option(goal, encodeChunkRef)),
    read: (reader) => ({
      is: "fetch",
      after: readLinePlace(reader),
      goal: reader.option(() => readChunkRef(reader)),
    }),
  },
  proposal: {
    tag: 5,
    encode: ({ statement, payload, committee }) =>
      concatBytes(encodeProposal(statement), prefixed(payload), option(committee, encodeCommittee)),
    read: (reader) => ({
      is: "proposal",
      statement: readProposal(reader),
      payload: reader.prefixed(BLOB_BYTES_MAX),
      committee: reader.option(() => readCommitteePart(reader)),
    }),
  },
  transfer: {
    tag: 6,
    encode: ({ candidate }) => option(candidate, u8),
    read: (reader) => ({
      is: "transfer",
      candidate: reader.option(() => readCandidateIndex(reader)),
    }),
  },
  ack: {
    tag: 7,
    encode: ({ ack }) => encodeAck(ack),
    read: (reader) => ({ is: "ack", ack: readAck(reader) }),
  },
  holds: {
    tag: 8,
    encode: ({ through }) => u64(through + 1),
    read: (reader) => ({ is: "holds", through: reader.u64() - 1 }),
  },
  fenced: {
    tag: 9,
    encode: ({ epoch: at }) => u64(at),
    read: (reader) => ({ is: "fenced", epoch: epoch(reader.u64()) }),
  },
  refused: {
    tag: 10,
    encode: ({ why }) => encodeRefusal(why),
    read: (reader) => ({ is: "refused", why: readRefusal(reader) }),
  },
  report: {
    tag: 11,
    encode: ({ report, accepted }) => concatBytes(encodeReport(report), encodeTakeovers(accepted)),
    read: (reader) => ({
      is: "report",
      report: readReport(reader),
      accepted: readTakeovers(reader),
    }),
  },
  signed: {
    tag: 12,
    encode: ({ records, byPrevious, byJoining }) =>
      concatBytes(
        counted(records, ACCEPTED_RECORDS_MAX, fromHex),
        option(byPrevious, (signed) =>
          counted(signed, ACCEPTED_RECORDS_MAX, encodeMemberSignature),
        ),
        option(byJoining, encodeMemberSignature),
      ),
    read: (reader) => ({
      is: "signed",
      records: reader.counted(ACCEPTED_RECORDS_MAX, () => reader.hash()),
      byPrevious: reader.option(() =>
        reader.counted(ACCEPTED_RECORDS_MAX, () => readMemberSignature(reader)),
      ),
      byJoining: reader.option(() => readMemberSignature(reader)),
    }),
  },
  chunks: {
    tag: 13,
    encode: ({ after, goal, chunks, certificate }) =>
      concatBytes(
        ...[encodeLinePlace(after), option(goal, encodeChunkRef), encodeChunks(chunks)],
        option(certificate, encodeCertificate),
      ),
    read: (reader) => ({
      is: "chunks",
      after: readLinePlace(reader),
      goal: reader.option(() => readChunkRef(reader)),
      chunks: readChunks(reader),
      certificate: reader.option(() => readCertificate(reader)),
    }),
  },
  elected: {
    tag: 14,
    encode: ({ votes }) => counted(votes, MEMBERS_MAX, encodeVote),
    read: (reader) => ({
      is: "elected",
      votes: reader.counted(MEMBERS_MAX, () => readVote(reader)),
    }),
  },
  "proposal-vote": {
    tag: 15,
    encode: ({ statement, by }) =>
      concatBytes(encodeProposal(statement), encodeMemberSignature(by)),
    read: (reader) => ({
      is: "proposal-vote",
      statement: readProposal(reader),
      by: readMemberSignature(reader),
    }),
  },
  "proposal-denied": {
    tag: 16,
    encode: ({ id }) => encodeProposalId(id),
    read: (reader) => ({ is: "proposal-denied", id: readProposalId(reader) }),
  },
  change: {
    tag: 17,
    encode: ({ change }) => encodeChange(change),
    read: (reader) => ({ is: "change", change: readChange(reader) }),
  },
  ask: {
    tag: 18,
    encode: ({ vote, isTransfer }) => concatBytes(encodeVote(vote), u8(isTransfer ? 1 : 0)),
    read: (reader) => ({ is: "ask", vote: readVote(reader), isTransfer: reader.flag() }),
  },
  vote: {
    tag: 19,
    encode: ({ vote }) => encodeVote(vote),
    read: (reader) => ({ is: "vote", vote: readVote(reader) }),
  },
  denied: {
    tag: 20,
    encode: ({ term }) => u64(term),
    read: (reader) => ({ is: "denied", term: epoch(reader.u64()) }),
  },
  "election-heartbeat": {
    tag: 21,
    encode: ({ term }) => u64(term),
    read: (reader) => ({ is: "election-heartbeat", term: epoch(reader.u64()) }),
  },
  evidence: {
    tag: 22,
    encode: ({ evidence }) => encodeEvidence(evidence),
    read: (reader) => ({ is: "evidence", evidence: readEvidence(reader) }),
  },
  "given-up": {
    tag: 23,
    encode: ({ headers }) => counted(headers, GIVEN_UP_MAX, encodeSignedHeader),
    read: (reader) => ({
      is: "given-up",
      headers: reader.counted(GIVEN_UP_MAX, () => readSignedHeader(reader)),
    }),
  },
  head: {
    tag: 24,
    encode: ({ epoch: at, hash }) => concatBytes(u64(at), fromHex(hash)),
    read: (reader) => ({ is: "head", epoch: epoch(reader.u64()), hash: reader.hash() }),
  },
  "want-records": {
    tag: 25,
    encode: ({ after }) => u64(after),
    read: (reader) => ({ is: "want-records", after: epoch(reader.u64()) }),
  },
  records: {
    tag: 26,
    encode: ({ records }) => counted(records, RECORDS_PAGE, encodeSignedRecord),
    read: (reader) => ({
      is: "records",
      records: reader.counted(RECORDS_PAGE, () => readWellFormedRecord(reader)),
    }),
  },
  "want-beginning": {
    tag: 27,
    encode: ({ after, isAny }) => concatBytes(encodeLinePlace(after), u8(isAny ? 1 : 0)),
    read: (reader) => ({
      is: "want-beginning",
      after: readLinePlace(reader),
      isAny: reader.flag(),
    }),
  },
  beginning: {
    tag: 28,
    encode: ({ after, beginning }) =>
      concatBytes(encodeLinePlace(after), option(beginning, encodeBeginning)),
    read: (reader) => ({
      is: "beginning",
      after: readLinePlace(reader),
      beginning: reader.option(() => readBeginning(reader)),
    }),
  },
};
