/** What a committee decided beside its log, and the numbers it gave to proposals (C5). */

import type { CommitLog } from "../../../consensus/council.ts";
import type { ProposalId } from "../../../core/consensus/commit-certificate.ts";
import type { SignedByMember } from "../../../core/consensus/multi-signature.ts";
import type { CommitEntry, ProposalsRow } from "../../../core/consensus/proposals.ts";
import { candidateIndex, epoch, memberIndex } from "../../../core/consensus/types.ts";
import type { Address } from "../../../core/types/hex.ts";
import { transact } from "../../shared/transact.ts";
import { blob, first, hashOf, toBlob } from "./rows.ts";

type Row = {
  term: number;
  sequence: number;
  origin: number;
  commit_index: number;
  record_hash: ArrayBuffer;
  digest: ArrayBuffer;
  committed_ms: number;
};

/** Chain and application are those of the deployment: a database belongs to one. */
export type Deployment = { readonly chainId: number; readonly app: Address };

/** The rows as the library's log of commits. Changes of a committee are few: all are kept and loaded. */
export function commitLog(storage: DurableObjectStorage, deployment: Deployment): CommitLog {
  const { sql } = storage;
  return {
    load: () =>
      Promise.resolve({
        nextSequence: (term: number) => nextSequence(sql, term),
        entries: loadEntries(sql, deployment),
        evicted: null,
      }),
    write: (row) => {
      transact(storage, () => writeRow(sql, row));
      return Promise.resolve();
    },
  };
}

function nextSequence(sql: SqlStorage, term: number): number {
  const row = first(
    sql.exec<{ sequence: number }>(
      "SELECT sequence FROM proposals WHERE term = ? ORDER BY sequence DESC LIMIT 1",
      term,
    ),
  );
  return (row?.sequence ?? 0) + 1;
}

function loadEntries(sql: SqlStorage, deployment: Deployment): readonly CommitEntry[] {
  return sql
    .exec<Row>(
      `SELECT term, sequence, origin, commit_index, record_hash, digest, committed_ms
       FROM proposals WHERE commit_index IS NOT NULL ORDER BY commit_index`,
    )
    .toArray()
    .map((row) => {
      const id: ProposalId = {
        term: epoch(row.term),
        sequence: row.sequence,
        origin: candidateIndex(row.origin),
      };
      const hashes = { recordHash: hashOf(row.record_hash), digest: hashOf(row.digest) };
      return {
        index: row.commit_index,
        statement: { ...deployment, ...hashes, id },
        votes: loadVotes(sql, id),
        committedMs: row.committed_ms,
      };
    });
}

function loadVotes(sql: SqlStorage, { term, sequence }: ProposalId): readonly SignedByMember[] {
  return sql
    .exec<{ member: number; signature: ArrayBuffer }>(
      `SELECT member, signature FROM proposal_votes WHERE term = ? AND sequence = ?
       ORDER BY member`,
      term,
      sequence,
    )
    .toArray()
    .map(({ member, signature }) => ({
      member: memberIndex(member),
      signature: blob(signature),
    }));
}

function writeRow(sql: SqlStorage, row: ProposalsRow): void {
  if (row.row === "proposed") {
    const { term, sequence, origin } = row.id;
    sql.exec(
      "INSERT INTO proposals (term, sequence, origin) VALUES (?, ?, ?)",
      term,
      sequence,
      origin,
    );
    return;
  }
  const { statement, votes, index, committedMs } = row.entry;
  const { term, sequence } = statement.id;
  sql.exec(
    `UPDATE proposals SET commit_index = ?, record_hash = ?, digest = ?, committed_ms = ?
     WHERE term = ? AND sequence = ?`,
    index,
    toBlob(statement.recordHash),
    toBlob(statement.digest),
    committedMs,
    term,
    sequence,
  );
  for (const { member, signature } of votes) {
    sql.exec("INSERT INTO proposal_votes VALUES (?, ?, ?, ?)", term, sequence, member, signature);
  }
}
