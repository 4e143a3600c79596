/**
 * A certificate: a quorum of one record's members acked a chunk, and with it all before it (C2, C3).
 *
 *     version u8 = 1 | ack_epoch u64 | record 32 | height u64 | chunk 32 | multi-signature
 *
 * The signatures are those of the acks, so the record's chain id and application complete what was
 * signed. Four members at most: 340 bytes for p256 and ed25519, 180 for bls12381.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import { fromHex, type Hash32 } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { ackPreimage, ackStatement } from "./ack.ts";
import type { Claim } from "./claim.ts";
import { decodeAll, type FormatError, type FormatReader, u8, u64 } from "./encoding.ts";
import type { KnownRecord } from "./epoch-record.ts";
import {
  combineSignatures,
  encodeMultiSignature,
  type MultiSignature,
  multiSignatureChecks,
  readMultiSignature,
  type SignedByMember,
} from "./multi-signature.ts";
import { type ChunkRef, type Epoch, epoch, height, type Scheme } from "./types.ts";

const VERSION = 1;

export type Certificate = {
  /** Of the committee; at or above the chunk's own. */
  readonly epoch: Epoch;
  readonly recordHash: Hash32;
  readonly chunk: ChunkRef;
  readonly signatures: MultiSignature;
};

/** `record`: of another epoch or another record. `members`: not this committee. `quorum`: too few. */
export type CertificateProblem = "record" | "members" | "quorum";

/**
 * Certificate of verified acks of one chunk under one record. Asserts a quorum of distinct members and
 * the record's scheme.
 */
export function assembleCertificate(
  { record, hash }: KnownRecord,
  chunk: ChunkRef,
  acks: readonly SignedByMember[],
  scheme: Scheme,
): Certificate {
  assert(scheme.id === record.scheme, "a certificate has its record's scheme");
  assert(acks.length >= record.quorum, "a certificate needs a quorum");
  const signatures = combineSignatures(scheme, record.members.length, acks);
  return { epoch: record.epoch, recordHash: hash, chunk, signatures };
}

export function encodeCertificate(certificate: Certificate): Uint8Array {
  return concatBytes(
    u8(VERSION),
    u64(certificate.epoch),
    fromHex(certificate.recordHash),
    u64(certificate.chunk.height),
    fromHex(certificate.chunk.hash),
    encodeMultiSignature(certificate.signatures),
  );
}

export function decodeCertificate(bytes: Uint8Array): Result<Certificate, FormatError> {
  return decodeAll(bytes, readCertificate);
}

export function readCertificate(reader: FormatReader): Certificate {
  reader.version(VERSION);
  const head = { epoch: epoch(reader.u64()), recordHash: reader.hash() };
  const chunk = { height: height(reader.u64()), hash: reader.hash() };
  return { ...head, chunk, signatures: readMultiSignature(reader) };
}

/** That a quorum of this record's members acked the chunk. */
export function certificateClaim(
  certificate: Certificate,
  known: KnownRecord,
): Result<Claim<Certificate>, CertificateProblem> {
  const { record, hash } = known;
  if (certificate.recordHash !== hash || certificate.epoch !== record.epoch) return err("record");
  const message = ackPreimage(ackStatement(known, certificate.chunk));
  const keys = record.members.map(({ key }) => key);
  const checks = multiSignatureChecks(certificate.signatures, record.scheme, keys, message);
  if (!checks.ok) return checks;
  if (certificate.signatures.signers.length < record.quorum) return err("quorum");
  return ok({ unproven: certificate, checks: checks.value });
}
