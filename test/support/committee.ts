/** Committees, logs and receipts for tests: everything is made by the code under test, from small seeds. */

import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type ChunkEvent, encodeEvent } from "../../src/core/chunk/event.ts";
import { type ChunkHeader, chunkHash, chunkPreimage } from "../../src/core/chunk/header.ts";
import { leafHash, merkleRoot } from "../../src/core/chunk/merkle.ts";
import { ackPreimage, ackStatement } from "../../src/core/consensus/ack.ts";
import { assembleCertificate, type Certificate } from "../../src/core/consensus/certificate.ts";
import { type Claim, settle } from "../../src/core/consensus/claim.ts";
import { ZERO_HASH } from "../../src/core/consensus/encoding.ts";
import {
  chainClaim,
  type EpochChain,
  joiningMembers,
  type SignedRecord,
} from "../../src/core/consensus/epoch-chain.ts";
import {
  type EpochRecord,
  firstOffset,
  type Inherited,
  type KnownRecord,
  majority,
  sortCandidates,
  sortMembers,
} from "../../src/core/consensus/epoch-record.ts";
import { knownRecord, recordPreimage } from "../../src/core/consensus/epoch-record-bytes.ts";
import { combineSignatures } from "../../src/core/consensus/multi-signature.ts";
import { orderedReceipt, type Receipt } from "../../src/core/consensus/receipt.ts";
import { chunkRef, type SignedHeader } from "../../src/core/consensus/signed-header.ts";
import {
  type ChunkRef,
  candidateIndex,
  epoch,
  memberIndex,
  type SchemeId,
  type Signer,
} from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { address, hashFromBytes, toHex } from "../../src/core/types/hex.ts";
import type { Result } from "../../src/core/types/result.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../src/core/types/units.ts";
import { createSigner, schemes } from "../../src/crypto/schemes/registry.ts";

export const CHAIN_ID = 31_337;
export const APP = address(`0x${"11".repeat(20)}`);
export const ERA = new Uint8Array(16).fill(0x42);

/** Signers of seeds 1 to 255, in the order of a record's members. */
export function signersOf(scheme: SchemeId, seeds: readonly number[]): readonly Signer[] {
  return seeds
    .map((seed) => createSigner(scheme, new Uint8Array(32).fill(seed)))
    .sort((a, b) => (toHex(a.publicKey) < toHex(b.publicKey) ? -1 : 1));
}

/** Sequencers `one` and `two`, apart from any validator. */
export const sequencers: Readonly<Record<"one" | "two", Signer>> = {
  one: createSigner("p256", new Uint8Array(32).fill(101)),
  two: createSigner("p256", new Uint8Array(32).fill(102)),
};

/** Epoch 0 of a new log, led by `one`; `change` replaces fields. */
export function recordOf(
  members: readonly Signer[],
  change: Partial<EpochRecord> = {},
): EpochRecord {
  const candidates = Object.entries(sequencers).map(([id, { scheme, publicKey }]) => ({
    id,
    endpoint: `https://${id}.example`,
    scheme,
    key: publicKey,
  }));
  return {
    chainId: CHAIN_ID,
    app: APP,
    era: ERA,
    epoch: epoch(0),
    previous: ZERO_HASH,
    scheme: must(members[0], "a committee has members").scheme,
    quorum: majority(members.length),
    members: sortMembers(
      members.map(({ publicKey, proof }, i) => ({
        key: publicKey,
        proof,
        endpoint: `https://validator-${i}.example`,
      })),
    ),
    candidates: sortCandidates(candidates),
    leader: candidateIndex(0),
    start: { inherited: null, keepThrough: offset(0), firstOffset: offset(1) },
    ...change,
  };
}

/** The record after `before`: led by `two`, from `inherited` on. */
export function nextRecord(
  before: KnownRecord,
  members: readonly Signer[],
  inherited: { readonly chunk: Inherited; readonly keepThrough: number } | null,
  change: Partial<EpochRecord> = {},
): EpochRecord {
  const at = change.epoch ?? epoch(before.record.epoch + 1);
  const keepThrough = offset(inherited?.keepThrough ?? 0);
  const chunk = inherited?.chunk ?? null;
  return recordOf(members, {
    epoch: at,
    previous: before.hash,
    leader: candidateIndex(1),
    start: { inherited: chunk, keepThrough, firstOffset: firstOffset(at, chunk, keepThrough) },
    ...change,
  });
}

/** Signed by `own` where they join, and by those of `handing` that are named. */
export function signRecord(
  record: EpochRecord,
  own: readonly Signer[],
  handing: { readonly before: EpochRecord; readonly signers: readonly Signer[] } | null = null,
): SignedRecord {
  const message = recordPreimage(record);
  const joining = joiningMembers(record, handing?.before ?? null);
  const byJoining = joining.map((member) => ({
    member,
    signature: signerOf(record, own, member).sign(message),
  }));
  const byPrevious = handing?.signers.map((signer) => ({
    member: memberIndex(
      handing.before.members.findIndex(({ key }) => toHex(key) === toHex(signer.publicKey)),
    ),
    signature: signer.sign(message),
  }));
  return {
    record,
    byPrevious:
      handing === null || byPrevious === undefined
        ? null
        : combineSignatures(
            schemes[handing.before.scheme],
            handing.before.members.length,
            byPrevious,
          ),
    byJoining: combineSignatures(schemes[record.scheme], record.members.length, byJoining),
  };
}

function signerOf(record: EpochRecord, own: readonly Signer[], member: number): Signer {
  const key = toHex(must(record.members[member], "a member").key);
  return must(
    own.find(({ publicKey }) => toHex(publicKey) === key),
    "its signer",
  );
}

/** A verified chain of these records; the first is pinned. */
export function chainOf(...records: readonly SignedRecord[]): EpochChain {
  const [first] = records;
  const claim = chainClaim(knownRecord(must(first, "a record").record).hash, records);
  if (!claim.ok) throw new Error(`the chain is not well formed: ${claim.error}`);
  const chain = settle(claim.value, schemes);
  if (!chain.ok) throw new Error("the chain's signatures hold");
  return chain.value;
}

/** `ok`, or what is wrong. */
export function verdictOf<T, E extends string>(claim: Result<Claim<T>, E>): string {
  if (!claim.ok) return claim.error;
  const settled = settle(claim.value, schemes);
  return settled.ok ? "ok" : settled.error;
}

/** A certificate of `chunk` by these members' signers. */
export function certify(
  known: KnownRecord,
  signers: readonly Signer[],
  chunk: ChunkRef,
): Certificate {
  const message = ackPreimage(ackStatement(known, chunk));
  const acks = signers.map((signer) => ({
    member: memberIndex(
      known.record.members.findIndex(({ key }) => toHex(key) === toHex(signer.publicKey)),
    ),
    signature: signer.sign(message),
  }));
  return assembleCertificate(known, chunk, acks, schemes[known.record.scheme]);
}

export type Chunk = {
  readonly events: readonly ChunkEvent[];
  readonly header: SignedHeader;
  readonly ref: ChunkRef;
};

/** The chunk after `parent`, or the first: offsets go on where the parent's end. */
export function chunkAfter(
  parent: Chunk | null,
  events: readonly ChunkEvent[],
  signer: Signer = sequencers.one,
  change: Partial<ChunkHeader> = {},
): Chunk {
  const before = parent?.header.header ?? null;
  const first = before?.nextOffset ?? offset(1);
  const offsets = events.flatMap((event) => ("offset" in event ? [event.offset + 1] : []));
  const header: ChunkHeader = {
    chainId: CHAIN_ID,
    app: APP,
    era: ERA,
    epoch: before?.epoch ?? 0,
    height: before === null ? 0 : before.height + 1,
    parent: before === null ? ZERO_HASH : chunkHash(before),
    root: hashFromBytes(merkleRoot(events.map((event) => leafHash(encodeEvent(event))))),
    eventCount: events.length,
    firstOffset: first,
    nextOffset: offset(Math.max(first, ...offsets)),
    ...change,
  };
  return { events, header: signHeader(header, signer), ref: chunkRef(header) };
}

export function signHeader(header: ChunkHeader, signer: Signer = sequencers.one): SignedHeader {
  return { header, scheme: signer.scheme, signature: signer.sign(chunkPreimage(header)) };
}

/** The receipt of the event at `index`. */
export function receiptOf({ header, events }: Chunk, index: number): Receipt {
  const leaves = events.map((event) => leafHash(encodeEvent(event)));
  return orderedReceipt(header, must(events[index], "an event"), index, leaves);
}

export function opAt(at: number): ChunkEvent {
  return {
    kind: "op",
    offset: offset(at),
    batchNonce: batchNonce(3),
    frame: 1,
    fee: feeExponent(1060),
    safeBlock: blockNumber(1000),
    sender: address(`0x${"22".repeat(20)}`),
    nonce: at,
    maxFee: feeExponent(1409),
    signature: new Uint8Array(65).fill(at & 0xff),
    data: utf8ToBytes(`op ${at}`),
  };
}

export function rollbackAt(at: number, keepThrough: number): ChunkEvent {
  return {
    kind: "rollback",
    offset: offset(at),
    keepThrough: offset(keepThrough),
    generation: 1,
    pivotBatchNonce: batchNonce(3),
  };
}
