/** Messages verified: each answer is what may go into a step function, or null. */

import type { Certificate } from "../core/consensus/certificate.ts";
import { certificateClaim } from "../core/consensus/certificate.ts";
import { commitClaim } from "../core/consensus/commit-certificate.ts";
import { type EpochChain, recordAt, recordByHash } from "../core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { type LineChunk, lineChunk } from "../core/consensus/line.ts";
import { type Report, reportClaim } from "../core/consensus/report.ts";
import { chunkRef, headerCheck, type SignedHeader } from "../core/consensus/signed-header.ts";
import type { Feed } from "../core/consensus/take-in.ts";
import { type Committee, committeeDigest } from "../core/consensus/takeover.ts";
import { MEMBERS_MAX } from "../core/consensus/types.ts";
import {
  ACCEPTED_RECORDS_MAX,
  findChunk,
  type Takeover,
  type ValidatorDurable,
} from "../core/consensus/validator-state.ts";
import { type Vote, voteClaim } from "../core/consensus/vote.ts";
import type { Judge } from "./clock.ts";
import type { Beginning, CertifiedChange, SentFeed } from "./messages.ts";

/** Chunks of one message: more is refused unread. */
export const CHUNKS_MAX = 256;

export async function verifyHeader(
  judge: Judge,
  chain: EpochChain,
  signed: SignedHeader,
): Promise<LineChunk | null> {
  const known = recordAt(chain, signed.header.epoch);
  const check = known === null ? null : headerCheck(signed, known.record);
  if (check === null || !check.ok) return null;
  const settled = await judge.settle({ unproven: signed, checks: [check.value] });
  return settled.ok ? lineChunk(signed) : null;
}

export async function verifyCertificate(
  judge: Judge,
  chain: EpochChain,
  certificate: Certificate,
): Promise<Certificate | null> {
  const known = recordByHash(chain, certificate.recordHash);
  const claim = known === null ? null : certificateClaim(certificate, known);
  if (claim === null || !claim.ok) return null;
  const settled = await judge.settle(claim.value);
  return settled.ok ? settled.value : null;
}

/**
 * Chunks up to the first one that is not its leader's. What is stored was verified before it was, and
 * stands for what is sent again: the same certificate, and the same chunks, come many times.
 */
export async function verifyFeed(
  judge: Judge,
  chain: EpochChain,
  sent: SentFeed,
  stored: ValidatorDurable,
): Promise<Feed> {
  const { lock } = stored;
  const isLock = lock !== null && sent.certificate?.chunk.hash === lock.chunk.hash;
  const said = isLock ? null : sent.certificate;
  const certificate = said === null ? null : await verifyCertificate(judge, chain, said);
  const verified = await Promise.all(
    sent.chunks
      .slice(0, CHUNKS_MAX)
      .map(
        async ({ signed }) =>
          findChunk(stored, chunkRef(signed.header).hash) ??
          (await verifyHeader(judge, chain, signed)),
      ),
  );
  const bad = verified.indexOf(null);
  const chunks = (bad === -1 ? verified : verified.slice(0, bad)).filter((one) => one !== null);
  const newest = isLock ? lock : certificate;
  return { certificate: newest, checkpoint: await verifyCheckpoint(judge, chain, sent), chunks };
}

/** The beginning's chunk, where its leader signed it and the certificate covers it. */
export async function verifyBeginning(
  judge: Judge,
  chain: EpochChain,
  { chunk, above, certificate }: Beginning,
): Promise<LineChunk | null> {
  let { height, hash } = chunkRef(chunk.signed.header);
  for (const header of above) {
    if (header.parent !== hash || header.height !== height + 1) return null;
    ({ height, hash } = chunkRef(header));
  }
  if (certificate.chunk.hash !== hash || certificate.chunk.height !== height) return null;
  const covered = await verifyCertificate(judge, chain, certificate);
  return covered === null ? null : await verifyHeader(judge, chain, chunk.signed);
}

async function verifyCheckpoint(
  judge: Judge,
  chain: EpochChain,
  { checkpoint }: SentFeed,
): Promise<Feed["checkpoint"]> {
  if (checkpoint === null) return null;
  const chunk = await verifyHeader(judge, chain, checkpoint.signed);
  const certificate = await verifyCertificate(judge, chain, checkpoint.certificate);
  if (chunk === null || certificate === null || certificate.chunk.hash !== chunk.ref.hash) {
    return null;
  }
  return { chunk, certificate };
}

export async function verifyVote(
  judge: Judge,
  head: KnownRecord,
  vote: Vote,
): Promise<Vote | null> {
  const claim = voteClaim(vote, head);
  if (!claim.ok) return null;
  const settled = await judge.settle(claim.value);
  return settled.ok ? settled.value : null;
}

/** Votes of a quorum of the record's members for one candidate in one term; null otherwise. */
export async function verifyElection(
  judge: Judge,
  head: KnownRecord,
  votes: readonly Vote[],
): Promise<Vote["statement"] | null> {
  const [first] = votes;
  const members = new Set(votes.map(({ by }) => by.member));
  if (first === undefined || members.size < head.record.quorum) return null;
  if (votes.length > head.record.members.length) return null;
  const { term, candidate } = first.statement;
  const isOne = votes.every(
    ({ statement }) => statement.term === term && statement.candidate === candidate,
  );
  if (!isOne) return null;
  const verified = await Promise.all(votes.map((vote) => verifyVote(judge, head, vote)));
  return verified.every((vote) => vote !== null) ? first.statement : null;
}

export async function verifyReport(
  judge: Judge,
  chain: EpochChain,
  report: Report,
): Promise<Report | null> {
  const claim = reportClaim(report, chain);
  if (!claim.ok) return null;
  const settled = await judge.settle(claim.value);
  return settled.ok ? settled.value : null;
}

/** Whether every report that justifies one of these records is its member's. */
export async function verifyTakeovers(
  judge: Judge,
  chain: EpochChain,
  takeovers: readonly Takeover[],
): Promise<boolean> {
  // One that is left out would count without having been looked at.
  const isBounded =
    takeovers.length <= ACCEPTED_RECORDS_MAX &&
    takeovers.every(({ reports }) => reports.length <= MEMBERS_MAX);
  if (!isBounded) return false;
  const reports = takeovers.flatMap((takeover) => takeover.reports);
  const verified = await Promise.all(reports.map((report) => verifyReport(judge, chain, report)));
  return verified.every((report) => report !== null);
}

/** The committee, if the certificate is this record's and for exactly it. */
export async function verifyChange(
  judge: Judge,
  head: KnownRecord,
  { committee, certificate }: CertifiedChange,
): Promise<Committee | null> {
  if (certificate.statement.digest !== committeeDigest(committee)) return null;
  const claim = commitClaim(certificate, head);
  if (!claim.ok) return null;
  const settled = await judge.settle(claim.value);
  return settled.ok ? committee : null;
}
