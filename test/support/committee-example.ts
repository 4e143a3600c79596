/**
 * One committee's life, which vectors and tests share: three chunks of `one`, certified; then `two`
 * takes over and rolls back.
 */

import type { ChunkEvent } from "../../src/core/chunk/event.ts";
import { type Ack, ackPreimage, ackStatement } from "../../src/core/consensus/ack.ts";
import type { Certificate } from "../../src/core/consensus/certificate.ts";
import type { EpochChain, SignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { certifiedReceipt, type Receipt } from "../../src/core/consensus/receipt.ts";
import { type Report, reportPreimage } from "../../src/core/consensus/report.ts";
import type { SignedHeader } from "../../src/core/consensus/signed-header.ts";
import {
  type ChunkRef,
  candidateIndex,
  epoch,
  memberIndex,
  type SchemeId,
  type Signer,
} from "../../src/core/consensus/types.ts";
import { type Vote, votePreimage } from "../../src/core/consensus/vote.ts";
import { must } from "../../src/core/types/assert.ts";
import {
  APP,
  CHAIN_ID,
  type Chunk,
  certify,
  chainOf,
  chunkAfter,
  nextRecord,
  opAt,
  receiptOf,
  recordOf,
  rollbackAt,
  sequencers,
  signersOf,
  signRecord,
} from "./committee.ts";

export type Example = {
  readonly validators: readonly Signer[];
  readonly genesis: SignedRecord;
  readonly successor: SignedRecord;
  /** Both records. */
  readonly chain: EpochChain;
  readonly first: KnownRecord;
  readonly second: KnownRecord;
  /** Heights 0 to 2 of epoch 0, then height 3 of epoch 1, which opens with the rollback. */
  readonly chunks: readonly [Chunk, Chunk, Chunk, Chunk];
  /** Over height 2. */
  readonly certificate: Certificate;
  /** Of the op with offset 2, in the first chunk. */
  readonly ordered: Receipt;
  readonly certified: Receipt;
  /** Of the rollback in the last chunk, certified in epoch 1. */
  readonly rollback: Receipt;
};

export function example(scheme: SchemeId = "p256"): Example {
  const validators = signersOf(scheme, [1, 2, 3, 4]);
  const genesis = signRecord(recordOf(validators), validators);
  const first = must(chainOf(genesis).records[0], "a record");
  const a = chunkAfter(null, [opAt(1), opAt(2), opAt(3)]);
  const b = chunkAfter(a, [opAt(4)]);
  const c = chunkAfter(b, [opAt(5), opAt(6)]);
  const inherited = { chunk: { ...c.ref, epoch: epoch(0) }, keepThrough: 6 };
  const next = nextRecord(first, validators, inherited);
  const handing = { before: first.record, signers: validators.slice(1) };
  const successor = signRecord(next, validators, handing);
  const chain = chainOf(genesis, successor);
  const second = must(chain.records[1], "a record");
  const opening = next.start.firstOffset;
  const events: readonly ChunkEvent[] = [rollbackAt(opening, 6), opAt(opening + 1)];
  const d = chunkAfter(c, events, sequencers.two, { epoch: 1, firstOffset: opening });
  const quorum = signersAt(validators, [0, 1, 3]);
  const certificate = certify(first, quorum, c.ref);
  const later = certify(second, quorum, d.ref);
  return {
    validators,
    ...{ genesis, successor, chain, first, second },
    chunks: [a, b, c, d],
    certificate,
    ordered: receiptOf(a, 1),
    certified: certifiedReceipt(receiptOf(a, 1), [b.header.header, c.header.header], certificate),
    rollback: certifiedReceipt(receiptOf(d, 0), [], later),
  };
}

export function signersAt(
  signers: readonly Signer[],
  indices: readonly number[],
): readonly Signer[] {
  return indices.map((index) => must(signers[index], "a signer"));
}

/** The ack of the member with this index. */
export function ackOf(
  { validators }: Pick<Example, "validators">,
  member: number,
  known: KnownRecord,
  chunk: ChunkRef,
): Ack {
  const statement = ackStatement(known, chunk);
  const signer = must(validators[member], "a signer");
  const signature = signer.sign(ackPreimage(statement));
  return { statement, by: { member: memberIndex(member), scheme: signer.scheme, signature } };
}

/** Of member 2: for `two` to lead epoch 1, as member 1 asks whose tip is the third chunk. */
export function voteOf({ validators, first, chunks }: Example): Vote {
  const statement = {
    ...{ chainId: CHAIN_ID, app: APP, recordHash: first.hash, term: epoch(1) },
    asker: memberIndex(1),
    candidate: candidateIndex(1),
    tip: { ...chunks[2].ref, ackEpoch: epoch(0) },
  };
  const signer = must(validators[2], "a signer");
  const signature = signer.sign(votePreimage(statement));
  return { statement, by: { member: memberIndex(2), scheme: signer.scheme, signature } };
}

/** Of member 2, to `two` who would lead epoch 1: it acked the third chunk last, or says so of `header`. */
export function reportOf(
  { validators, first, chunks }: Example,
  header: SignedHeader = chunks[2].header,
): Report {
  const statement = {
    ...{ chainId: CHAIN_ID, app: APP, recordHash: first.hash, promisedEpoch: epoch(1) },
    candidate: candidateIndex(1),
    tip: { ackEpoch: epoch(0), header },
  };
  const signer = must(validators[2], "a signer");
  const signature = signer.sign(reportPreimage(statement));
  return { statement, by: { member: memberIndex(2), scheme: signer.scheme, signature } };
}
