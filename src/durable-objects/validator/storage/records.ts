/** Epoch records, the founding that was signed, votes, and signatures that are sent again (C3, C6, C9). */

import { SIGNATURES_MAX } from "../../../consensus/signature-book.ts";
import type { KeptSignature, VotedProposal } from "../../../consensus/validator-store.ts";
import { VOTED_MAX } from "../../../consensus/validator-store.ts";
import type { ElectionDurable } from "../../../core/consensus/election-state.ts";
import { decodeAll } from "../../../core/consensus/encoding.ts";
import {
  decodeSignedRecord,
  encodeSignedRecord,
  type SignedRecord,
} from "../../../core/consensus/epoch-chain.ts";
import { knownRecord } from "../../../core/consensus/epoch-record-bytes.ts";
import { epoch } from "../../../core/consensus/types.ts";
import { encodeVoteStatement, readVoteStatement } from "../../../core/consensus/vote.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import { blob, first, hashOf, toBlob } from "../../sequencer/storage/rows.ts";
import { decoded } from "./decoded.ts";

/** From epoch 0 on; empty before the founding. */
export function loadRecords(sql: SqlStorage): readonly SignedRecord[] {
  return sql
    .exec<{ signed_record: ArrayBuffer }>("SELECT signed_record FROM epoch_records ORDER BY epoch")
    .toArray()
    .map((row) => decoded(decodeSignedRecord(blob(row.signed_record)), "a stored record"));
}

export function insertRecord(sql: SqlStorage, signed: SignedRecord): void {
  const { record, hash } = knownRecord(signed.record);
  sql.exec(
    "INSERT INTO epoch_records VALUES (?, ?, ?, ?)",
    record.epoch,
    toBlob(hash),
    toBlob(record.previous),
    encodeSignedRecord(signed),
  );
}

export type Founding = { readonly recordHash: Hash32; readonly signature: Uint8Array };

/** What the key of this generation signed. */
export function loadFounding(sql: SqlStorage, generation: number): Founding | null {
  const row = first(
    sql.exec<{ record_hash: ArrayBuffer; signature: ArrayBuffer }>(
      "SELECT record_hash, signature FROM founding WHERE generation = ?",
      generation,
    ),
  );
  return row === null
    ? null
    : { recordHash: hashOf(row.record_hash), signature: blob(row.signature) };
}

export function insertFounding(
  sql: SqlStorage,
  generation: number,
  { recordHash, signature }: Founding,
): void {
  sql.exec("INSERT INTO founding VALUES (?, ?, ?)", generation, toBlob(recordHash), signature);
}

export function loadElection(sql: SqlStorage): ElectionDurable | null {
  const row = first(
    sql.exec<{ term: number; vote: ArrayBuffer | null }>(
      "SELECT term, vote FROM election WHERE singleton = 0",
    ),
  );
  if (row === null) return null;
  const vote =
    row.vote === null ? null : decoded(decodeAll(blob(row.vote), readVoteStatement), "a vote");
  return { term: epoch(row.term), vote };
}

export function saveElection(sql: SqlStorage, { term, vote }: ElectionDurable): void {
  const bytes = vote === null ? null : encodeVoteStatement(vote);
  sql.exec(
    `INSERT INTO election VALUES (0, ?, ?)
     ON CONFLICT (singleton) DO UPDATE SET term = excluded.term, vote = excluded.vote`,
    term,
    bytes,
  );
}

/** Those of one key: another generation's prove nothing for this one. */
export function loadSignatures(sql: SqlStorage, generation: number): readonly KeptSignature[] {
  return sql
    .exec<{ kind: string; message: ArrayBuffer; signature: ArrayBuffer }>(
      "SELECT kind, message, signature FROM signatures WHERE generation = ? ORDER BY seq",
      generation,
    )
    .toArray()
    .map((row) => ({
      kind: row.kind,
      message: blob(row.message),
      signature: blob(row.signature),
    }));
}

/** The newest of its kind takes the place of the one before. */
export function saveSignature(
  sql: SqlStorage,
  { kind, message, signature }: KeptSignature,
  generation: number,
): void {
  sql.exec("DELETE FROM signatures WHERE kind = ?", kind);
  sql.exec(
    "INSERT INTO signatures (kind, generation, message, signature) VALUES (?, ?, ?, ?)",
    kind,
    generation,
    message,
    signature,
  );
  keepNewest(sql, "signatures", SIGNATURES_MAX);
}

export function loadVoted(sql: SqlStorage): readonly VotedProposal[] {
  return sql
    .exec<{ term: number; sequence: number; digest: ArrayBuffer }>(
      "SELECT term, sequence, digest FROM voted_proposals ORDER BY seq",
    )
    .toArray()
    .map(({ term, sequence, digest }) => ({ term, sequence, digest: hashOf(digest) }));
}

export function insertVoted(sql: SqlStorage, { term, sequence, digest }: VotedProposal): void {
  sql.exec(
    "INSERT INTO voted_proposals (term, sequence, digest) VALUES (?, ?, ?)",
    term,
    sequence,
    toBlob(digest),
  );
  keepNewest(sql, "voted_proposals", VOTED_MAX);
}

function keepNewest(sql: SqlStorage, table: "signatures" | "voted_proposals", most: number): void {
  sql.exec(
    `DELETE FROM ${table} WHERE seq <=
       (SELECT seq FROM ${table} ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
    most,
  );
}
