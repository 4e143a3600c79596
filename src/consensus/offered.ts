/** What lies beside a validator's rows: payloads of the chunks, and signed records, of the message they are from. */

import { chunkRef } from "../core/consensus/signed-header.ts";
import type { ValidatorRow } from "../core/consensus/validator-state.ts";
import { must } from "../core/types/assert.ts";
import type { Hash32 } from "../core/types/hex.ts";
import type { SentChunk } from "./messages.ts";
import type { VerifiedRecord } from "./records.ts";
import type { KeptSignature, ValidatorWrite } from "./validator-store.ts";

export function offeredPayloads(chunks: readonly SentChunk[]): ReadonlyMap<Hash32, Uint8Array> {
  return new Map(chunks.map(({ signed, payload }) => [chunkRef(signed.header).hash, payload]));
}

/** Rows with everything that must become durable together with them. */
export function rowsWrite(
  rows: readonly ValidatorRow[],
  offered: ReadonlyMap<Hash32, Uint8Array>,
  taken: readonly VerifiedRecord[],
  signatures: readonly KeptSignature[],
): ValidatorWrite {
  const payloads = rows.flatMap((row): [Hash32, Uint8Array][] => {
    if (row.row !== "chunk") return [];
    const { hash } = row.chunk.ref;
    return [[hash, must(offered.get(hash), "a chunk is stored with its payload")]];
  });
  const records = rows.flatMap((row) =>
    row.row === "record"
      ? taken.filter(({ known }) => known.hash === row.known.hash).map((one) => one.signed)
      : [],
  );
  return { is: "rows", rows, payloads, records, signatures };
}
