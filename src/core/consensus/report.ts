/**
 * A report: what a member acked last, and its promise to ack in no epoch below this one again (C6).
 *
 *     preimage   u16 length | "baton/report/v1" | statement
 *     statement  chain_id u64 | app 20 | record 32 | promised_epoch u64 | candidate u8
 *                | has_tip u8 | [ack_epoch u64 | header 145 | scheme u8 | sequencer signature]
 *     report     version u8 = 1 | statement | member u8 | scheme u8 | signature
 *
 * A new leader continues the chunk with the greatest ack epoch, then height, among a quorum of reports:
 * whatever was certified was acked by a quorum, and two quorums share a member. The header comes with
 * its own sequencer's signature, so that it can be acked again as it stands.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { type ChunkHeader, chunkHash } from "../chunk/header.ts";
import { assert } from "../types/assert.ts";
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
import { type EpochChain, recordAt, recordByHash } from "./epoch-chain.ts";
import {
  encodeMemberSignature,
  type MemberSignature,
  memberCheck,
  readMemberSignature,
} from "./member-signature.ts";
import {
  encodeSignedHeader,
  type HeaderProblem,
  headerCheck,
  readSignedHeader,
  type SignedHeader,
} from "./signed-header.ts";
import {
  CANDIDATES_MAX,
  type CandidateIndex,
  candidateIndex,
  type Epoch,
  epoch,
  height,
  type Tip,
} from "./types.ts";

export const REPORT_DOMAIN = "baton/report/v1";
const VERSION = 1;

export type ReportedTip = { readonly ackEpoch: Epoch; readonly header: SignedHeader };

export type ReportStatement = Deployment & {
  /** The newest record that the member holds. */
  readonly recordHash: Hash32;
  readonly promisedEpoch: Epoch;
  /** Who asks to lead the promised epoch; an index into the record. */
  readonly candidate: CandidateIndex;
  /** Null: the member never acked a chunk. */
  readonly tip: ReportedTip | null;
};

export type Report = { readonly statement: ReportStatement; readonly by: MemberSignature };

/** The tip of a report, in the order of `compareTips`. */
export function tipOf({ statement: { tip } }: Report): Tip | null {
  if (tip === null) return null;
  const { header }: { readonly header: ChunkHeader } = tip.header;
  return { ackEpoch: tip.ackEpoch, height: height(header.height), hash: chunkHash(header) };
}

const DOMAIN_PREFIX = domainPrefix(REPORT_DOMAIN);

/** What signatures are over. */
export function reportPreimage(statement: ReportStatement): Uint8Array {
  return concatBytes(DOMAIN_PREFIX, encodeStatement(statement));
}

function encodeStatement(statement: ReportStatement): Uint8Array {
  const { tip } = statement;
  assert(statement.candidate < CANDIDATES_MAX, "a candidate has an index below the most");
  return concatBytes(
    encodeDeployment(statement),
    fromHex(statement.recordHash),
    u64(statement.promisedEpoch),
    u8(statement.candidate),
    u8(tip === null ? 0 : 1),
    ...(tip === null ? [] : [u64(tip.ackEpoch), encodeSignedHeader(tip.header)]),
  );
}

export function encodeReport({ statement, by }: Report): Uint8Array {
  return concatBytes(u8(VERSION), encodeStatement(statement), encodeMemberSignature(by));
}

export function decodeReport(bytes: Uint8Array): Result<Report, FormatError> {
  return decodeAll(bytes, readReport);
}

export function readReport(reader: FormatReader): Report {
  reader.version(VERSION);
  return { statement: readStatement(reader), by: readMemberSignature(reader) };
}

function readStatement(reader: FormatReader): ReportStatement {
  const deployment = readDeployment(reader);
  const recordHash = reader.hash();
  const promisedEpoch = epoch(reader.u64());
  const candidate = candidateIndex(reader.u8());
  if (candidate >= CANDIDATES_MAX) reader.fail("value");
  const tip = reader.flag()
    ? { ackEpoch: epoch(reader.u64()), header: readSignedHeader(reader) }
    : null;
  return { ...deployment, recordHash, promisedEpoch, candidate, tip };
}

/**
 * That a member of the newest record said it, and that its tip is a header which its epoch's leader
 * signed.
 */
export function reportClaim(
  report: Report,
  chain: EpochChain,
): Result<Claim<Report>, StatementProblem | HeaderProblem> {
  const { statement, by } = report;
  const known = recordByHash(chain, statement.recordHash);
  if (
    known === null ||
    !isOfDeployment(statement, known.record) ||
    statement.promisedEpoch <= known.record.epoch ||
    statement.candidate >= known.record.candidates.length
  ) {
    return err("record");
  }
  const check = memberCheck(by, known.record, reportPreimage(statement));
  if (!check.ok) return check;
  const { tip } = statement;
  if (tip === null) return ok({ unproven: report, checks: [check.value] });
  const { header } = tip.header;
  if (header.epoch > tip.ackEpoch || tip.ackEpoch > known.record.epoch) return err("header");
  const signedIn = recordAt(chain, header.epoch);
  if (signedIn === null || recordAt(chain, tip.ackEpoch) === null) return err("record");
  const signed = headerCheck(tip.header, signedIn.record);
  if (!signed.ok) return signed;
  return ok({ unproven: report, checks: [check.value, signed.value] });
}
