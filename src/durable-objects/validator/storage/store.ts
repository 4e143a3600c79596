/**
 * The validator's rows in the object's database: one transaction for each write (C4).
 *
 * Only what a write changes is written. How rows add up is `applyRows`; this file turns the difference
 * into SQL, so a row that is read back is what the step function stood on. A write has returned when its
 * transaction has: what leaves the object later waits for the disk at the platform's output gate.
 */

import type {
  KeptBeginning,
  ValidatorImage,
  ValidatorStore,
  ValidatorWrite,
} from "../../../consensus/validator-store.ts";
import { archivedBy } from "../../../consensus/validator-store.ts";
import type { Certificate } from "../../../core/consensus/certificate.ts";
import { type Evidence, encodeEvidence } from "../../../core/consensus/evidence.ts";
import type { LineChunk } from "../../../core/consensus/line.ts";
import { applyRows, type ValidatorDurable } from "../../../core/consensus/validator-state.ts";
import { must } from "../../../core/types/assert.ts";
import type { Hash32 } from "../../../core/types/hex.ts";
import { log } from "../../shared/log.ts";
import { transact } from "../../shared/transact.ts";
import {
  archiveChunk,
  insertCertificate,
  insertChunk,
  loadCertificateFrom,
  loadCertificateUpTo,
  loadCertifiedAt,
  loadPayload,
  retireChunk,
} from "./chunks.ts";
import {
  insertRecord,
  insertVoted,
  loadElection,
  loadRecords,
  loadSignatures,
  loadVoted,
  saveElection,
  saveSignature,
} from "./records.ts";
import { beginningHeight } from "./snapshots.ts";
import { loadDurable, saveState } from "./state.ts";

type RowsWrite = ValidatorWrite & { readonly is: "rows" };

export class SqliteValidatorStore implements ValidatorStore {
  readonly #storage: DurableObjectStorage;
  readonly #generation: number;
  readonly #settledByMs: () => number;
  /** As the database has it. */
  #durable: ValidatorDurable;

  /**
   * Asserts that there is a founding record. `generation`: of the key that signs. `settledByMs`: a batch that
   * was sealed before is on L1, or its seal is void.
   */
  constructor(
    storage: DurableObjectStorage,
    generation: number,
    settledByMs: () => number = () => 0,
  ) {
    this.#storage = storage;
    this.#settledByMs = settledByMs;
    this.#generation = generation;
    this.#durable = must(loadDurable(storage.sql), "a validator that runs is founded");
  }

  readonly load = (): Promise<ValidatorImage> => {
    const { sql } = this.#storage;
    return Promise.resolve({
      durable: this.#durable,
      records: loadRecords(sql),
      election: loadElection(sql),
      signatures: loadSignatures(sql, this.#generation),
      voted: loadVoted(sql),
    });
  };

  // Async, so that what a trigger refuses is a rejection, as of any store.
  readonly write = async (write: ValidatorWrite): Promise<void> => {
    await Promise.resolve(this.#write(write));
  };

  readonly payload = (hash: Hash32): Promise<Uint8Array | null> =>
    Promise.resolve(loadPayload(this.#storage.sql, hash));

  readonly certifiedAt = (height: number): Promise<LineChunk | null> =>
    Promise.resolve(loadCertifiedAt(this.#storage.sql, height));

  readonly certificateUpTo = (height: number): Promise<Certificate | null> =>
    Promise.resolve(loadCertificateUpTo(this.#storage.sql, height));

  readonly beginning = (): Promise<KeptBeginning | null> => {
    const { sql } = this.#storage;
    const height = beginningHeight(sql, this.#settledByMs());
    const certificate = height === null ? null : loadCertificateFrom(sql, height);
    const isKept = height !== null && certificate !== null;
    return Promise.resolve(isKept ? { height, certificate } : null);
  };

  #write(write: ValidatorWrite): void {
    const { sql } = this.#storage;
    switch (write.is) {
      case "rows":
        this.#durable = transact(this.#storage, () => this.#writeRows(write));
        return;
      case "election":
        transact(this.#storage, () => saveElection(sql, write.election));
        return;
      case "proposal":
        transact(this.#storage, () => insertVoted(sql, write.voted));
    }
  }

  #writeRows({ rows, payloads, records, signatures }: RowsWrite): ValidatorDurable {
    const { sql } = this.#storage;
    for (const signature of signatures) saveSignature(sql, signature, this.#generation);
    const before = this.#durable;
    const after = applyRows(before, rows);
    const bytes = new Map(payloads);
    for (const signed of records) insertRecord(sql, signed);
    const stored = rows.flatMap((row) => (row.row === "chunk" ? [row.chunk] : []));
    for (const chunk of stored) {
      insertChunk(sql, chunk, must(bytes.get(chunk.ref.hash), "a chunk comes with its payload"));
    }
    const archived = archivedBy(before, rows);
    for (const chunk of archived.chunks) archiveChunk(sql, chunk);
    for (const certificate of archived.certificates) insertCertificate(sql, certificate);
    saveState(sql, before, after);
    const isLonger = after.chunks.length === before.chunks.length + stored.length;
    if (!isLonger) this.#retire([...before.chunks, ...stored], after.chunks);
    for (const row of rows) if (row.row === "evidence") this.#keepEvidence(row.evidence);
    return after;
  }

  #keepEvidence(evidence: Evidence): void {
    this.#storage.sql.exec("INSERT INTO evidence (evidence) VALUES (?)", encodeEvidence(evidence));
    const [one] = evidence.pair;
    const { epoch, height } = "header" in one ? one.header : one.statement;
    log("error", "evidence", { kind: evidence.kind, epoch, height });
  }

  #retire(before: readonly LineChunk[], after: readonly LineChunk[]): void {
    const kept = new Set(after);
    for (const chunk of before) {
      if (!kept.has(chunk)) retireChunk(this.#storage.sql, chunk.ref.hash);
    }
  }
}
