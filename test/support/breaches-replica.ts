/** One breach of each guard of a follower's log, on the valid history of `schema.ts`. */

import type { DatabaseSync } from "node:sqlite";
import type { Breach } from "./breaches.ts";
import { insertChunk } from "./schema.ts";

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);

const wait = (height: number) =>
  run(`INSERT INTO replica_chunks VALUES (${height}, zeroblob(145), zeroblob(23), NULL, NULL)`);

const reset = run("INSERT INTO replica_reset VALUES (0, 1)");

export const REPLICA_BREACHES: readonly Breach[] = [
  {
    title: "[C1] a chunk that waits where the log has one",
    breach: wait(0),
    says: "C1: what waits is beyond",
  },
  {
    title: "[C1] a chunk that waits behind a gap",
    given: wait(1),
    breach: wait(3),
    says: "C1: what waits is contiguous",
  },
  {
    title: "[C6] a chunk of a log that is being forgotten",
    given: reset,
    breach: (db) => insertChunk(db, { height: 1, first: 3, next: 3 }),
    says: "C6: nothing is added",
  },
  {
    title: "[C6] a beginning where something was read",
    breach: run(
      `INSERT INTO replica_beginning (singleton, batch_nonce, payload_hash, drained_block)
       VALUES (0, 0, zeroblob(32), 10)`,
    ),
    says: "C6: a log is begun",
  },
];
