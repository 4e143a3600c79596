/** The sequencer's migrations in a database in memory, for tests of what the schema itself refuses. */

import { basename } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { filesUnder, textOf } from "./tree.ts";

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

export const SUBMITTER: Uint8Array = bytes(20, 0x5b);
export const USER: Uint8Array = bytes(20, 0xaa);

const MIGRATIONS = filesUnder("migrations/sequencer").toSorted();

/** All migrations up to the named one, or all, in order, with foreign keys on as in a Durable Object. */
export function emptySchema(last?: string): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA foreign_keys = ON");
  for (const file of MIGRATIONS) {
    db.exec(textOf(file));
    if (basename(file, ".sql") === last) break;
  }
  return db;
}

/** The named one and all that follow it. */
export function migrateFrom(db: DatabaseSync, first: string): void {
  const from = MIGRATIONS.findIndex((file) => basename(file, ".sql") === first);
  for (const file of MIGRATIONS.slice(from)) db.exec(textOf(file));
}

/**
 * A small valid history: direct input 0 (block 8) drained at offset 1 into frame 0 (block 10) of batch
 * 0, an op at offset 2, batch 0 sealed, batch 1 open, both in chunk 0.
 */
export function populatedSchema(last?: string): DatabaseSync {
  const db = emptySchema(last);
  db.prepare(
    `INSERT INTO deployment_identity (singleton, chain_id, app, input_box, input_box_block, submitter,
       application, application_config) VALUES (0, 31337, ?, ?, 0, ?, 'wallet', '{}')`,
  ).run(bytes(20, 1), bytes(20, 2), SUBMITTER);
  db.prepare(
    "INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce) VALUES (0, ?, 0, 0)",
  ).run(bytes(16, 3));
  insertInput(db, { index: 0, sender: USER, block: 8 });
  db.prepare(
    `INSERT INTO l1_safe_head (singleton, block_number, block_hash, block_timestamp, synced_at_ms)
     VALUES (0, 10, ?, 100, 1000)`,
  ).run(bytes(32, 4));
  insertBatch(db, { index: 0, parent: null, nonce: 0 });
  insertFrame(db, { batch: 0, frame: 0, block: 10 });
  insertDirect(db, { batch: 0, frame: 0, input: 0 });
  insertOp(db, { batch: 0, frame: 0, position: 0 });
  seal(db, 0);
  insertBatch(db, { index: 1, parent: 0, nonce: 1 });
  insertFrame(db, { batch: 1, frame: 0, block: 10 });
  insertChunk(db, { height: 0, first: 1, next: 3 });
  return db;
}

export function insertBatch(
  db: DatabaseSync,
  row: { readonly index: number; readonly parent: number | null; readonly nonce: number },
): void {
  db.prepare(
    "INSERT INTO batches (batch_index, parent_batch_index, nonce, created_at_ms) VALUES (?, ?, ?, 0)",
  ).run(row.index, row.parent, row.nonce);
}

export function seal(db: DatabaseSync, index: number): void {
  db.prepare(
    `UPDATE batches SET sealed_at_ms = 1, payload_hash = ?, payload_bytes = 100
     WHERE batch_index = ?`,
  ).run(bytes(32, 5), index);
}

export function insertFrame(
  db: DatabaseSync,
  row: { readonly batch: number; readonly frame: number; readonly block: number },
): void {
  db.prepare(
    `INSERT INTO frames (batch_index, frame_in_batch, created_at_ms, fee, safe_block)
     VALUES (?, ?, 0, 1060, ?)`,
  ).run(row.batch, row.frame, row.block);
}

export function insertOp(
  db: DatabaseSync,
  row: { readonly batch: number; readonly frame: number; readonly position: number },
): void {
  db.prepare(
    `INSERT INTO user_ops (batch_index, frame_in_batch, pos_in_frame, sender, nonce, max_fee, data,
       sig, received_at_ms) VALUES (?, ?, ?, ?, 0, 1060, ?, ?, 0)`,
  ).run(row.batch, row.frame, row.position, USER, bytes(0, 0), bytes(65, 6));
}

export function insertInput(
  db: DatabaseSync,
  row: { readonly index: number; readonly sender: Uint8Array; readonly block: number },
): void {
  db.prepare(
    `INSERT INTO safe_inputs (safe_input_index, sender, payload, block_number, block_timestamp,
       transaction_hash) VALUES (?, ?, ?, ?, 0, ?)`,
  ).run(row.index, row.sender, bytes(1, 7), row.block, bytes(32, 8));
}

export function insertDirect(
  db: DatabaseSync,
  row: { readonly batch: number; readonly frame: number; readonly input: number },
): void {
  db.prepare(
    `INSERT INTO sequenced_l2_txs (batch_index, frame_in_batch, safe_input_index) VALUES (?, ?, ?)`,
  ).run(row.batch, row.frame, row.input);
}

export function insertChunk(
  db: DatabaseSync,
  row: { readonly height: number; readonly first: number; readonly next: number },
): void {
  db.prepare(
    `INSERT INTO chunks (height, epoch, hash, header, events, first_offset, next_offset, created_at_ms)
     VALUES (?, 0, ?, ?, ?, ?, ?, 0)`,
  ).run(row.height, bytes(32, 9), bytes(1, 0), bytes(1, 0), row.first, row.next);
}

export function insertAcceptance(
  db: DatabaseSync,
  row: { readonly input: number; readonly nonce: number; readonly batch: number },
): void {
  db.prepare(
    `INSERT INTO safe_accepted_batches (safe_input_index, nonce, batch_index, first_frame_safe_block,
       inclusion_block) VALUES (?, ?, ?, 10, 11)`,
  ).run(row.input, row.nonce, row.batch);
}

export function insertSubmission(db: DatabaseSync, walletNonce: number): void {
  db.prepare(
    `INSERT INTO submissions (wallet_nonce, batch_index, payload_hash, tx_hash, max_fee_wei,
       priority_fee_wei, gas, created_at_ms, deadline_ms) VALUES (?, 0, ?, ?, 2, 1, 21000, 0, 1)`,
  ).run(walletNonce, bytes(32, 5), bytes(32, walletNonce + 16));
}

export function insertSnapshot(db: DatabaseSync, batch: number | null, l2TxIndex: number): void {
  db.prepare(
    `INSERT INTO snapshots (batch_index, l2_tx_index, executed_input_count, sha256, state_bytes,
       created_at_ms) VALUES (?, ?, 0, ?, 1, 0)`,
  ).run(batch, l2TxIndex, bytes(32, 10));
}

/** L1 accepted a batch of our submitter that was never sealed here. */
export const diverge = (db: DatabaseSync): void => {
  insertInput(db, { index: 1, sender: SUBMITTER, block: 11 });
  db.exec(`INSERT INTO canonical_divergence (singleton, nonce, safe_input_index, kind, detected_at_ms)
           VALUES (0, 0, 1, 'foreign', 0)`);
};

/** L1 accepted batch 0. */
export const land = (db: DatabaseSync): void => {
  insertInput(db, { index: 1, sender: SUBMITTER, block: 11 });
  insertAcceptance(db, { input: 1, nonce: 0, batch: 0 });
};
