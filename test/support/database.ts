/** The sequencer's database on disk, for tests that damage or lose it while no process has it open. */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { must } from "../../src/core/types/assert.ts";
import { FILES } from "../../src/local/data-dir.ts";
import type { Product } from "./product.ts";

type OnDisk = Pick<Product, "dataDir">;

const folder = ({ dataDir }: OnDisk): string => join(dataDir, FILES.objects);

/** Runs `work` on the object's database. */
export function withDatabase<T>(product: OnDisk, work: (db: DatabaseSync) => T): T {
  const files = readdirSync(folder(product), { recursive: true, encoding: "utf8" });
  const file = must(
    // Relays have databases, too, and each class one of its alarms.
    files.find((name) => /baton-sequencer-v1[/\\][0-9a-f]{64}\.sqlite$/.test(name)),
    "the object has a database",
  );
  const db = new DatabaseSync(join(folder(product), file));
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** As after the loss of a disk. */
export function loseDatabase(product: OnDisk): void {
  rmSync(folder(product), { recursive: true });
}
