/** One breach of each guard of the committee's tables, on the valid history of `schema.ts`. */

import type { DatabaseSync } from "node:sqlite";
import type { Breach } from "./breaches.ts";
import { insertChunk } from "./schema.ts";

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);
const all =
  (...steps: readonly ((db: DatabaseSync) => void)[]) =>
  (db: DatabaseSync) => {
    for (const step of steps) step(db);
  };

const zeros = (bytes: number) => `x'${"00".repeat(bytes)}'`;

/** Chunk 0 is signed; it names a seal of batch 0. */
const signed = run("INSERT INTO chunk_signatures VALUES (0, 'p256', zeroblob(64))");
const sealed = run("INSERT INTO log_facts VALUES (0, 0, NULL)");
const certificate = (height: number, hash: string) =>
  run(`INSERT INTO certificates VALUES (${height}, ${hash}, 0, zeroblob(100), 1)`);
const certified = run(
  `INSERT INTO certificates SELECT 0, hash, 0, zeroblob(100), 1 FROM chunks WHERE height = 0`,
);
const record = (epoch: number, hash: number, previous: number) =>
  run(`INSERT INTO epoch_records VALUES (${epoch}, x'${"0".concat(String(hash)).repeat(32)}',
       x'${"0".concat(String(previous)).repeat(32)}', x'00')`);
const proposal = run("INSERT INTO proposals (term, sequence, origin) VALUES (0, 1, 0)");
const commit = (index: number) =>
  run(`UPDATE proposals SET commit_index = ${index}, record_hash = ${zeros(32)},
       digest = ${zeros(32)}, committed_ms = 1.5 WHERE sequence = 1`);
const key = run(`INSERT INTO member_keys VALUES (0, zeroblob(33), zeroblob(12), zeroblob(200), 1)`);

export const COMMITTEE_BREACHES: readonly Breach[] = [
  {
    title: "[C7] what a chunk seals rewritten",
    given: sealed,
    breach: run("UPDATE log_facts SET sealed_through = 7"),
    says: "C7: what a chunk seals and covers is immutable",
  },
  {
    title: "[C7] a seal of a chunk that is not there",
    breach: run("INSERT INTO log_facts VALUES (1, 0, NULL)"),
    says: "C7: only a chunk of the log",
  },
  {
    title: "[C7] less sealed than before",
    given: all(run("INSERT INTO log_facts VALUES (0, 3, 5)"), (db) =>
      insertChunk(db, { height: 1, first: 3, next: 3 }),
    ),
    breach: run("INSERT INTO log_facts VALUES (1, 2, 5)"),
    says: "C7: what is sealed and covered up to a chunk only rises",
  },
  {
    title: "[C7] the facts of what is certified deleted",
    given: all(sealed, certified),
    breach: run("DELETE FROM log_facts"),
    says: "C7: what is certified of sealing",
  },
  {
    title: "[C7] facts of what is not certified deleted",
    given: sealed,
    breach: run("DELETE FROM log_facts"),
    says: "C7: what is certified of sealing",
  },
  {
    title: "[C3] a chunk signed twice",
    given: signed,
    breach: run("UPDATE chunk_signatures SET signature = zeroblob(64)"),
    says: "C3: a signature is stored once",
  },
  {
    title: "[C2] a certificate of another chunk",
    breach: certificate(0, `x'${"ee".repeat(32)}'`),
    says: "C2: a certificate names a stored chunk",
  },
  {
    title: "[C2] a second certificate of one height",
    given: certified,
    breach: certified,
    says: "C2: certified heights ascend",
  },
  {
    title: "[C2] a certificate rewritten",
    given: certified,
    breach: run("UPDATE certificates SET epoch = 1"),
    says: "C2: a certificate is immutable",
  },
  {
    title: "[F8] the newest certified chunk deleted",
    given: all(record(0, 0, 0), certified, run("DROP TRIGGER chunks_retained")),
    breach: run("DELETE FROM chunks"),
    says: "F8: what is not certified is not deleted",
  },
  {
    title: "[C9] a chain of epochs that does not begin at 0",
    breach: record(1, 1, 0),
    says: "C9: the first record",
  },
  {
    title: "[C6] an epoch that comes again",
    given: record(0, 1, 0),
    breach: record(0, 2, 1),
    says: "C6: epochs ascend",
  },
  {
    title: "[C6] a record that does not name the one before",
    given: record(0, 1, 0),
    breach: record(1, 2, 3),
    says: "C6: a record names the one before",
  },
  {
    title: "[C6] an epoch record rewritten",
    given: record(0, 1, 0),
    breach: run("UPDATE epoch_records SET signed_record = x'01'"),
    says: "C6: an epoch record is immutable",
  },
  {
    title: "[C6] an epoch record deleted",
    given: record(0, 1, 0),
    breach: run("DELETE FROM epoch_records"),
    says: "C6: epoch records are append-only",
  },
  {
    title: "[C6] a takeover forgotten",
    given: run("UPDATE committee_marks SET takeover_epoch = 3"),
    breach: run("UPDATE committee_marks SET takeover_epoch = NULL"),
    says: "C6: a takeover is not forgotten",
  },
  {
    title: "[C2] a checkpoint set twice",
    given: all(certified, run("INSERT INTO checkpoints VALUES (0)")),
    breach: run("INSERT INTO checkpoints VALUES (0)"),
    says: "C2: checkpoints ascend",
  },
  {
    title: "[C6] the marks deleted",
    breach: run("DELETE FROM committee_marks"),
    says: "C6: a takeover is not forgotten",
  },
  {
    title: "[C5] a commit that leaves out an index",
    given: proposal,
    breach: commit(2),
    says: "C5: commits follow each other",
  },
  {
    title: "[C5] a commit rewritten",
    given: all(proposal, commit(1)),
    breach: commit(2),
    says: "C5: commits follow each other",
  },
  {
    title: "[C9] a key rewritten",
    given: key,
    breach: run("UPDATE member_keys SET sealed = zeroblob(201)"),
    says: "C9: a key is made once",
  },
  {
    title: "[C9] a key deleted",
    given: key,
    breach: run("DELETE FROM member_keys"),
    says: "C9: a key is made once",
  },
  {
    title: "[C4] evidence deleted",
    given: run("INSERT INTO evidence VALUES (zeroblob(32), x'00', 1)"),
    breach: run("DELETE FROM evidence"),
    says: "C4: evidence is kept",
  },
];
