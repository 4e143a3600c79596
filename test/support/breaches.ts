/** One breach of each guard of the schema, on the valid history of `schema.ts`. */

import type { DatabaseSync } from "node:sqlite";
import {
  diverge,
  insertAcceptance,
  insertBatch,
  insertChunk,
  insertDirect,
  insertFrame,
  insertInput,
  insertOp,
  insertSnapshot,
  insertSubmission,
  land,
  SUBMITTER,
  seal,
  USER,
} from "./schema.ts";

export type Breach = {
  readonly title: string;
  /** What must hold first, on top of the valid history. */
  readonly given?: (db: DatabaseSync) => void;
  readonly breach: (db: DatabaseSync) => void;
  /** Start of the message. */
  readonly says: string;
};

const run = (sql: string) => (db: DatabaseSync) => db.exec(sql);

const watermark = run("INSERT INTO wallet_nonce_watermark (singleton, watermark) VALUES (0, 4)");

export const BREACHES: readonly Breach[] = [
  {
    title: "[N2] a frame number left out",
    breach: (db) => insertFrame(db, { batch: 1, frame: 2, block: 10 }),
    says: "N2: frames are numbered",
  },
  {
    title: "[N2] an op in a frame that is not the last",
    given: (db) => insertFrame(db, { batch: 1, frame: 1, block: 10 }),
    breach: (db) => insertOp(db, { batch: 1, frame: 0, position: 0 }),
    says: "N2: an op",
  },
  {
    title: "[N2] a direct input from beyond the frame's block",
    given: (db) => insertInput(db, { index: 1, sender: USER, block: 11 }),
    breach: (db) => insertDirect(db, { batch: 1, frame: 0, input: 1 }),
    says: "N2: a frame drains nothing",
  },
  { title: "[N2] a changed frame", breach: run("UPDATE frames SET fee = 1"), says: "N2: a frame" },
  { title: "[N2] a deleted frame", breach: run("DELETE FROM frames"), says: "N2: frames" },
  { title: "[N2] a changed op", breach: run("UPDATE user_ops SET nonce = 1"), says: "N2: an " },
  {
    title: "[N3] a frame clock that goes back",
    breach: (db) => insertFrame(db, { batch: 1, frame: 1, block: 9 }),
    says: "N3",
  },
  { title: "[N9] a batch sealed twice", breach: (db) => seal(db, 0), says: "N9: a sealed batch" },
  {
    title: "[N9] a void batch made valid",
    given: run("UPDATE batches SET invalidated_at_ms = 1 WHERE batch_index = 1"),
    breach: run("UPDATE batches SET invalidated_at_ms = NULL WHERE batch_index = 1"),
    says: "N9: nothing is un-voided",
  },
  {
    title: "[N11] an offset for one of our own batches",
    given: (db) => insertInput(db, { index: 1, sender: SUBMITTER, block: 10 }),
    breach: (db) => insertDirect(db, { batch: 1, frame: 0, input: 1 }),
    says: "N11",
  },
  {
    title: "[N12] a safe head that stays and is written all the same",
    breach: run("UPDATE l1_safe_head SET block_number = 10"),
    says: "N12",
  },
  {
    title: "[N14] a wallet nonce above the watermark",
    given: watermark,
    breach: (db) => insertSubmission(db, 5),
    says: "N14: the watermark covers",
  },
  {
    title: "[N14] a first wallet nonce without any watermark",
    breach: (db) => insertSubmission(db, 0),
    says: "N14: the watermark covers",
  },
  {
    title: "[N14] a watermark that stays",
    given: watermark,
    breach: run("UPDATE wallet_nonce_watermark SET watermark = 4"),
    says: "N14: the watermark only rises",
  },
  {
    title: "[N14] a watermark that goes",
    given: watermark,
    breach: run("DELETE FROM wallet_nonce_watermark"),
    says: "N14: the watermark only rises",
  },
  {
    title: "[N15] an acceptance after divergence",
    given: diverge,
    breach: (db) => insertAcceptance(db, { input: 1, nonce: 0, batch: 0 }),
    says: "N15: divergence freezes the frontier",
  },
  {
    title: "[N15] a batch after divergence",
    given: (db) => {
      seal(db, 1);
      diverge(db);
    },
    breach: (db) => insertBatch(db, { index: 2, parent: 1, nonce: 2 }),
    says: "N15: divergence freezes the batches",
  },
  {
    title: "[N15] a seal after divergence",
    given: diverge,
    breach: (db) => seal(db, 1),
    says: "N15: divergence freezes the batches",
  },
  {
    title: "[N15] a snapshot deleted after divergence",
    given: (db) => {
      insertSnapshot(db, 0, 2);
      diverge(db);
    },
    breach: run("DELETE FROM snapshots"),
    says: "N15: divergence freezes the snapshots",
  },
  {
    title: "[N15] a divergence taken back",
    given: diverge,
    breach: run("DELETE FROM canonical_divergence"),
    says: "N15: divergence is absorbing",
  },
  {
    title: "[N15] a divergence rewritten",
    given: diverge,
    breach: run("UPDATE canonical_divergence SET nonce = 1"),
    says: "N15: divergence is",
  },
  {
    title: "[N16] a nonce that skips one",
    given: (db) => seal(db, 1),
    breach: (db) => insertBatch(db, { index: 2, parent: 1, nonce: 3 }),
    says: "N16: a batch nonce follows",
  },
  {
    title: "[N16] a second valid root",
    given: (db) => seal(db, 1),
    breach: (db) => insertBatch(db, { index: 2, parent: null, nonce: 7 }),
    says: "N16: a root batch carries the anchor",
  },
  {
    title: "[N16] a batch moved in the tree",
    breach: run("UPDATE batches SET parent_batch_index = NULL WHERE batch_index = 1"),
    says: "N16: a batch keeps its place",
  },
  {
    title: "[N16] a deleted batch",
    breach: run("DELETE FROM batches WHERE batch_index = 1"),
    says: "N16: the batch tree",
  },
  {
    title: "[N16] a frame in a sealed batch",
    breach: (db) => insertFrame(db, { batch: 0, frame: 1, block: 10 }),
    says: "N16: a frame opens",
  },
  {
    title: "[N16] an op in a sealed batch",
    breach: (db) => insertOp(db, { batch: 0, frame: 0, position: 1 }),
    says: "N16: an op",
  },
  {
    title: "[N16] a direct input in a sealed batch",
    given: (db) => insertInput(db, { index: 1, sender: USER, block: 9 }),
    breach: (db) => insertDirect(db, { batch: 0, frame: 0, input: 1 }),
    says: "N16: a record belongs",
  },
  {
    title: "[N16] two open batches",
    breach: (db) => insertBatch(db, { index: 2, parent: 1, nonce: 2 }),
    says: "UNIQUE constraint failed: index 'batches_one_open'",
  },
  {
    title: "[N18] another era",
    breach: run("UPDATE history SET era = x'00'"),
    says: "N18: the era",
  },
  {
    title: "[S2] an acceptance that skips a nonce",
    given: (db) => insertInput(db, { index: 1, sender: SUBMITTER, block: 11 }),
    breach: (db) => insertAcceptance(db, { input: 1, nonce: 1, batch: 1 }),
    says: "S2",
  },
  {
    title: "[S8] another deployment in the same database",
    breach: run("UPDATE deployment_identity SET chain_id = 1"),
    says: "S8",
  },
  {
    title: "[R4] an acceptance rewritten",
    given: land,
    breach: run("UPDATE safe_accepted_batches SET inclusion_block = 12"),
    says: "R4",
  },
  {
    title: "[L1] an input index left out",
    breach: (db) => insertInput(db, { index: 2, sender: USER, block: 10 }),
    says: "L1: inputs are contiguous",
  },
  {
    title: "[L1] a changed input",
    breach: run("UPDATE safe_inputs SET block_number = 7"),
    says: "L1: a safe input is immutable",
  },
  {
    title: "[L1] a deleted input",
    breach: run("DELETE FROM safe_inputs"),
    says: "L1: safe inputs",
  },
  {
    title: "[L2] a signed transaction rewritten",
    given: (db) => {
      watermark(db);
      insertSubmission(db, 4);
    },
    breach: run("UPDATE submissions SET gas = 22000"),
    says: "L2: a signed transaction",
  },
  {
    title: "[L2] a broadcast marked twice",
    given: (db) => {
      watermark(db);
      insertSubmission(db, 4);
      db.exec("UPDATE submissions SET broadcast_at_ms = 1");
    },
    breach: run("UPDATE submissions SET broadcast_at_ms = 2"),
    says: "L2: broadcast_at_ms",
  },
  {
    title: "[F1] a record rewritten",
    breach: run("UPDATE sequenced_l2_txs SET frame_in_batch = 0"),
    says: "F1",
  },
  {
    title: "[F8] a record deleted that is still available",
    breach: run("DELETE FROM sequenced_l2_txs WHERE offset = 1"),
    says: "F8: only history below",
  },
  {
    title: "[F8] a chunk deleted that is still available",
    breach: run("DELETE FROM chunks"),
    says: "F8: only history below",
  },
  {
    title: "[F8] history cut beyond the accepted snapshot",
    given: land,
    breach: run("UPDATE history SET available_from = 1"),
    says: "F8",
  },
  {
    title: "[F8] deleted history brought back",
    given: (db) => {
      land(db);
      insertSnapshot(db, 0, 2);
      db.exec("UPDATE history SET available_from = 2");
    },
    breach: run("UPDATE history SET available_from = 1"),
    says: "F8: deleted history",
  },
  {
    title: "[C1] a chunk height left out",
    breach: (db) => insertChunk(db, { height: 2, first: 3, next: 3 }),
    says: "C1: chunks are contiguous",
  },
  {
    title: "[C1] a chunk that starts before its predecessor ends",
    breach: (db) => insertChunk(db, { height: 1, first: 2, next: 4 }),
    says: "C1: chunks are contiguous",
  },
  { title: "[C1] a chunk rewritten", breach: run("UPDATE chunks SET epoch = 1"), says: "C1: a ch" },
  {
    title: "[V1] a snapshot rewritten",
    given: (db) => insertSnapshot(db, 0, 2),
    breach: run("UPDATE snapshots SET state_bytes = 2"),
    says: "V1",
  },
];
