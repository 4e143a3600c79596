/** Random values of the committee's formats: well formed, with signatures that nobody made. */

import fc from "fast-check";
import type { ChunkHeader } from "../../src/core/chunk/header.ts";
import type { Ack, AckStatement } from "../../src/core/consensus/ack.ts";
import type { Certificate } from "../../src/core/consensus/certificate.ts";
import type { SignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import {
  type Candidate,
  type EpochRecord,
  firstOffset,
  majority,
  type StartPoint,
  sortCandidates,
  sortMembers,
} from "../../src/core/consensus/epoch-record.ts";
import type { MemberSignature } from "../../src/core/consensus/member-signature.ts";
import type { MultiSignature } from "../../src/core/consensus/multi-signature.ts";
import type { Report } from "../../src/core/consensus/report.ts";
import type { SignedHeader } from "../../src/core/consensus/signed-header.ts";
import {
  CANDIDATES_MAX,
  candidateIndex,
  type Epoch,
  epoch,
  height,
  MEMBERS_MAX,
  memberIndex,
  SCHEME_PARAMETERS,
  type SchemeId,
} from "../../src/core/consensus/types.ts";
import type { Vote } from "../../src/core/consensus/vote.ts";
import { addressFromBytes, hashFromBytes, toHex } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";

export function exactly(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

const u64 = fc.oneof(fc.nat(), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
const hashes = exactly(32).map(hashFromBytes);
const addresses = exactly(20).map(addressFromBytes);
const schemeIds = fc.constantFrom<SchemeId>("p256", "ed25519", "bls12381");
const loneSchemes = fc.constantFrom<SchemeId>("p256", "ed25519");
const memberIndices = fc.nat({ max: MEMBERS_MAX - 1 }).map(memberIndex);
const candidateIndices = fc.nat({ max: CANDIDATES_MAX - 1 }).map(candidateIndex);
const endpoints = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
const ids = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);

export const memberSignatures: fc.Arbitrary<MemberSignature> = schemeIds.chain((scheme) =>
  fc.record({
    member: memberIndices,
    scheme: fc.constant(scheme),
    signature: exactly(SCHEME_PARAMETERS[scheme].signatureBytes),
  }),
);

export function multiSignatures(scheme: SchemeId, members: number): fc.Arbitrary<MultiSignature> {
  const { aggregates, signatureBytes } = SCHEME_PARAMETERS[scheme];
  const all = Array.from({ length: members }, (_, i) => memberIndex(i));
  return fc.subarray(all).chain((signers) => {
    const count = aggregates ? Math.min(signers.length, 1) : signers.length;
    return fc
      .array(exactly(signatureBytes), { minLength: count, maxLength: count })
      .map((signatures) => ({ scheme, members, signers, signatures }));
  });
}

const anyMultiSignature = fc
  .tuple(schemeIds, fc.nat({ max: 20 }))
  .chain(([scheme, members]) => multiSignatures(scheme, members));

export const ackStatements: fc.Arbitrary<AckStatement> = fc.record({
  chainId: u64,
  app: addresses,
  epoch: u64.map(epoch),
  recordHash: hashes,
  height: u64.map(height),
  chunkHash: hashes,
});

export const acks: fc.Arbitrary<Ack> = fc.record({
  statement: ackStatements,
  by: memberSignatures,
});

export const certificates: fc.Arbitrary<Certificate> = fc.record({
  epoch: u64.map(epoch),
  recordHash: hashes,
  chunk: fc.record({ height: u64.map(height), hash: hashes }),
  signatures: anyMultiSignature,
});

export const headers: fc.Arbitrary<ChunkHeader> = fc.record({
  chainId: u64,
  app: addresses,
  era: exactly(16),
  epoch: u64,
  height: u64,
  parent: hashes,
  root: hashes,
  eventCount: fc.integer({ min: 0, max: 0xffff_ffff }),
  firstOffset: u64.map(offset),
  nextOffset: u64.map(offset),
});

export const signedHeaders: fc.Arbitrary<SignedHeader> = fc.record({
  header: headers,
  scheme: loneSchemes,
  signature: exactly(64),
});

export const votes: fc.Arbitrary<Vote> = fc.record({
  statement: fc.record({
    chainId: u64,
    app: addresses,
    recordHash: hashes,
    term: u64.map(epoch),
    asker: memberIndices,
    candidate: candidateIndices,
    tip: fc.option(fc.record({ ackEpoch: u64.map(epoch), height: u64.map(height), hash: hashes })),
  }),
  by: memberSignatures,
});

export const reports: fc.Arbitrary<Report> = fc.record({
  statement: fc.record({
    chainId: u64,
    app: addresses,
    recordHash: hashes,
    promisedEpoch: u64.map(epoch),
    candidate: candidateIndices,
    tip: fc.option(fc.record({ ackEpoch: u64.map(epoch), header: signedHeaders })),
  }),
  by: memberSignatures,
});

const candidates: fc.Arbitrary<Candidate> = fc
  .tuple(loneSchemes, ids, endpoints)
  .chain(([scheme, id, endpoint]) =>
    exactly(SCHEME_PARAMETERS[scheme].publicKeyBytes).map((key) => ({ scheme, id, endpoint, key })),
  );

const startPoints = (at: Epoch): fc.Arbitrary<StartPoint> =>
  fc
    .tuple(
      fc.option(
        fc.record({
          height: fc.nat().map(height),
          hash: hashes,
          epoch: fc.nat({ max: Math.max(at - 1, 0) }).map(epoch),
        }),
      ),
      fc.nat().map(offset),
    )
    .map(([inherited, kept]) => {
      const keepThrough = inherited === null ? offset(0) : kept;
      return { inherited, keepThrough, firstOffset: firstOffset(at, inherited, keepThrough) };
    });

const zeroHash = hashFromBytes(new Uint8Array(32));

export const records: fc.Arbitrary<EpochRecord> = fc
  .tuple(schemeIds, fc.oneof(fc.constant(0), fc.nat({ max: 1_000_000 })))
  .chain(([scheme, at]) => {
    const { publicKeyBytes, proofBytes } = SCHEME_PARAMETERS[scheme];
    const member = fc.record({
      key: exactly(publicKeyBytes),
      proof: exactly(proofBytes),
      endpoint: endpoints,
    });
    return fc
      .record({
        chainId: u64,
        app: addresses,
        era: exactly(16),
        epoch: fc.constant(epoch(at)),
        previous: at === 0 ? fc.constant(zeroHash) : hashes.filter((hash) => hash !== zeroHash),
        scheme: fc.constant(scheme),
        quorum: fc.nat(),
        members: fc
          .uniqueArray(member, { minLength: 1, maxLength: 7, selector: ({ key }) => toHex(key) })
          .map(sortMembers),
        candidates: fc
          .uniqueArray(candidates, { minLength: 1, maxLength: 4, selector: ({ id }) => id })
          .map(sortCandidates),
        leader: fc.nat(),
        start: startPoints(epoch(at)),
      })
      .map((record) => {
        const { length } = record.members;
        const least = majority(length);
        const quorum = least + (record.quorum % (length - least + 1));
        const leader = candidateIndex(record.leader % record.candidates.length);
        return { ...record, quorum, leader };
      });
  });

export const signedRecords: fc.Arbitrary<SignedRecord> = records.chain((record) =>
  fc.record({
    record: fc.constant(record),
    byPrevious: record.epoch === 0 ? fc.constant(null) : anyMultiSignature,
    byJoining: multiSignatures(record.scheme, record.members.length),
  }),
);
