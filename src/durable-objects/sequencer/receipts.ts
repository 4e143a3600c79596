/**
 * Receipts made of the rows: an op's place in its chunk, and how its chunk is certified (C2).
 *
 * A receipt of now is never worse than one of before: the chunk does not change, and certificates only
 * come. What retention deleted has no receipt any more (F8); whoever wants to keep one keeps it.
 */

import { decodeEvents, encodeEvent } from "../../core/chunk/event.ts";
import type { ChunkHeader } from "../../core/chunk/header.ts";
import { leafHash } from "../../core/chunk/merkle.ts";
import type { Certificate } from "../../core/consensus/certificate.ts";
import {
  certifiedReceipt,
  type OrderedReceipt,
  orderedReceipt,
  RECEIPT_HEADERS_MAX,
  type Receipt,
} from "../../core/consensus/receipt.ts";
import { assert } from "../../core/types/assert.ts";
import type { Offset } from "../../core/types/units.ts";
import { chunkOf, headersBetween } from "./storage/chunks.ts";
import { certificateCovering } from "./storage/committee.ts";
import { loadSignature, type StoredSignature } from "./storage/signatures.ts";

/** Signatures that are not stored yet, by height. */
export type PendingSignature = (height: number) => StoredSignature | null;

/** Of the op at this offset; null when its chunk is not kept, or was never signed. */
export function receiptOf(sql: SqlStorage, at: Offset, pending: PendingSignature): Receipt | null {
  const ordered = orderedOf(sql, at, pending);
  return ordered === null ? null : (certify(sql, [ordered])[0] ?? null);
}

function orderedOf(sql: SqlStorage, at: Offset, pending: PendingSignature): OrderedReceipt | null {
  const chunk = chunkOf(sql, at);
  if (chunk === null) return null;
  const { header } = chunk;
  const signature = loadSignature(sql, header.height) ?? pending(header.height);
  if (signature === null) return null;
  const decoded = decodeEvents(chunk.events);
  assert(decoded.ok, "C1: a stored chunk decodes");
  const events = decoded.value;
  const index = events.findIndex((event) => event.kind === "op" && event.offset === at);
  const event = events[index];
  if (event === undefined) return null;
  const leaves = events.map((one) => leafHash(encodeEvent(one)));
  return orderedReceipt({ header, ...signature }, event, index, leaves);
}

type Certification = {
  /** After the chunk's own, up to the certified one. */
  readonly headers: readonly ChunkHeader[];
  readonly certificate: Certificate;
};

/** Each receipt with its chunk's certificate; as it is where there is none. Each chunk is read once. */
export function certify(sql: SqlStorage, receipts: readonly OrderedReceipt[]): readonly Receipt[] {
  const known = new Map<number, Certification | null>();
  return receipts.map((receipt) => {
    const { height } = receipt.header.header;
    const before = known.get(height);
    const found = before === undefined ? certificationOf(sql, height) : before;
    known.set(height, found);
    return found === null ? receipt : certifiedReceipt(receipt, found.headers, found.certificate);
  });
}

function certificationOf(sql: SqlStorage, height: number): Certification | null {
  const certificate = certificateCovering(sql, height);
  if (certificate === null) return null;
  const through = certificate.chunk.height;
  if (through - height > RECEIPT_HEADERS_MAX) return null;
  const headers = headersBetween(sql, height, through);
  assert(headers.length === through - height, "C1: what is certified is kept whole");
  return { headers, certificate };
}
