/**
 * Receipts: an event's place in the log, promised by a sequencer and perhaps certified (C2).
 *
 *     ordered     header, the sequencer's signature, the event and its Merkle path
 *     certified   the same, the headers linked to it up to a certified one, and its certificate
 *
 * Their text is in `receipt-json.ts`, and what one proves is found in `verify-receipt.ts`.
 */

import type { ChunkEvent } from "../chunk/event.ts";
import type { ChunkHeader } from "../chunk/header.ts";
import { merklePath } from "../chunk/merkle.ts";
import type { Certificate } from "./certificate.ts";
import type { SignedHeader } from "./signed-header.ts";
import { UNCERTIFIED_EVENTS_MAX } from "./types.ts";

/** Where an event stands: its chunk, and the way from the event to the chunk's root. */
export type Placement = {
  readonly header: SignedHeader;
  readonly event: ChunkEvent;
  /** Among the chunk's events, from 0. */
  readonly index: number;
  /** Siblings of 32 bytes, lowest first. */
  readonly path: readonly Uint8Array[];
};

export type OrderedReceipt = Placement & { readonly tier: "ordered" };

export type CertifiedReceipt = Placement & {
  readonly tier: "certified";
  /** The headers after the event's own, up to the certified one; none when that is the event's own. */
  readonly headers: readonly ChunkHeader[];
  readonly certificate: Certificate;
};

export type Receipt = OrderedReceipt | CertifiedReceipt;

/** A chunk has at least one event, so no more chunks than events wait for a certificate (C6). */
export const RECEIPT_HEADERS_MAX: number = UNCERTIFIED_EVENTS_MAX;

/** The receipt of one event of a chunk, given the leaf hashes of all. */
export function orderedReceipt(
  header: SignedHeader,
  event: ChunkEvent,
  index: number,
  leafHashes: readonly Uint8Array[],
): OrderedReceipt {
  return { tier: "ordered", header, event, index, path: merklePath(leafHashes, index) };
}

/** `headers`: those after the receipt's own, up to the certificate's. */
export function certifiedReceipt(
  { header, event, index, path }: Placement,
  headers: readonly ChunkHeader[],
  certificate: Certificate,
): CertifiedReceipt {
  return { tier: "certified", header, event, index, path, headers, certificate };
}
