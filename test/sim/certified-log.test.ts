/** How far the log is certified, over the real schema in memory: the bound of C6, the two halves of C7, F3. */

import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import type { ChunkEvent } from "../../src/core/chunk/event.ts";
import { CertifiedLog } from "../../src/durable-objects/sequencer/certified-log.ts";
import { migrate } from "../../src/durable-objects/shared/migrate.ts";
import { filesUnder, textOf } from "../support/tree.ts";
import { SimStorage } from "./storage.ts";

function fresh(): { readonly db: SimStorage; readonly log: CertifiedLog } {
  const db = new SimStorage();
  migrate(
    db.platform,
    filesUnder("migrations/sequencer").map((file) => ({
      name: basename(file, ".sql"),
      sql: textOf(file),
    })),
  );
  db.write(`INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce)
            VALUES (0, zeroblob(16), 0, 0)`);
  return { db, log: new CertifiedLog(db.sql) };
}

type Facts = {
  readonly events: number;
  readonly sealed?: number;
  readonly watermark?: number;
  readonly next?: number;
};

/** A chunk with what all up to it amount to. */
function chunk(db: SimStorage, height: number, facts: Facts): void {
  const { events, sealed = null, watermark = null, next = 1 } = facts;
  db.write(`INSERT INTO chunks VALUES (${height}, 0, zeroblob(32), x'00', x'00',
              COALESCE((SELECT MAX(next_offset) FROM chunks), 1), ${next}, 0);
            INSERT INTO committee_chunks (height, events_through, sealed_through, watermark_through)
              VALUES (${height}, ${events}, ${sealed}, ${watermark})`);
}

/** What a commit of one chunk says of itself. */
function grown(kind: ChunkEvent["kind"], eventCount: number) {
  return { chunks: [{ header: { eventCount } }], last: { events: [{ kind }] } };
}

function certify(db: SimStorage, height: number): void {
  db.write(`INSERT INTO certificates VALUES (${height}, zeroblob(32), 0, zeroblob(100), 0)`);
}

describe("[C6] the bound on what is not certified", () => {
  test.each([
    { uncertified: 9_999, isFull: false },
    { uncertified: 10_000, isFull: true },
  ])("at $uncertified events: full is $isFull", ({ uncertified, isFull }) => {
    const { db, log } = fresh();
    chunk(db, 0, { events: 7 });
    certify(db, 0);
    chunk(db, 1, { events: 7 + uncertified });
    expect([log.uncertifiedEvents, log.isFull]).toEqual([uncertified, isFull]);
    db.close();
  });

  test("what was appended counts at once, and a certificate takes it away", () => {
    const { db, log } = fresh();
    expect([log.end.height, log.isFull]).toEqual([-1, false]);
    chunk(db, 0, { events: 9_990 });
    log.appended(grown("op", 9_990));
    expect([log.uncertifiedEvents, log.isFull]).toEqual([9_990, false]);
    // Counted without the rows, which say the same.
    log.appended(grown("op", 10));
    expect(log.isFull).toBe(true);
    chunk(db, 1, { events: 10_000 });
    expect(new CertifiedLog(db.sql).uncertifiedEvents).toBe(10_000);
    // Of a commit of several chunks, and of one that rolls back, the rows are asked.
    const { chunks, last } = grown("op", 1);
    log.appended({ chunks: [...chunks, ...chunks], last });
    expect(log.uncertifiedEvents).toBe(10_000);
    certify(db, 1);
    log.moved();
    expect([log.uncertifiedEvents, log.isFull]).toEqual([0, false]);
    db.close();
  });
});

describe("[C7] what may be posted", () => {
  test("batches whose seal is certified, and wallet nonces whose watermark is", () => {
    const { db, log } = fresh();
    chunk(db, 0, { events: 1 });
    chunk(db, 1, { events: 2, sealed: 4, watermark: 9 });
    chunk(db, 2, { events: 3, sealed: 5, watermark: 10 });
    expect([log.isSealCertified(0), log.isNonceCertified(0)]).toEqual([false, false]);
    certify(db, 1);
    log.moved();
    expect([log.isSealCertified(4), log.isSealCertified(5)]).toEqual([true, false]);
    expect([log.isNonceCertified(9), log.isNonceCertified(10)]).toEqual([true, false]);
    certify(db, 2);
    log.moved();
    expect([log.isSealCertified(5), log.isSealCertified(6)]).toEqual([true, false]);
    expect([log.isNonceCertified(10), log.isNonceCertified(11)]).toEqual([true, false]);
    db.close();
  });
});

describe("[F3] rollbacks that readers do not know of", () => {
  const rollback = (db: SimStorage, generation: number, at: number, keep: number) =>
    db.write(`INSERT INTO rollbacks VALUES (${generation}, ${keep}, 0, 0);
              UPDATE history SET generation = ${generation};
              INSERT INTO sequenced_l2_txs (offset, rollback_generation)
                VALUES (${at}, ${generation})`);

  test("the oldest one's place, and the least that any of them keeps", () => {
    const { db, log } = fresh();
    chunk(db, 0, { events: 1, next: 10 });
    certify(db, 0);
    expect(log.openRollback).toBeNull();
    rollback(db, 1, 10, 6);
    log.appended(grown("op", 1));
    expect(log.openRollback).toBeNull();
    log.appended(grown("rollback", 1));
    rollback(db, 2, 15, 4);
    expect(log.openRollback).toEqual({ offset: 10, keepThrough: 4, count: 2 });
    chunk(db, 1, { events: 2, next: 11 });
    certify(db, 1);
    log.moved();
    expect(log.openRollback).toEqual({ offset: 15, keepThrough: 4, count: 1 });
    chunk(db, 2, { events: 3, next: 16 });
    certify(db, 2);
    log.moved();
    expect(log.openRollback).toBeNull();
    db.close();
  });
});
