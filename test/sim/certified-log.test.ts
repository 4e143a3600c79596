/** How far the log is certified, over the real schema in memory: the bound of C6, the two halves of C7, F3. */

import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import type { ChunkEvent } from "../../src/core/chunk/event.ts";
import { encodeHeader } from "../../src/core/chunk/header.ts";
import { address } from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { CertifiedLog } from "../../src/durable-objects/sequencer/certified-log.ts";
import { ZERO_HASH } from "../../src/durable-objects/sequencer/memory.ts";
import {
  factsAt,
  insertFacts,
  type LogFacts,
} from "../../src/durable-objects/sequencer/storage/committee.ts";
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

const OF = {
  chainId: 1,
  app: address(`0x${"a9".repeat(20)}`),
  era: new Uint8Array(16),
  epoch: 0,
  parent: ZERO_HASH,
  root: ZERO_HASH,
  firstOffset: offset(1),
  nextOffset: offset(1),
};

type Says = {
  readonly events: number;
  readonly sealed?: number;
  readonly watermark?: number;
  readonly next?: number;
};

/** A chunk of so many events; what all up to it seal and cover, where it says anything of that. */
function chunk(db: SimStorage, height: number, says: Says): void {
  const { events, sealed = null, watermark = null, next = 1 } = says;
  const header = encodeHeader({ ...OF, height, eventCount: events });
  db.write(`INSERT INTO chunks VALUES (${height}, 0, zeroblob(32), x'${Buffer.from(header).toString("hex")}',
              x'00', COALESCE((SELECT MAX(next_offset) FROM chunks), 1), ${next}, 0)`);
  if (sealed === null && watermark === null) return;
  db.write(`INSERT INTO log_facts VALUES (${height}, ${sealed}, ${watermark})`);
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
    chunk(db, 1, { events: uncertified });
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
    log.appended(grown("op", 4));
    const { chunks, last } = grown("rollback", 3);
    log.appended({ chunks: [...chunks, ...chunks], last });
    expect([log.uncertifiedEvents, log.isFull]).toEqual([10_000, true]);
    chunk(db, 1, { events: 10 });
    expect(new CertifiedLog(db.sql).uncertifiedEvents).toBe(10_000);
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
    chunk(db, 3, { events: 1 });
    expect([log.isSealCertified(0), log.isNonceCertified(0)]).toEqual([false, false]);
    certify(db, 1);
    log.moved();
    expect([log.isSealCertified(4), log.isSealCertified(5)]).toEqual([true, false]);
    expect([log.isNonceCertified(9), log.isNonceCertified(10)]).toEqual([true, false]);
    certify(db, 2);
    log.moved();
    expect([log.isSealCertified(5), log.isSealCertified(6)]).toEqual([true, false]);
    expect([log.isNonceCertified(10), log.isNonceCertified(11)]).toEqual([true, false]);
    // What says nothing leaves what was said.
    certify(db, 3);
    log.moved();
    expect([log.isSealCertified(5), log.isSealCertified(6)]).toEqual([true, false]);
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

test("[C7] what is covered only rises, whatever a later chunk says, and a row is kept for what is certified", () => {
  const { db } = fresh();
  const watermark = (walletNonce: number): ChunkEvent => ({ kind: "watermark", walletNonce });
  const write = (height: number, events: readonly ChunkEvent[]): LogFacts => {
    chunk(db, height, { events: 1 });
    insertFacts(db.sql, height, events);
    return factsAt(db.sql, height);
  };
  const rows = () => db.read("SELECT height, watermark_through AS through FROM log_facts");
  expect(write(0, [])).toEqual({ sealedThrough: -1, watermark: -1 });
  expect(rows()).toEqual([]);
  expect(write(1, [watermark(7)])).toEqual({ sealedThrough: -1, watermark: 7 });
  expect(write(2, [watermark(3), watermark(4)])).toEqual({ sealedThrough: -1, watermark: 7 });
  certify(db, 0);
  expect(write(3, [watermark(9), watermark(8)])).toEqual({ sealedThrough: -1, watermark: 9 });
  expect(factsAt(db.sql, 2)).toEqual({ sealedThrough: -1, watermark: 7 });
  certify(db, 2);
  write(4, [watermark(10)]);
  expect(rows()).toEqual([
    { height: 2, through: 7 },
    { height: 3, through: 9 },
    { height: 4, through: 10 },
  ]);
  certify(db, 4);
  expect(rows()).toHaveLength(3);
  write(5, []);
  expect(write(6, [watermark(11)])).toEqual({ sealedThrough: -1, watermark: 11 });
  expect(rows().map(({ height }) => height)).toEqual([4, 6]);
  db.close();
});
