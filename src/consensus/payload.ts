/**
 * What a conductor orders: any value with a height, a parent and bytes; and how it lies in a chunk.
 *
 *     chunk    one entry: 00 | payload            a payload
 *              or a rollback event of C1          the first chunk of an epoch after 0
 *
 * The chunk's root is the Merkle root of that one entry, so whoever has header and entry can check them.
 * Payloads are numbered on their own: an opening chunk takes a height of the log and none of theirs.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { type ChunkEvent, decodeEvents, encodeEvent } from "../core/chunk/event.ts";
import type { ChunkHeader } from "../core/chunk/header.ts";
import { leafHash, merkleRoot } from "../core/chunk/merkle.ts";
import type { StartPoint } from "../core/consensus/epoch-record.ts";
import type { Epoch } from "../core/consensus/types.ts";
import { type Hash32, hashFromBytes } from "../core/types/hex.ts";
import { BLOB_BYTES_MAX } from "../core/types/protocol.ts";
import { batchNonce } from "../core/types/units.ts";

/** How values of one kind are told apart and written down. */
export type PayloadType<P> = {
  /** The same for equal payloads, different for different ones. */
  readonly digest: (payload: P) => Hash32;
  readonly height: (payload: P) => number;
  /** Digest of the payload before; null: it is not checked. */
  readonly parent: (payload: P) => Hash32 | null;
  readonly encode: (payload: P) => Uint8Array;
  /** Null when the bytes are no payload. */
  readonly decode: (bytes: Uint8Array) => P | null;
};

/** What a chunk of a conductor holds. */
export type Entry =
  | { readonly is: "payload"; readonly bytes: Uint8Array }
  | { readonly is: "opening"; readonly rollback: ChunkEvent & { readonly kind: "rollback" } };

/** Largest payload: one BLOB with its tag. */
export const PAYLOAD_BYTES_MAX: number = BLOB_BYTES_MAX - 1;
const PAYLOAD_TAG = 0;

export function encodeEntry(entry: Entry): Uint8Array {
  if (entry.is === "opening") return encodeEvent(entry.rollback);
  return concatBytes(Uint8Array.of(PAYLOAD_TAG), entry.bytes);
}

/** Null when the bytes are neither. */
export function decodeEntry(bytes: Uint8Array): Entry | null {
  if (bytes.length === 0 || bytes.length > BLOB_BYTES_MAX) return null;
  if (bytes[0] === PAYLOAD_TAG) return { is: "payload", bytes: bytes.slice(1) };
  const events = decodeEvents(bytes);
  const [first, ...rest] = events.ok ? events.value : [];
  return first?.kind === "rollback" && rest.length === 0
    ? { is: "opening", rollback: first }
    : null;
}

/** C6: the rollback that opens an epoch. Under a conductor a generation is an epoch. */
export function openingEntry(epoch: Epoch, { keepThrough, firstOffset }: StartPoint): Entry {
  const rollback = {
    kind: "rollback",
    offset: firstOffset,
    keepThrough,
    generation: epoch,
    pivotBatchNonce: batchNonce(0),
  } as const;
  return { is: "opening", rollback };
}

export function entryRoot(entry: Uint8Array): Hash32 {
  return hashFromBytes(merkleRoot([leafHash(entry)]));
}

/** What a validator asks of a chunk's bytes before it stores them. Never rejects. */
export type PayloadCheck = (header: ChunkHeader, bytes: Uint8Array) => Promise<boolean>;

/** Mode `linkage`: these are the bytes that the header names, and an opening opens its epoch. */
export const checkLinkage: PayloadCheck = (header, bytes) => {
  const entry = decodeEntry(bytes);
  const isOne =
    header.eventCount === 1 &&
    header.nextOffset === header.firstOffset + 1 &&
    entryRoot(bytes) === header.root;
  return Promise.resolve(isOne && entry !== null && isInPlace(entry, header));
};

function isInPlace(entry: Entry, { epoch, firstOffset }: ChunkHeader): boolean {
  if (entry.is === "payload") return true;
  return entry.rollback.offset === firstOffset && entry.rollback.generation === epoch;
}

/** Mode `full`: also what an application says of a payload. Openings are judged by the protocol. */
export function checkFully<P>(
  type: PayloadType<P>,
  isValid: (payload: P) => Promise<boolean>,
): PayloadCheck {
  return async (header, bytes) => {
    if (!(await checkLinkage(header, bytes))) return false;
    const entry = decodeEntry(bytes);
    if (entry === null || entry.is === "opening") return entry !== null;
    const payload = type.decode(entry.bytes);
    return payload !== null && (await isValid(payload));
  };
}
