/**
 * The leader's signatures of chunks: each is stored once, with the certificate that covers its chunk or before (C2, C3).
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { SCHEME_PARAMETERS, type SchemeId } from "../../../core/consensus/types.ts";
import { assert } from "../../../core/types/assert.ts";
import { blob, first } from "./rows.ts";

export type StoredSignature = { readonly scheme: SchemeId; readonly signature: Uint8Array };

export function loadSignature(sql: SqlStorage, height: number): StoredSignature | null {
  const row = first(
    sql.exec<{ scheme: string | null; signature: ArrayBuffer | null }>(
      "SELECT scheme, signature FROM chunk_signatures WHERE height = ?",
      height,
    ),
  );
  return row === null ? null : signatureOf(row);
}

export function signatureOf(row: {
  readonly scheme: string | null;
  readonly signature: ArrayBuffer | null;
}): StoredSignature | null {
  const { scheme, signature } = row;
  if (signature === null) return null;
  assert(scheme === "p256" || scheme === "ed25519", "a leader signs alone");
  return { scheme, signature: blob(signature) };
}

/** Once for each chunk; the chunks are stored. One statement for heights that follow each other. */
export function storeSignatures(
  sql: SqlStorage,
  signatures: readonly (readonly [height: number, signature: StoredSignature])[],
): void {
  let run: {
    readonly from: number;
    readonly scheme: SchemeId;
    readonly parts: Uint8Array[];
  } | null = null;
  const store = (): void => {
    if (run === null) return;
    sql.exec(
      `INSERT INTO chunk_signatures
       SELECT height, ?1, substr(?2, 1 + (height - ?3) * ?4, ?4) FROM chunks
       WHERE height BETWEEN ?3 AND ?5`,
      run.scheme,
      concatBytes(...run.parts),
      run.from,
      SCHEME_PARAMETERS[run.scheme].signatureBytes,
      run.from + run.parts.length - 1,
    );
  };
  for (const [height, { scheme, signature }] of [...signatures].sort(([a], [b]) => a - b)) {
    const { signatureBytes } = SCHEME_PARAMETERS[scheme];
    assert(signature.length === signatureBytes, "C3: a signature has its scheme's length");
    if (run === null || run.scheme !== scheme || height !== run.from + run.parts.length) {
      store();
      run = { from: height, scheme, parts: [] };
    }
    run.parts.push(signature);
  }
  store();
}

/**
 * Heights of chunks without a stored signature, oldest first, at most `limit`. None is certified: signatures
 * are stored with the certificate that covers them.
 */
export function unsignedHeights(sql: SqlStorage, limit: number): readonly number[] {
  return sql
    .exec<{ height: number }>(
      `SELECT height FROM chunks
       WHERE height > (SELECT COALESCE(MAX(height), -1) FROM certificates)
         AND height NOT IN (SELECT height FROM chunk_signatures)
       ORDER BY height LIMIT ?`,
      limit,
    )
    .toArray()
    .map(({ height }) => height);
}
