/**
 * A chunk's header with its sequencer's signature (C1, C2): header 145 | scheme u8 | signature.
 *
 * The header names its epoch, and the epoch's record says whose signature that must be.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import {
  type ChunkHeader,
  chunkHash,
  chunkPreimage,
  decodeHeader,
  encodeHeader,
} from "../chunk/header.ts";
import { assert, must } from "../types/assert.ts";
import { bytesEqual } from "../types/bytes.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { SignatureCheck } from "./claim.ts";
import { type FormatReader, schemeTag, ZERO_HASH } from "./encoding.ts";
import type { Candidate, EpochRecord } from "./epoch-record.ts";
import { type ChunkRef, height, SCHEME_PARAMETERS, type SchemeId } from "./types.ts";

export const HEADER_BYTES = 145;

export type SignedHeader = {
  readonly header: ChunkHeader;
  readonly scheme: SchemeId;
  readonly signature: Uint8Array;
};

/** `header`: not of this record's history, epoch or start. `scheme`: not the leader's. */
export type HeaderProblem = "header" | "scheme";

export function chunkRef(header: ChunkHeader): ChunkRef {
  return { height: height(header.height), hash: chunkHash(header) };
}

export function leaderOf(record: EpochRecord): Candidate {
  return must(record.candidates[record.leader], "a record's leader is one of its candidates");
}

export function encodeSignedHeader({ header, scheme, signature }: SignedHeader): Uint8Array {
  assert(isSignature(scheme, signature), "a header has a lone signature of its scheme's length");
  return concatBytes(encodeHeader(header), schemeTag(scheme), signature);
}

function isSignature(scheme: SchemeId, signature: Uint8Array): boolean {
  const { aggregates, signatureBytes } = SCHEME_PARAMETERS[scheme];
  return !aggregates && signature.length === signatureBytes;
}

export function readSignedHeader(reader: FormatReader): SignedHeader {
  const header = readHeader(reader);
  const scheme = reader.scheme();
  const { aggregates, signatureBytes } = SCHEME_PARAMETERS[scheme];
  if (aggregates) reader.fail("value");
  return { header, scheme, signature: reader.raw(signatureBytes) };
}

export function readHeader(reader: FormatReader): ChunkHeader {
  const decoded = decodeHeader(reader.raw(HEADER_BYTES));
  if (decoded.ok) return decoded.value;
  reader.fail(decoded.error.reason === "unsafe-integer" ? "integer" : "value");
  return EMPTY_HEADER;
}

/** Stands where a header could not be read, until the reader refuses the whole. */
const EMPTY_HEADER: ChunkHeader = must(
  decodeHeaderOrNull(Uint8Array.of(1, ...new Uint8Array(HEADER_BYTES - 1))),
  "zeros after the version are a header",
);

function decodeHeaderOrNull(bytes: Uint8Array): ChunkHeader | null {
  const decoded = decodeHeader(bytes);
  return decoded.ok ? decoded.value : null;
}

/** The check that the leader of this record signed the header, as one of its epoch. */
export function leaderCheck(
  { header, scheme, signature }: SignedHeader,
  record: EpochRecord,
): Result<SignatureCheck, HeaderProblem> {
  if (header.epoch !== record.epoch || !isOfHistory(header, record)) return err("header");
  const leader = leaderOf(record);
  if (scheme !== leader.scheme) return err("scheme");
  const message = chunkPreimage(header);
  return ok({ kind: "signature", scheme, publicKey: leader.key, message, signature });
}

/** As `leaderCheck`, and the header stands where the record lets the epoch begin, or beyond. */
export function headerCheck(
  signed: SignedHeader,
  record: EpochRecord,
): Result<SignatureCheck, HeaderProblem> {
  return startsWell(signed.header, record) ? leaderCheck(signed, record) : err("header");
}

/** What names one history: chain, application and era. */
type History = Pick<ChunkHeader, "chainId" | "app" | "era">;

export function isOfHistory(a: History, b: History): boolean {
  return a.chainId === b.chainId && a.app === b.app && bytesEqual(a.era, b.era);
}

/** Whether a header of this epoch is beyond its start, and linked to it where it is the first. */
function startsWell({ height: at, parent }: ChunkHeader, { start }: EpochRecord): boolean {
  const first = start.inherited === null ? 0 : start.inherited.height + 1;
  if (at !== first) return at > first;
  return parent === (start.inherited?.hash ?? ZERO_HASH);
}
