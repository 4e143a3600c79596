/** One breach of each guard of a validator's schema, on a small valid life of one. */

import { DatabaseSync } from "node:sqlite";
import type { Breach } from "./breaches.ts";
import { filesUnder, textOf } from "./tree.ts";

const hex = (length: number, fill: number): string =>
  `x'${fill.toString(16).padStart(2, "0").repeat(length)}'`;

export function emptyValidator(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA foreign_keys = ON");
  for (const file of filesUnder("migrations/validator")) db.exec(textOf(file));
  return db;
}

/** Founded; it stores chunks 0 and 1, acked the second, and has the first certified, with its state. */
export function populatedValidator(): DatabaseSync {
  const db = emptyValidator();
  db.exec(`
    INSERT INTO member_identity VALUES (0, 31337, ${hex(20, 1)}, 'v1');
    INSERT INTO member_keys VALUES (0, ${hex(33, 2)}, ${hex(12, 3)}, ${hex(150, 4)}, 0);
    INSERT INTO founding VALUES (0, ${hex(32, 5)}, ${hex(64, 6)});
    INSERT INTO epoch_records VALUES (0, ${hex(32, 5)}, ${hex(32, 0)}, x'00');
    INSERT INTO epoch_records VALUES (2, ${hex(32, 7)}, ${hex(32, 5)}, x'00');
    INSERT INTO chunks (hash, height, signed_header, is_recent, seal_hash, seal_offset, payload)
      VALUES (${hex(32, 8)}, 0, ${hex(210, 8)}, 1, ${hex(32, 9)}, 4, x'01'),
             (${hex(32, 10)}, 1, ${hex(210, 10)}, 1, NULL, NULL, x'01');
    UPDATE chunks SET is_certified = 1 WHERE height = 0;
    INSERT INTO certificates VALUES (0, ${hex(32, 8)}, ${hex(90, 1)});
    INSERT INTO validator_state VALUES (0, 2, 1, x'00', 2, 1, ${hex(210, 10)}, 0, x'01',
      0, ${hex(32, 8)}, 0, 5, x'00');
    INSERT INTO evidence (evidence) VALUES (x'01');
    INSERT INTO election VALUES (0, 3, x'01');
    INSERT INTO voted_proposals (term, sequence, digest) VALUES (2, 1, ${hex(32, 1)});
    INSERT INTO signatures (kind, generation, message, signature) VALUES ('ack', 0, x'01', ${hex(64, 1)});
    INSERT INTO snapshots VALUES (0, ${hex(32, 9)}, 4, 1, 0);
    INSERT INTO snapshot_parts VALUES (${hex(32, 9)}, 0, x'01');
  `);
  return db;
}

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);
const state = (set: string) => run(`UPDATE validator_state SET ${set}`);

export const VALIDATOR_BREACHES: readonly Breach[] = [
  {
    title: "[C9] another name",
    breach: run("UPDATE member_identity SET name = 'v2'"),
    says: "C9: a member keeps its identity",
  },
  {
    title: "[C9] no name",
    breach: run("DELETE FROM member_identity"),
    says: "C9: a member keeps its identity",
  },
  {
    title: "[C9] a key generation left out",
    breach: run(
      `INSERT INTO member_keys VALUES (2, ${hex(33, 1)}, ${hex(12, 1)}, ${hex(99, 1)}, 0)`,
    ),
    says: "C9: a key generation follows",
  },
  {
    title: "[C9] another key in place of one",
    breach: run(`UPDATE member_keys SET public_key = ${hex(33, 9)}`),
    says: "C9: a key is immutable",
  },
  {
    title: "[C9] a key thrown away",
    breach: run("DELETE FROM member_keys WHERE generation = 0"),
    says: "C9: a key is kept",
  },
  {
    title: "[C9] another founding record signed",
    breach: run(`UPDATE founding SET record_hash = ${hex(32, 9)}`),
    says: "C9: a key signs one",
  },
  {
    title: "[C9] a signed founding forgotten",
    breach: run("DELETE FROM founding"),
    says: "C9: a key signs one",
  },
  {
    title: "[C6] an epoch below the newest",
    breach: run(`INSERT INTO epoch_records VALUES (1, ${hex(32, 9)}, ${hex(32, 7)}, x'00')`),
    says: "C6: epochs ascend",
  },
  {
    title: "[C6] a record that names another one before it",
    breach: run(`INSERT INTO epoch_records VALUES (3, ${hex(32, 9)}, ${hex(32, 5)}, x'00')`),
    says: "C6: a record names the one before",
  },
  {
    title: "[C6] a record changed",
    breach: run("UPDATE epoch_records SET signed_record = x'01'"),
    says: "C6: an epoch record is immutable",
  },
  {
    title: "[C6] a record thrown away",
    breach: run("DELETE FROM epoch_records WHERE epoch = 2"),
    says: "C6: epoch records are append-only",
  },
  {
    title: "[C4] what was promised forgotten",
    breach: run("DELETE FROM validator_state"),
    says: "C4: what was promised",
  },
  {
    title: "[C6] an older epoch promised",
    breach: state("promised_epoch = 1"),
    says: "C6: a promise is not taken back",
  },
  {
    title: "[C6] one epoch promised to two",
    breach: state("promised_candidate = 0"),
    says: "C6: a promise is not taken back",
  },
  {
    title: "[C4] an ack forgotten",
    breach: state("tip_epoch = NULL, tip_height = NULL, tip_header = NULL"),
    says: "C4: an ack is not forgotten",
  },
  {
    title: "[C4] a second ack at one height",
    breach: state(`tip_header = ${hex(210, 11)}`),
    says: "C4: acks ascend",
  },
  {
    title: "[C4] an ack below the last one",
    breach: state(`tip_height = 0, tip_header = ${hex(210, 8)}`),
    says: "C4: acks ascend",
  },
  {
    title: "[C6] an ack in an epoch that is not promised",
    breach: state(`tip_epoch = 3, tip_height = 2, tip_header = ${hex(210, 11)}`),
    says: "C6: nothing is acked but",
  },
  {
    title: "[C6] another certified chunk at the base",
    breach: state(`base_hash = ${hex(32, 11)}`),
    says: "C6: what is certified stays",
  },
  {
    title: "[C6] the lock let go of",
    breach: state("lock_height = NULL, lock = NULL"),
    says: "C6: what is certified stays",
  },
  {
    title: "[C4] a chunk with another payload",
    breach: run("UPDATE chunks SET payload = x'02' WHERE height = 1"),
    says: "C4: a stored chunk is immutable",
  },
  {
    title: "[C6] a chunk certified no more",
    breach: run("UPDATE chunks SET is_certified = 0 WHERE height = 0"),
    says: "C6: what is certified stays",
  },
  {
    title: "[C4] the newest certified chunk thrown away",
    breach: run("DELETE FROM chunks WHERE height = 0"),
    says: "C4: the newest certified chunk",
  },
  {
    title: "[C6] two certified chunks at one height",
    breach: run(
      `INSERT INTO chunks (hash, height, signed_header, is_recent, is_certified)
       VALUES (${hex(32, 12)}, 0, ${hex(210, 12)}, 0, 1)`,
    ),
    says: "UNIQUE",
  },
  {
    title: "[C2] a certificate changed",
    breach: run(`UPDATE certificates SET certificate = ${hex(91, 1)}`),
    says: "C2: a certificate is immutable",
  },
  {
    title: "[C3] evidence changed",
    breach: run("UPDATE evidence SET evidence = x'02'"),
    says: "C3: evidence is kept",
  },
  {
    title: "[C3] evidence thrown away",
    breach: run("DELETE FROM evidence"),
    says: "C3: evidence is kept",
  },
  {
    title: "[C8] a term below the last one",
    breach: run("UPDATE election SET term = 2"),
    says: "C8: terms ascend",
  },
  {
    title: "[C8] a second vote in a term",
    breach: run("UPDATE election SET vote = x'02'"),
    says: "C8: one vote in a term",
  },
  {
    title: "[C8] a vote forgotten",
    breach: run("DELETE FROM election"),
    says: "C8: a vote is not forgotten",
  },
  {
    title: "[C8] a vote for a proposal changed",
    breach: run(`UPDATE voted_proposals SET digest = ${hex(32, 2)}`),
    says: "C8: a vote binds",
  },
  {
    title: "[C8] a second vote for one number",
    breach: run(
      `INSERT INTO voted_proposals (term, sequence, digest) VALUES (2, 1, ${hex(32, 2)})`,
    ),
    says: "UNIQUE",
  },
  {
    title: "[C3] a signature changed",
    breach: run(`UPDATE signatures SET signature = ${hex(64, 2)}`),
    says: "C3: a signature is sent again",
  },
  {
    title: "[C4] a snapshot that no certified seal names",
    breach: run(`INSERT INTO snapshots VALUES (1, ${hex(32, 9)}, 4, 1, 0)`),
    says: "C4: a snapshot is of a certified seal",
  },
  {
    title: "[V1] a snapshot changed",
    breach: run("UPDATE snapshots SET state_bytes = 2"),
    says: "V1: a snapshot is immutable",
  },
  {
    title: "[V1] a part changed",
    breach: run("UPDATE snapshot_parts SET bytes = x'02'"),
    says: "V1: a snapshot is immutable",
  },
];
