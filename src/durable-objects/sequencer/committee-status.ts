/** What a candidate says of its committee: standing, health, certificates, whereabouts of an op. Reads only. */

import { type EpochBody, type MemberBody, OVERVIEW_EPOCHS_MAX } from "../../core/api/overview.ts";
import { notFound, type Rejection } from "../../core/api/rejection.ts";
import type {
  CertificatesPage,
  CertificatesQuery,
  CertificationReason,
  CommitteeBody,
} from "../../core/api/sequencer-api.ts";
import { type Certificate, encodeCertificate } from "../../core/consensus/certificate.ts";
import { leaderOf } from "../../core/consensus/signed-header.ts";
import type { CertificateRecord } from "../../core/feed/certificate-record.ts";
import { toHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import type { CertifiedLog, FeedCommittee } from "./certified-log.ts";
import type { Certify } from "./certify.ts";
import type { Own } from "./member.ts";
import type { Runtime } from "./runtime.ts";
import type { ServiceCommittee } from "./service.ts";
import {
  certificateCovering,
  certificatesAfter,
  certifiedHeight,
  countEvidence,
} from "./storage/committee.ts";

/** A member that was not heard for this long counts as gone: it is spoken to once a second. */
const SILENT_MS = 5_000;
/** What waits longer than this for a certificate stands still. */
const STALLED_MS = 3_000;

/** What the mode is judged by. */
export function serviceCommittee(certify: Certify, own: Own): ServiceCommittee {
  return {
    isRollbackOpen: () => certify.log.openRollback !== null,
    standing: () => {
      const { candidate, record, key } = certify;
      if (certify.isFaulty) return "fault";
      if (record === null) return own.isFirst ? "starting" : "following";
      if (leaderOf(record.record).id !== own.id) return "following";
      if (certify.isStopped) return "draining";
      if (candidate === null || key === null) return "starting";
      // It should lead, and does not: another epoch is being made, or it has lost what it needs to.
      if (!candidate.isLeading) return "fenced";
      if (candidate.isPaused || certify.isYielding) return "draining";
      return candidate.isServing ? null : "starting";
    },
  };
}

export function feedCommittee(sql: SqlStorage, log: CertifiedLog): FeedCommittee {
  let newest: CertificateRecord | null = null;
  return {
    openRollback: () => log.openRollback,
    newestCertificate: () => {
      const { height, nextOffset } = log.end;
      if (height < 0) return null;
      if (newest?.certificate.chunk.height !== height) {
        const certificate = certificateCovering(sql, height);
        newest = certificate === null ? null : { certificate, nextOffset };
      }
      return newest;
    },
  };
}

/** For `GET /healthz`. */
export function committeeBody(
  { sql, now }: Pick<Runtime, "sql" | "now">,
  certify: Certify,
  own: Own,
): CommitteeBody {
  const nowMs = now();
  const { record, log, candidate } = certify;
  const heard = candidate?.lead?.state?.heardMs ?? null;
  const reachable = heard?.filter((atMs) => nowMs - atMs < SILENT_MS).length ?? null;
  const quorum = record?.record.quorum ?? null;
  const leader = record === null ? null : leaderOf(record.record).id;
  return {
    epoch: record?.record.epoch ?? null,
    leader,
    is_leader: leader === own.id && candidate?.isLeading === true,
    certified_height: log.end.height,
    uncertified_events: log.uncertifiedEvents,
    reachable,
    quorum,
    evidence: countEvidence(sql),
    reason: reasonOf(certify, { reachable, quorum }, nowMs),
  };
}

/** The validators of the newest epoch, in its order; empty before the founding. */
export function memberBodies(
  { now }: Pick<Runtime, "now">,
  { record, candidate }: Certify,
): readonly MemberBody[] {
  const state = candidate?.lead?.state ?? null;
  const newest = state?.tail.at(-1)?.height ?? state?.certified?.height ?? -1;
  const nowMs = now();
  return (record?.record.members ?? []).map(({ endpoint, key }, i) => {
    const flow = state?.flows[i];
    // What a leader assumes until a member speaks is no fact.
    const held = flow === undefined || flow.isAssumed ? null : flow.holds;
    const heardMs = state?.heardMs[i];
    return {
      ...{ endpoint, key: toHex(key), acked_height: held },
      lag: held === null ? null : Math.max(0, newest - held),
      is_reachable: heardMs === undefined ? null : nowMs - heardMs < SILENT_MS,
    };
  });
}

/** The newest epochs, newest first. */
export function epochBodies({ manager }: Certify): readonly EpochBody[] {
  const records = manager?.chain().records.slice(-OVERVIEW_EPOCHS_MAX) ?? [];
  return records.toReversed().map(({ record }) => ({
    epoch: record.epoch,
    leader: leaderOf(record).id,
    from_height: (record.start.inherited?.height ?? -1) + 1,
  }));
}

function reasonOf(
  certify: Certify,
  { reachable, quorum }: { readonly reachable: number | null; readonly quorum: number | null },
  nowMs: number,
): CertificationReason | null {
  if (quorum === null) return "not-founded";
  if (reachable === null || certify.log.uncertifiedEvents === 0) return null;
  if (reachable < quorum) return "no-quorum";
  return nowMs - certify.waitingSinceMs >= STALLED_MS ? "slow" : null;
}

/** Certificates of a page. */
export function certificatesPage(
  sql: SqlStorage,
  { after, limit }: CertificatesQuery,
): Result<CertificatesPage, Rejection> {
  const certificates = certificatesAfter(sql, after, limit).map(bodyOf);
  return ok({ certificates, certified_height: certifiedHeight(sql) });
}

export const noCommittee: Result<never, Rejection> = err(notFound("not found"));

function bodyOf(certificate: Certificate) {
  const { epoch, chunk } = certificate;
  const bytes = toHex(encodeCertificate(certificate));
  return { epoch, height: chunk.height, chunk: chunk.hash, certificate: bytes };
}
