/**
 * What a committee decides besides its log: proposals, votes on them and commit certificates (C5, C8).
 *
 *     preimage   u16 length | "baton/proposal/v1" | statement
 *     statement  chain_id u64 | app 20 | record 32 | term u64 | sequence u64 | origin u8 | digest 32
 *
 * The statement binds the payload's digest, so a certificate proves what was decided, and each signature
 * is one member's, so nobody can be counted who did not vote.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { fromHex, type Hash32 } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { Claim } from "./claim.ts";
import { type Deployment, domainPrefix, encodeDeployment, u8, u64 } from "./encoding.ts";
import type { KnownRecord } from "./epoch-record.ts";
import {
  combineSignatures,
  type MultiSignature,
  multiSignatureChecks,
  type SignedByMember,
} from "./multi-signature.ts";
import type { CandidateIndex, Epoch, Scheme } from "./types.ts";

export const PROPOSAL_DOMAIN = "baton/proposal/v1";

/** Ordered by term, then by sequence. The origin led the term. */
export type ProposalId = {
  readonly term: Epoch;
  readonly sequence: number;
  readonly origin: CandidateIndex;
};

export type ProposalStatement = Deployment & {
  readonly recordHash: Hash32;
  readonly id: ProposalId;
  /** SHA-256 of the payload. */
  readonly digest: Hash32;
};

export type CommitCertificate = {
  readonly statement: ProposalStatement;
  readonly signatures: MultiSignature;
};

const DOMAIN_PREFIX = domainPrefix(PROPOSAL_DOMAIN);

/** What a vote for it signs. */
export function proposalPreimage(statement: ProposalStatement): Uint8Array {
  return concatBytes(DOMAIN_PREFIX, encodeProposal(statement));
}

/** The statement of the preimage. */
export function encodeProposal(statement: ProposalStatement): Uint8Array {
  const { id } = statement;
  return concatBytes(
    encodeDeployment(statement),
    fromHex(statement.recordHash),
    u64(id.term),
    u64(id.sequence),
    u8(id.origin),
    fromHex(statement.digest),
  );
}

/** Asserts distinct members; each vote was verified. */
export function commitCertificate(
  statement: ProposalStatement,
  votes: readonly SignedByMember[],
  { record }: KnownRecord,
  scheme: Scheme,
): CommitCertificate {
  return { statement, signatures: combineSignatures(scheme, record.members.length, votes) };
}

/** That a quorum of this record's members voted for it. */
export function commitClaim(
  certificate: CommitCertificate,
  { record, hash }: KnownRecord,
): Result<Claim<CommitCertificate>, "record" | "members" | "quorum"> {
  const { statement, signatures } = certificate;
  if (statement.recordHash !== hash || statement.id.term !== record.epoch) return err("record");
  if (statement.chainId !== record.chainId || statement.app !== record.app) return err("record");
  const keys = record.members.map(({ key }) => key);
  const message = proposalPreimage(statement);
  const checks = multiSignatureChecks(signatures, record.scheme, keys, message);
  if (!checks.ok) return checks;
  if (signatures.signers.length < record.quorum) return err("quorum");
  return ok({ unproven: certificate, checks: checks.value });
}
