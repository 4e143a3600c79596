/** The chain of epoch records, one signed record a row, append-only (C6, C9). */

import type { RecordStore } from "../../../consensus/epoch-manager.ts";
import {
  decodeSignedRecord,
  encodeSignedRecord,
  type SignedRecord,
} from "../../../core/consensus/epoch-chain.ts";
import { knownRecord } from "../../../core/consensus/epoch-record-bytes.ts";
import { assert } from "../../../core/types/assert.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import { transact } from "../../shared/transact.ts";
import { blob, first, hashOf, toBlob } from "./rows.ts";

/** Hash of the record of epoch 0; null before there is one. */
export function loadGenesisHash(sql: SqlStorage): Hash32 | null {
  const row = first(
    sql.exec<{ hash: ArrayBuffer }>("SELECT hash FROM epoch_records WHERE epoch = 0"),
  );
  return row === null ? null : hashOf(row.hash);
}

/** Of epochs after `after`, in order, at most `limit`. */
export function loadSignedRecords(
  sql: SqlStorage,
  after: number,
  limit: number,
): readonly SignedRecord[] {
  return sql
    .exec<{ signed_record: ArrayBuffer }>(
      "SELECT signed_record FROM epoch_records WHERE epoch > ? ORDER BY epoch LIMIT ?",
      after,
      limit,
    )
    .toArray()
    .map((row) => {
      const decoded = decodeSignedRecord(blob(row.signed_record));
      assert(decoded.ok, "C6: a stored record is canonical");
      return decoded.value;
    });
}

/** The caller verified it and what it names. */
export function insertSignedRecord(sql: SqlStorage, signed: SignedRecord): void {
  const { hash } = knownRecord(signed.record);
  sql.exec(
    "INSERT INTO epoch_records VALUES (?, ?, ?, ?)",
    signed.record.epoch,
    toBlob(hash),
    toBlob(signed.record.previous),
    encodeSignedRecord(signed),
  );
}

const PAGE_RECORDS = 64;

/** The rows as the library's store. The platform makes a write durable before anything leaves. */
export function recordStore(storage: DurableObjectStorage): RecordStore {
  const { sql } = storage;
  return {
    load: () => {
      const records: SignedRecord[] = [];
      for (let page = loadSignedRecords(sql, -1, PAGE_RECORDS); page.length > 0; ) {
        records.push(...page);
        page = loadSignedRecords(sql, page.at(-1)?.record.epoch ?? 0, PAGE_RECORDS);
      }
      return Promise.resolve(records);
    },
    append: (records) => {
      transact(storage, () => {
        for (const one of records) insertSignedRecord(sql, one);
      });
      return Promise.resolve();
    },
  };
}
