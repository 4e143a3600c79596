/**
 * What a message between two deployments is signed over.
 *
 *     u16 length | "baton/message/v1" | chain_id u64 | app 20 | era 16 | from text | to text
 *     | sent_at_ms u64 | sha256(body) 32
 *
 * It binds both ends and the time, so that a message cannot be passed on to somebody else, nor later.
 * The key is that of `from` in the receiver's newest epoch record.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { assert } from "../types/assert.ts";
import { type Deployment, domainPrefix, encodeDeployment, shortText, u64 } from "./encoding.ts";
import type { EpochRecord } from "./epoch-record.ts";
import type { SchemeId } from "./types.ts";

export const MESSAGE_DOMAIN = "baton/message/v1";

export type MessageEnvelope = Deployment & {
  /** 16 bytes. */
  readonly era: Uint8Array;
  /** Endpoints as the epoch record names them. */
  readonly from: string;
  readonly to: string;
  /** Unix milliseconds. */
  readonly sentAtMs: number;
  /** SHA-256 of the message's bytes. */
  readonly bodyHash: Uint8Array;
};

const DOMAIN_PREFIX = domainPrefix(MESSAGE_DOMAIN);

/** Endpoints are ASCII of at most 255 characters, as in a record. */
export function messagePreimage(envelope: MessageEnvelope): Uint8Array {
  const { era, from, to, sentAtMs, bodyHash } = envelope;
  assert(era.length === 16 && bodyHash.length === 32, "era and hash have their length");
  return concatBytes(
    ...[DOMAIN_PREFIX, encodeDeployment(envelope), era],
    ...[shortText(from), shortText(to), u64(sentAtMs), bodyHash],
  );
}

export type Speaker = { readonly scheme: SchemeId; readonly key: Uint8Array };

/** Who speaks for this endpoint in an epoch; null when the record does not list it. */
export function speakerAt(record: EpochRecord, endpoint: string): Speaker | null {
  const candidate = record.candidates.find((one) => one.endpoint === endpoint);
  if (candidate !== undefined) return { scheme: candidate.scheme, key: candidate.key };
  const member = record.members.find((one) => one.endpoint === endpoint);
  return member === undefined ? null : { scheme: record.scheme, key: member.key };
}

/** The endpoint at which a record lists this key; null when it does not. */
export function endpointOf(
  record: EpochRecord,
  isOwn: (key: Uint8Array) => boolean,
): string | null {
  const all = [...record.members, ...record.candidates];
  return all.find(({ key }) => isOwn(key))?.endpoint ?? null;
}
