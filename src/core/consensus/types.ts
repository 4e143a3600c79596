/**
 * The vocabulary of the committee (C3, C5, C6). Its formats, its election and its broadcast build on it.
 *
 *     Epoch           one leadership, from 0; also the term of an election
 *     Height          place of a chunk in the one log, from 0, across all epochs
 *     MemberIndex     place of a validator among a record's members, which are sorted by key
 *     CandidateIndex  place of a sequencer among a record's candidates, which are sorted by id
 *     ChunkRef        a chunk by height and hash
 *     Tip             a chunk and the epoch in which it was last acknowledged
 *     Scheme          a signature scheme as pure functions: verifies, never signs
 *     Signer          one key that signs at once, for simulations and tools
 *     AsyncSigner     one key that the platform holds
 *     AsyncVerify     a platform's verification; same verdict as the scheme's own
 *
 * A scheme's functions are total: they are given a stranger's bytes and answer false, never throw.
 */

import type { Brand } from "../types/brand.ts";
import type { Hash32 } from "../types/hex.ts";
import { counter } from "../types/units.ts";

/** One leadership; also the term of an election. Strictly increases along the records, with gaps. */
export type Epoch = Brand<number, "Epoch">;
/** Place of a chunk in the log, from 0, across all epochs. */
export type Height = Brand<number, "Height">;
/** Place of a validator among the members of one epoch record, from 0. */
export type MemberIndex = Brand<number, "MemberIndex">;
/** Place of a sequencer among the candidates of one epoch record, from 0. */
export type CandidateIndex = Brand<number, "CandidateIndex">;

export function epoch(value: number): Epoch {
  return counter(value, "epoch") as Epoch;
}

export function height(value: number): Height {
  return counter(value, "height") as Height;
}

export function memberIndex(value: number): MemberIndex {
  return counter(value, "member index") as MemberIndex;
}

export function candidateIndex(value: number): CandidateIndex {
  return counter(value, "candidate index") as CandidateIndex;
}

/** Members of a committee: the bitmap of a certificate and its size stay small. */
export const MEMBERS_MAX: number = 64;
/** Sequencers that a record lists. */
export const CANDIDATES_MAX: number = 16;
/** C6: offsets that an epoch has to itself before the next one's begin. */
export const OFFSETS_PER_EPOCH: number = 2 ** 20;
/** C6: a sequencer under a committee stops ordering at this many uncertified events. */
export const UNCERTIFIED_EVENTS_MAX: number = 10_000;

export type ChunkRef = { readonly height: Height; readonly hash: Hash32 };

/** What a member acknowledged last, and in which epoch: an inherited chunk is acknowledged again. */
export type Tip = ChunkRef & { readonly ackEpoch: Epoch };

/** Negative, zero or positive: by ack epoch, then by height. No tip is below every tip. */
export function compareTips(a: Tip | null, b: Tip | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a.ackEpoch === b.ackEpoch ? a.height - b.height : a.ackEpoch - b.ackEpoch;
}

/** C3: attributable schemes only. `p256` is the default. */
export type SchemeId = "p256" | "ed25519" | "bls12381";

export type SchemeParameters = {
  /** How encodings name the scheme, a u8. */
  readonly tag: number;
  readonly publicKeyBytes: number;
  readonly signatureBytes: number;
  /** Proof of possession at registration; 0 where the scheme needs none. */
  readonly proofBytes: number;
  /** Whether signatures of several members over one message become one. */
  readonly aggregates: boolean;
};

/** p256: compressed key, r and s. ed25519: RFC 8032. bls12381: key in G1, signature in G2. */
export const SCHEME_PARAMETERS: Readonly<Record<SchemeId, SchemeParameters>> = {
  p256: { tag: 1, publicKeyBytes: 33, signatureBytes: 64, proofBytes: 0, aggregates: false },
  ed25519: { tag: 2, publicKeyBytes: 32, signatureBytes: 64, proofBytes: 0, aggregates: false },
  bls12381: { tag: 3, publicKeyBytes: 48, signatureBytes: 96, proofBytes: 96, aggregates: true },
};

/** `message` is what is signed, whole: each scheme hashes it as it has to. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** The pure half of a scheme. Its lengths are in `SCHEME_PARAMETERS`. */
export type Scheme = {
  readonly id: SchemeId;
  readonly verify: Verify;
  /**
   * Whether a key may be registered: the one encoding of a point of the full prime order, with a valid
   * proof of possession where the scheme needs one, else with an empty proof.
   */
  readonly checkKey: (publicKey: Uint8Array, proof: Uint8Array) => boolean;
  /** Null where signatures do not aggregate. */
  readonly aggregate: Aggregate | null;
};

export type Aggregate = {
  /** Asserts at least one signature; each was verified before. */
  readonly combine: (signatures: readonly Uint8Array[]) => Uint8Array;
  /** Every key must have passed `checkKey`: without possession an aggregate can be forged. */
  readonly verify: (
    publicKeys: readonly Uint8Array[],
    message: Uint8Array,
    signature: Uint8Array,
  ) => boolean;
};

export type Schemes = Readonly<Record<SchemeId, Scheme>>;

/**
 * One private key. A signature may differ from call to call (C3): whoever signs stores the signature
 * and sends that one again.
 */
export type Signer = SignerIdentity & { readonly sign: (message: Uint8Array) => Uint8Array };

/** As `Signer`, with a key that the platform holds. */
export type AsyncSigner = SignerIdentity & {
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
};

export type SignerIdentity = {
  readonly scheme: SchemeId;
  readonly publicKey: Uint8Array;
  /** Proof of possession; empty where the scheme needs none. */
  readonly proof: Uint8Array;
};

/** The driver half of a scheme, same verdict as `Verify` on every input; never rejects. */
export type AsyncVerify = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>;
