/**
 * What a relay reads of a record that it hands on: its place, and what it voids (X3, F2, F3). Pure.
 *
 * The rest of the record is the reader's affair. The text goes on as it came, field by field, so a relay
 * that is older than the sequencer loses nothing of a record. Our records are printed by
 * `JSON.stringify`'s own rules, so printing what was parsed gives the same bytes.
 */

import type { VoidRange } from "./stretches.ts";

export type RelayedRecord = {
  readonly kind: "record";
  readonly offset: number;
  readonly text: string;
  /** Null unless the record is a rollback. */
  readonly rollback: (VoidRange & { readonly generation: number }) | null;
};

/** C2: takes no offset; all below `nextOffset` is certified. */
export type RelayedCertificate = {
  readonly kind: "certificate";
  readonly height: number;
  readonly nextOffset: number;
  readonly text: string;
};

/** One value of a frame or page. Null: nothing that a feed sends. */
export function readRelayed(value: unknown): RelayedRecord | RelayedCertificate | null {
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Readonly<Record<string, unknown>>;
  const text = JSON.stringify(value);
  if (fields["kind"] === "certificate") return readCertificate(fields, text);
  const offset = integer(fields["offset"]);
  if (offset === null || offset === 0) return null;
  if (fields["kind"] !== "rollback") return { kind: "record", offset, text, rollback: null };
  const keepThrough = integer(fields["keep_through"]);
  const generation = integer(fields["generation"]);
  if (keepThrough === null || keepThrough >= offset || generation === null) return null;
  return { kind: "record", offset, text, rollback: { offset, keepThrough, generation } };
}

/** The values of one text frame with `batch=1`. Null: no array, or no JSON. */
export function parseFrame(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    // JSON.parse throws on malformed text and for no other reason.
    return null;
  }
}

function readCertificate(
  fields: Readonly<Record<string, unknown>>,
  text: string,
): RelayedCertificate | null {
  const height = integer(fields["height"]);
  const nextOffset = integer(fields["next_offset"]);
  if (height === null || nextOffset === null) return null;
  return { kind: "certificate", height, nextOffset, text };
}

function integer(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
