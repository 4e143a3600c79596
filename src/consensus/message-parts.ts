/** Parts that several kinds of messages share, as bytes: chunks with payloads, changes, refusals. */

import { concatBytes } from "@noble/hashes/utils.js";
import {
  type ChunkHeader,
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
} from "../core/chunk/header.ts";
import { encodeCertificate, readCertificate } from "../core/consensus/certificate.ts";
import { type FormatReader, option, prefixed, u8 } from "../core/consensus/encoding.ts";
import { readSignedRecord, type SignedRecord } from "../core/consensus/epoch-chain.ts";
import { recordProblem } from "../core/consensus/epoch-record.ts";
import { encodeCommittee } from "../core/consensus/epoch-record-bytes.ts";
import { encodeCommit, readCommit, readCommitteePart } from "../core/consensus/part-bytes.ts";
import { encodeSignedHeader, readSignedHeader } from "../core/consensus/signed-header.ts";
import { CANDIDATES_MAX, type CandidateIndex, candidateIndex } from "../core/consensus/types.ts";
import type { Refusal } from "../core/consensus/validator-events.ts";
import { assert, must } from "../core/types/assert.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import type { Beginning, CertifiedChange, SentChunk, SentFeed } from "./messages.ts";

/** Chunks of one message. */
const CHUNKS_MAX = 256;
/** Headers of one message, 145 bytes each: more than lie between two certificates that are kept. */
export const HEADERS_MAX: number = 16_384;

/** A refusal is its place in this list. */
const REFUSALS: readonly Refusal[] = [
  ...(["mute", "fork", "history", "link", "full", "payload", "busy"] as const),
  ...(["start", "certified", "acked", "record"] as const),
];

/** certificate option | checkpoint option: header, certificate | chunks */
export function encodeFeed({ certificate, checkpoint, chunks }: SentFeed): Uint8Array {
  return concatBytes(
    option(certificate, encodeCertificate),
    option(checkpoint, (one) =>
      concatBytes(encodeSignedHeader(one.signed), encodeCertificate(one.certificate)),
    ),
    encodeChunks(chunks),
  );
}

export function readFeed(reader: FormatReader): SentFeed {
  return {
    certificate: reader.option(() => readCertificate(reader)),
    checkpoint: reader.option(() => ({
      signed: readSignedHeader(reader),
      certificate: readCertificate(reader),
    })),
    chunks: readChunks(reader),
  };
}

/** Members that keep pace are sent the same list, which is encoded once. */
const ENCODED = new WeakMap<readonly SentChunk[], Uint8Array>();

/** A count as u16, then for each: header, payload. */
export function encodeChunks(chunks: readonly SentChunk[]): Uint8Array {
  const known = ENCODED.get(chunks);
  if (known !== undefined) return known;
  const { length } = chunks;
  assert(length <= CHUNKS_MAX, "the chunks of a message are bounded");
  const bytes = concatBytes(
    ...[u8(length >> 8), u8(length & 0xff)],
    ...chunks.flatMap(({ signed, payload }) => [encodeSignedHeader(signed), prefixed(payload)]),
  );
  ENCODED.set(chunks, bytes);
  return bytes;
}

export function readChunks(reader: FormatReader): readonly SentChunk[] {
  const count = reader.u8() * 256 + reader.u8();
  if (count > CHUNKS_MAX) {
    reader.fail("value");
    return [];
  }
  return reader.list(count, () => ({
    signed: readSignedHeader(reader),
    payload: reader.prefixed(BLOB_BYTES_MAX),
  }));
}

/** chunk: header, payload | headers above it: count u16, each | certificate */
export function encodeBeginning({ chunk, above, certificate }: Beginning): Uint8Array {
  assert(above.length <= HEADERS_MAX, "the headers of a message are bounded");
  return concatBytes(
    encodeSignedHeader(chunk.signed),
    prefixed(chunk.payload),
    ...[u8(above.length >> 8), u8(above.length & 0xff)],
    ...above.map(encodeHeader),
    encodeCertificate(certificate),
  );
}

export function readBeginning(reader: FormatReader): Beginning {
  const chunk = { signed: readSignedHeader(reader), payload: reader.prefixed(BLOB_BYTES_MAX) };
  const above = readHeaders(reader);
  return { chunk, above, certificate: readCertificate(reader) };
}

function readHeaders(reader: FormatReader): readonly ChunkHeader[] {
  const count = reader.u8() * 256 + reader.u8();
  if (count > HEADERS_MAX) reader.fail("value");
  const read = reader.list(Math.min(count, HEADERS_MAX), () =>
    decodeHeader(reader.raw(HEADER_BYTES)),
  );
  const headers = read.flatMap((one) => (one.ok ? [one.value] : []));
  if (headers.length < read.length) reader.fail("value");
  return headers;
}

/** committee | commit certificate */
export function encodeChange({ committee, certificate }: CertifiedChange): Uint8Array {
  return concatBytes(encodeCommittee(committee), encodeCommit(certificate));
}

export function readChange(reader: FormatReader): CertifiedChange {
  return { committee: readCommitteePart(reader), certificate: readCommit(reader) };
}

export function encodeRefusal(why: Refusal): Uint8Array {
  return u8(REFUSALS.indexOf(why));
}

export function readRefusal(reader: FormatReader): Refusal {
  const why = REFUSALS[reader.u8()];
  if (why === undefined) reader.fail("value");
  return why ?? must(REFUSALS[0], "there are refusals");
}

export function readCandidateIndex(reader: FormatReader): CandidateIndex {
  const index = reader.u8();
  if (index >= CANDIDATES_MAX) reader.fail("value");
  return candidateIndex(index);
}

export function readWellFormedRecord(reader: FormatReader): SignedRecord {
  const signed = readSignedRecord(reader);
  if (recordProblem(signed.record) !== null) reader.fail("value");
  return signed;
}
