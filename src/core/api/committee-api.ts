/**
 * What the Worker asks of a committee's objects, as data that crosses the object boundary (C5, C9).
 *
 * Validators and candidates answer the same questions: who they are, what others say to them, which
 * snapshots they hold. Messages between objects of one deployment do not come this way: they go from
 * object to object (`src/durable-objects/shared/peer.ts`).
 */

import type { SchemeId } from "../consensus/types.ts";
import type { Hash32 } from "../types/hex.ts";
import { BLOB_BYTES_MAX } from "../types/protocol.ts";
import type { Result } from "../types/result.ts";
import type { Rejection } from "./rejection.ts";
import type { ValidatorWatch } from "./watch.ts";

/** Bytes of every part of a snapshot but the last. */
export const SNAPSHOT_PART_BYTES: number = BLOB_BYTES_MAX;
/** Largest body of a message from another deployment. */
export const MESSAGE_BYTES_MAX: number = 4 * 1024 * 1024;
/** How far the clocks of two deployments may differ, and how long a message may take. */
export const MESSAGE_AGE_MS_MAX = 30_000;

/** Body of `GET <endpoint>/key` (C9). Hex; `proof` is `0x` where the scheme needs none. */
export type KeyCard = {
  readonly key: string;
  readonly proof: string;
  readonly scheme: SchemeId;
  /** How many keys its holder made before this one. */
  readonly generation: number;
};

/** A message from another deployment: what its headers say, and its bytes. */
export type SignedMessage = {
  /** Endpoints as the epoch record names them. */
  readonly from: string;
  readonly to: string;
  /** Unix milliseconds. */
  readonly sentAtMs: number;
  /** Of `messagePreimage`, by the key of `from`. Empty: unsigned. */
  readonly signature: Uint8Array;
  readonly body: Uint8Array;
};

/** What `POST /operator/committee` may say; null takes the default. */
export type FoundingOrder = {
  readonly quorum: number | null;
  readonly scheme: SchemeId | null;
  /** Operator tokens of members in other deployments, by endpoint. */
  readonly tokens: Readonly<Record<string, string>>;
};

/** Body of `POST /operator/committee`. */
export type FoundingBody = { readonly ok: true; readonly epoch: 0; readonly hash: string };

/** Body of `GET /epochs?after=E`: signed records of later epochs, a page of them, as hex. */
export type EpochsBody = {
  readonly records: readonly string[];
  /** Hash of the first record; null before there is a committee. */
  readonly genesis: string | null;
};

/** Every validator and every candidate. */
export type CommitteeMemberApi = {
  keyCard(): Promise<Result<KeyCard, Rejection>>;
  /** After a point-in-time restore: makes the next key, and is mute until a record lists it (C9). */
  rekey(): Promise<Result<KeyCard, Rejection>>;
  /** Taken, not yet handled; the bytes of the ack that it asks for, where there is one soon, or null. */
  deliverSigned(message: SignedMessage): Promise<Result<Uint8Array | null, Rejection>>;
  /** Keeps the signed record of epoch 0, if it holds none and is listed in it. Idempotent. */
  storeFounding(signedRecord: Uint8Array): Promise<Result<FoundingBody, Rejection>>;
  /** Whether a signed question, which has no body, comes from the committee. */
  admits(question: SignedMessage): Promise<Result<null, Rejection>>;
  /** Bytes `part * SNAPSHOT_PART_BYTES` and on of the snapshot with this SHA-256; else `NOT_FOUND`. */
  snapshotPart(hash: Hash32, part: number): Promise<Result<Uint8Array, Rejection>>;
};

export type ValidatorApi = CommitteeMemberApi & {
  /** Its signature of the record of epoch 0, which it gives for one record only. */
  signFounding(record: Uint8Array): Promise<Result<Uint8Array, Rejection>>;
  status(): Promise<Result<ValidatorBody, Rejection>>;
  /** What a scraper is told. */
  watch(): Promise<Result<ValidatorWatch, Rejection>>;
  /** Starts it, and re-arms a lost alarm. */
  heartbeat(): Promise<void>;
};

export type CandidateApi = CommitteeMemberApi & {
  /** Writes epoch 0 with every member's signature. Repeated it answers the same record. */
  found(order: FoundingOrder): Promise<Result<FoundingBody, Rejection>>;
  epochs(after: number): Promise<Result<EpochsBody, Rejection>>;
};

/** Body of `GET <endpoint>`: what a validator stands on. Null before the founding, or without one. */
export type ValidatorBody = {
  readonly name: string;
  readonly mode: "linkage" | "full";
  /** Why it says nothing; null while it does. */
  readonly fault: string | null;
  readonly epoch: number | null;
  readonly promised_epoch: number | null;
  /** Whether the newest record lists its key. */
  readonly is_member: boolean;
  readonly term: number | null;
  readonly role: string | null;
  readonly acked_height: number | null;
  readonly certified_height: number | null;
  readonly stored_chunks: number;
  readonly evidence: number;
  /** SHA-256 of the snapshots that it serves, the newest first. */
  readonly snapshots: readonly string[];
};
