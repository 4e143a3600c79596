/** Brings an object's database to the schema of the code, and refuses one that it does not know. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "../../core/types/assert.ts";
import { transact } from "./transact.ts";

export type Migration = { readonly name: string; readonly sql: string };

/**
 * Applies what is missing of `migrations`, each in its own transaction.
 *
 * Asserts that applied texts are unchanged and that the database is no newer than the code.
 */
export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[]): void {
  storage.sql.exec(
    `CREATE TABLE IF NOT EXISTS schema_migrations
       (position INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT`,
  );
  const applied = storage.sql
    .exec<{ name: string; sha256: string }>(
      "SELECT name, sha256 FROM schema_migrations ORDER BY position",
    )
    .toArray();
  assert(applied.length <= migrations.length, "the schema is no newer than the code");
  for (const [position, { name, sql }] of migrations.entries()) {
    const hash = bytesToHex(sha256(utf8ToBytes(sql)));
    const before = applied[position];
    if (before !== undefined) {
      assert(before.name === name && before.sha256 === hash, `applied migration ${name} is frozen`);
      continue;
    }
    transact(storage, () => {
      storage.sql.exec(sql);
      storage.sql.exec("INSERT INTO schema_migrations VALUES (?, ?, ?)", position, name, hash);
    });
  }
}
