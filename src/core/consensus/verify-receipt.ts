/**
 * What a receipt proves to somebody who pinned the first epoch record and trusts nobody else (C2).
 *
 * An `ordered` receipt proves that the leader of its epoch promised the event this place; a `certified`
 * one also that a quorum of a committee stores the chunk and certified it. Neither proves that a later
 * epoch or a recovery kept it: `abandonedBy` tells what the given records already show of that.
 */

import { type ChunkEvent, encodeEvent } from "../chunk/event.ts";
import { type ChunkHeader, chunkHash } from "../chunk/header.ts";
import { leafHash, verifyPath } from "../chunk/merkle.ts";
import { fromHex, type Hash32 } from "../types/hex.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type CertificateProblem, certificateClaim } from "./certificate.ts";
import { type Claim, settle } from "./claim.ts";
import { type EpochChain, recordAt } from "./epoch-chain.ts";
import type { EpochRecord } from "./epoch-record.ts";
import { type CertifiedReceipt, RECEIPT_HEADERS_MAX, type Receipt } from "./receipt.ts";
import {
  chunkRef,
  type HeaderProblem,
  headerCheck,
  isOfHistory,
  leaderOf,
} from "./signed-header.ts";
import type { ChunkRef, Epoch, MemberIndex, SchemeId, Schemes } from "./types.ts";

/** The sequencer that signed, by the record of its epoch. */
export type Promiser = {
  readonly epoch: Epoch;
  readonly candidate: string;
  readonly scheme: SchemeId;
  readonly key: Uint8Array;
};

/** Who certified, and the chunk that they acked: the event's own or one linked to it. */
export type Certification = {
  readonly epoch: Epoch;
  readonly recordHash: Hash32;
  readonly chunk: ChunkRef;
  readonly signers: readonly MemberIndex[];
  readonly quorum: number;
};

export type ReceiptProof = {
  readonly tier: Receipt["tier"];
  readonly event: ChunkEvent;
  readonly index: number;
  readonly header: ChunkHeader;
  readonly chunk: ChunkRef;
  readonly promisedBy: Promiser;
  /** Null at tier `ordered`. */
  readonly certified: Certification | null;
  /**
   * The first given record that continues the log without this chunk; null when none is seen to. A
   * certified chunk is only abandoned by a committee that broke its word.
   */
  readonly abandonedBy: Epoch | null;
};

/**
 * `epoch`: no record of the header's or certificate's epoch. `header`, `scheme`: not that epoch's.
 * `path`: does not lead to the header's root. `offset`: outside of the header's. `links`: the headers do
 * not lead to the certified chunk. Else the certificate's own problem.
 */
export type ReceiptProblem =
  | HeaderProblem
  | CertificateProblem
  | "epoch"
  | "path"
  | "offset"
  | "links";

/** What the receipt proves, once every check passes. */
export function receiptClaim(
  receipt: Receipt,
  chain: EpochChain,
): Result<Claim<ReceiptProof>, ReceiptProblem> {
  const { header } = receipt.header;
  const known = recordAt(chain, header.epoch);
  if (known === null) return err("epoch");
  const promised = headerCheck(receipt.header, known.record);
  if (!promised.ok) return promised;
  if (!leadsToRoot(receipt)) return err("path");
  if (!isOfOffsets(receipt.event, header)) return err("offset");
  const linked = [header, ...(receipt.tier === "certified" ? receipt.headers : [])];
  const hashes = linked.map((one) => chunkHash(one));
  const certified =
    receipt.tier === "ordered" ? NOT_CERTIFIED : certification(receipt, hashes, chain);
  if (!certified.ok) return certified;
  const proof = {
    tier: receipt.tier,
    event: receipt.event,
    index: receipt.index,
    header,
    chunk: chunkRef(header),
    promisedBy: promiser(known.record),
    certified: certified.value.unproven,
    abandonedBy: abandonedBy(header, hashes, chain),
  };
  return ok({ unproven: proof, checks: [promised.value, ...certified.value.checks] });
}

const NOT_CERTIFIED: Result<Claim<null>, never> = ok({ unproven: null, checks: [] });

/** As `receiptClaim`, settled at once. */
export function proveReceipt(
  receipt: Receipt,
  chain: EpochChain,
  schemes: Schemes,
): Result<ReceiptProof, ReceiptProblem | "signature"> {
  const claim = receiptClaim(receipt, chain);
  return claim.ok ? settle(claim.value, schemes) : claim;
}

function promiser(record: EpochRecord): Promiser {
  const { id, scheme, key } = leaderOf(record);
  return { epoch: record.epoch, candidate: id, scheme, key };
}

function leadsToRoot({ header: { header }, event, index, path }: Receipt): boolean {
  return verifyPath({
    leafHash: leafHash(encodeEvent(event)),
    index,
    count: header.eventCount,
    path,
    root: fromHex(header.root),
  });
}

function isOfOffsets(event: ChunkEvent, { firstOffset, nextOffset }: ChunkHeader): boolean {
  if (!("offset" in event)) return true;
  return event.offset >= firstOffset && event.offset < nextOffset;
}

function certification(
  receipt: CertifiedReceipt,
  hashes: readonly Hash32[],
  chain: EpochChain,
): Result<Claim<Certification>, ReceiptProblem> {
  const { certificate } = receipt;
  const known = recordAt(chain, certificate.epoch);
  if (known === null) return err("epoch");
  if (!areLinked(receipt, hashes, known.record)) return err("links");
  const claim = certificateClaim(certificate, known);
  if (!claim.ok) return claim;
  const certified = {
    epoch: certificate.epoch,
    recordHash: certificate.recordHash,
    chunk: certificate.chunk,
    signers: certificate.signatures.signers,
    quorum: known.record.quorum,
  };
  return ok({ unproven: certified, checks: claim.value.checks });
}

/** From the event's header to the certified chunk: one history, each header after and naming the last. */
function areLinked(
  { header: { header }, headers, certificate: { chunk } }: CertifiedReceipt,
  hashes: readonly Hash32[],
  record: EpochRecord,
): boolean {
  if (headers.length > RECEIPT_HEADERS_MAX) return false;
  const isLinked = headers.every((next, i) => {
    const before = headers[i - 1] ?? header;
    return (
      isOfHistory(next, record) &&
      next.height === before.height + 1 &&
      next.parent === hashes[i] &&
      next.epoch >= before.epoch
    );
  });
  const last = headers.at(-1) ?? header;
  const isEnd = chunk.height === last.height && chunk.hash === hashes.at(-1);
  return isLinked && isEnd && last.epoch <= record.epoch;
}

/** `hashes`: of the event's chunk and those linked to it, by height. */
function abandonedBy(
  { epoch, height }: ChunkHeader,
  hashes: readonly Hash32[],
  chain: EpochChain,
): Epoch | null {
  const later = chain.records.filter(({ record }) => record.epoch > epoch);
  const abandoning = later.find(({ record: { start } }) => {
    if (start.inherited === null || start.inherited.height < height) return true;
    const ours = hashes[start.inherited.height - height];
    return ours !== undefined && ours !== start.inherited.hash;
  });
  return abandoning?.record.epoch ?? null;
}
