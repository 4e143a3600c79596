/** What a validator stands on, as one row: promise, last ack, lock, base and what it signed (C4, C6). */

import { decodeCertificate, encodeCertificate } from "../../../core/consensus/certificate.ts";
import { counted, decodeAll, type FormatReader } from "../../../core/consensus/encoding.ts";
import type { SignedRecord } from "../../../core/consensus/epoch-chain.ts";
import { knownRecord } from "../../../core/consensus/epoch-record-bytes.ts";
import { decodeEvidence } from "../../../core/consensus/evidence.ts";
import { lineChunk } from "../../../core/consensus/line.ts";
import { encodeTakeovers, readTakeovers } from "../../../core/consensus/part-bytes.ts";
import {
  encodeSignedHeader,
  readSignedHeader,
  type SignedHeader,
} from "../../../core/consensus/signed-header.ts";
import { candidateIndex, epoch } from "../../../core/consensus/types.ts";
import {
  GIVEN_UP_MAX,
  newValidator,
  type ValidatorDurable,
} from "../../../core/consensus/validator-state.ts";
import { must } from "../../../core/types/assert.ts";
import { offset } from "../../../core/types/units.ts";
import { blob, first, hashOf, toBlob } from "../../sequencer/storage/rows.ts";
import { decodeHeaderRow, loadRecent } from "./chunks.ts";
import { decoded } from "./decoded.ts";
import { insertRecord, loadRecords } from "./records.ts";

type Row = {
  promised_epoch: number;
  promised_candidate: number | null;
  accepted: ArrayBuffer;
  tip_epoch: number | null;
  tip_header: ArrayBuffer | null;
  lock: ArrayBuffer | null;
  base_height: number;
  base_hash: ArrayBuffer;
  base_epoch: number;
  base_next_offset: number;
  given_up: ArrayBuffer;
};

/** Null before the founding. */
export function loadDurable(sql: SqlStorage): ValidatorDurable | null {
  const row = first(sql.exec<Row>("SELECT * FROM validator_state WHERE singleton = 0"));
  if (row === null) return null;
  const head = must(loadRecords(sql).at(-1), "a founded validator has a record");
  return {
    head: knownRecord(head.record),
    promised: {
      epoch: epoch(row.promised_epoch),
      candidate: row.promised_candidate === null ? null : candidateIndex(row.promised_candidate),
    },
    accepted: decoded(decodeAll(blob(row.accepted), readTakeovers), "a takeover"),
    tip: toTip(row),
    lock: row.lock === null ? null : decoded(decodeCertificate(blob(row.lock)), "the lock"),
    base: {
      height: row.base_height,
      hash: hashOf(row.base_hash),
      epoch: epoch(row.base_epoch),
      nextOffset: offset(row.base_next_offset),
    },
    chunks: loadRecent(sql),
    givenUp: decoded(decodeAll(blob(row.given_up), readHeaders), "headers").map(lineChunk),
    evidence: loadEvidence(sql),
  };
}

const readHeaders = (reader: FormatReader): readonly SignedHeader[] =>
  reader.counted(GIVEN_UP_MAX, () => readSignedHeader(reader));

function saveGivenUp(sql: SqlStorage, givenUp: ValidatorDurable["givenUp"]): void {
  const headers = givenUp.map(({ signed }) => signed);
  const bytes = counted(headers, GIVEN_UP_MAX, encodeSignedHeader);
  sql.exec("UPDATE validator_state SET given_up = ?", bytes);
}

function toTip({ tip_epoch, tip_header }: Row): ValidatorDurable["tip"] {
  if (tip_epoch === null || tip_header === null) return null;
  return { ackEpoch: epoch(tip_epoch), chunk: lineChunk(decodeHeaderRow(tip_header)) };
}

function loadEvidence(sql: SqlStorage): ValidatorDurable["evidence"] {
  return sql
    .exec<{ evidence: ArrayBuffer }>("SELECT evidence FROM evidence ORDER BY position")
    .toArray()
    .map((row) => decoded(decodeEvidence(blob(row.evidence)), "stored evidence"));
}

/** The validator's first rows: it joins with the first record (C9). */
export function insertFirstState(sql: SqlStorage, signed: SignedRecord): void {
  insertRecord(sql, signed);
  const { promised, base } = newValidator(knownRecord(signed.record));
  sql.exec(
    `INSERT INTO validator_state (singleton, promised_epoch, promised_candidate, accepted,
       base_height, base_hash, base_epoch, base_next_offset) VALUES (0, ?, ?, ?, ?, ?, ?, ?)`,
    promised.epoch,
    promised.candidate,
    encodeTakeovers([]),
    base.height,
    toBlob(base.hash),
    base.epoch,
    base.nextOffset,
  );
}

/** Writes what differs. */
export function saveState(
  sql: SqlStorage,
  before: ValidatorDurable,
  after: ValidatorDurable,
): void {
  // The promise first: an ack is of the promised epoch.
  if (after.promised !== before.promised) savePromise(sql, after.promised);
  if (after.accepted !== before.accepted) {
    sql.exec("UPDATE validator_state SET accepted = ?", encodeTakeovers(after.accepted));
  }
  if (after.tip !== before.tip) saveTip(sql, after.tip);
  if (after.lock !== before.lock) saveLock(sql, after.lock);
  if (after.base !== before.base) saveBase(sql, after.base);
  if (after.givenUp !== before.givenUp) saveGivenUp(sql, after.givenUp);
}

function savePromise(sql: SqlStorage, promised: ValidatorDurable["promised"]): void {
  sql.exec(
    "UPDATE validator_state SET promised_epoch = ?, promised_candidate = ?",
    promised.epoch,
    promised.candidate,
  );
}

function saveTip(sql: SqlStorage, tip: ValidatorDurable["tip"]): void {
  sql.exec(
    "UPDATE validator_state SET tip_epoch = ?, tip_height = ?, tip_header = ?",
    tip?.ackEpoch ?? null,
    tip?.chunk.ref.height ?? null,
    tip === null ? null : encodeSignedHeader(tip.chunk.signed),
  );
}

function saveLock(sql: SqlStorage, lock: ValidatorDurable["lock"]): void {
  sql.exec(
    "UPDATE validator_state SET lock_height = ?, lock = ?",
    lock?.chunk.height ?? null,
    lock === null ? null : encodeCertificate(lock),
  );
}

function saveBase(sql: SqlStorage, base: ValidatorDurable["base"]): void {
  sql.exec(
    `UPDATE validator_state
     SET base_height = ?, base_hash = ?, base_epoch = ?, base_next_offset = ?`,
    base.height,
    toBlob(base.hash),
    base.epoch,
    base.nextOffset,
  );
}
