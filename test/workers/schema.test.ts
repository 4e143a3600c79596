/**
 * The database of a real object refuses what no column may hold: each bound is broken once.
 *
 * What the triggers refuse is tested in `test/repo/migrations.test.ts`, one breach each; that an
 * object has exactly those triggers, in `migrate.test.ts`.
 */

import { expect, test } from "vitest";
import { transact } from "../../src/durable-objects/shared/transact.ts";
import { closeBatch, count, foundWithUsers, land, submitMany } from "./support/history.ts";
import { type Rig, withRig } from "./support/rig.ts";

const UNSAFE = "9007199254740992";

/** Batches 0 and 1 sealed, 0 accepted, 2 open; two ops each; input 0 is direct, input 1 is ours. */
async function populate(rig: Rig): Promise<void> {
  foundWithUsers(rig, 1);
  for (let i = 0; i < 3; i++) {
    if (i > 0) closeBatch(rig);
    await submitMany(rig, 0, 2 * i, 2);
  }
  land(rig, 0, 104);
  rig.sql.exec("INSERT INTO wallet_nonce_watermark VALUES (0, 9)");
}

const submission = (change: Record<string, string>): string => {
  const row = {
    wallet_nonce: "1",
    batch_index: "0",
    payload_hash: "zeroblob(32)",
    tx_hash: "zeroblob(32)",
    max_fee_wei: "2",
    priority_fee_wei: "1",
    gas: "21000",
    ...change,
  };
  return `INSERT INTO submissions (created_at_ms, deadline_ms, ${Object.keys(row).join()})
          VALUES (0, 0, ${Object.values(row).join()})`;
};

const snapshot = (batch: string, index: string, executed: string, hash: string, bytes: string) =>
  `INSERT INTO snapshots (batch_index, l2_tx_index, executed_input_count, sha256, state_bytes,
     created_at_ms) VALUES (${batch}, ${index}, ${executed}, ${hash}, ${bytes}, 0)`;

const op = (position: string, change: Record<string, string> = {}) => {
  const row = { nonce: "6", max_fee: "1", sender: "zeroblob(20)", sig: "zeroblob(65)", ...change };
  return `INSERT INTO user_ops (batch_index, frame_in_batch, pos_in_frame, data, received_at_ms,
     ${Object.keys(row).join()}) VALUES (2, 0, ${position}, x'', 0, ${Object.values(row).join()})`;
};

const input = (change: Record<string, string>) => {
  const row = {
    sender: "zeroblob(20)",
    block_number: "200",
    block_timestamp: "0",
    transaction_hash: "zeroblob(32)",
    ...change,
  };
  return `INSERT INTO safe_inputs (safe_input_index, ${Object.keys(row).join()})
          VALUES (2, ${Object.values(row).join()})`;
};

const seal = (hash: string, bytes: string, at = "1") =>
  `UPDATE batches SET sealed_at_ms = ${at}, payload_hash = ${hash}, payload_bytes = ${bytes}
   WHERE batch_index = 2`;

const chunk = (hash: string, events: string, offsets: string) =>
  `INSERT INTO chunks SELECT MAX(height) + 1, 0, ${hash}, x'', ${events}, ${offsets}, 0 FROM chunks`;

/** Statements that a CHECK refuses; the second of a pair is the nearest that it lets through. */
const CHECKS: readonly (readonly [title: string, refused: string, taken: string | null])[] = [
  [
    "[F5] an era of 15 bytes",
    "INSERT INTO history VALUES (1, zeroblob(15), 0, 0, 0, 0, -1, NULL, 0)",
    null,
  ],
  [
    "[N18] a second history",
    "INSERT INTO history VALUES (1, zeroblob(16), 0, 0, 0, 0, -1, NULL, 0)",
    null,
  ],
  ["[N9] a seal without a hash", seal("NULL", "30"), null],
  ["[N9] a seal without a size", seal("zeroblob(32)", "NULL"), null],
  ["[N9] a hash without a seal", seal("zeroblob(32)", "30", "NULL"), null],
  ["[N9] a hash of 31 bytes", seal("zeroblob(31)", "30"), null],
  [
    "[S6] a batch above InputBox's maximum",
    seal("zeroblob(32)", "65217"),
    seal("zeroblob(32)", "65216"),
  ],
  ["[S6] a batch below the smallest SSZ", seal("zeroblob(32)", "11"), seal("zeroblob(32)", "12")],
  [
    "[S3] a fee above the largest exponent",
    "INSERT INTO frames VALUES (2, 1, 0, 17102, 100)",
    "INSERT INTO frames VALUES (2, 1, 0, 17101, 100)",
  ],
  [
    "[S7] a frame's block above 2^53",
    `INSERT INTO frames VALUES (2, 1, 0, 1, ${UNSAFE})`,
    `INSERT INTO frames VALUES (2, 1, 0, 1, ${UNSAFE} - 1)`,
  ],
  [
    "[I1] an op's nonce above u32",
    op("2", { nonce: "4294967296" }),
    op("2", { nonce: "4294967295" }),
  ],
  ["[I1] an op's fee above u16", op("2", { max_fee: "65536" }), op("2", { max_fee: "65535" })],
  ["[I1] a signature of 64 bytes", op("2", { sig: "zeroblob(64)" }), op("2")],
  ["[I1] a sender of 21 bytes", op("2", { sender: "zeroblob(21)" }), null],
  ["[S7] an input's block above 2^53", input({ block_number: UNSAFE }), input({})],
  ["[S7] an input's time above 2^53", input({ block_timestamp: UNSAFE }), null],
  ["[L1] an input's sender of 19 bytes", input({ sender: "zeroblob(19)" }), null],
  ["[L1] an input's transaction of 31 bytes", input({ transaction_hash: "zeroblob(31)" }), null],
  ["[S7] a safe head above 2^53", `UPDATE l1_safe_head SET block_number = ${UNSAFE}`, null],
  [
    "[R4] a divergence of another kind",
    "INSERT INTO canonical_divergence VALUES (0, 1, 1, 'other', 0)",
    "INSERT INTO canonical_divergence VALUES (0, 1, 1, 'foreign', 0)",
  ],
  ["[F1] an offset of 0", "INSERT INTO sequenced_l2_txs VALUES (0, 2, 0, NULL, 0, NULL)", null],
  [
    "[F1] a record of nothing",
    "INSERT INTO sequenced_l2_txs VALUES (99, 2, 0, NULL, NULL, NULL)",
    "INSERT INTO sequenced_l2_txs VALUES (99, 2, 0, NULL, 0, NULL)",
  ],
  [
    "[F1] a record of two things",
    "INSERT INTO sequenced_l2_txs VALUES (99, 2, 0, 0, 0, NULL)",
    null,
  ],
  [
    "[F3] a rollback inside a batch",
    "INSERT INTO sequenced_l2_txs VALUES (99, 2, 0, NULL, NULL, 0)",
    null,
  ],
  ["[C1] a chunk above 1 MiB", chunk("zeroblob(32)", "zeroblob(1048577)", "99, 99"), null],
  ["[C1] a chunk's hash of 33 bytes", chunk("zeroblob(33)", "x''", "99, 99"), null],
  ["[C1] a chunk that ends before it starts", chunk("zeroblob(32)", "x''", "99, 98"), null],
  ["[S7] a fee in wei above 2^53", submission({ max_fee_wei: UNSAFE }), submission({})],
  ["[L2] gas below a transfer's", submission({ gas: "20999" }), submission({ gas: "21000" })],
  [
    "[L2] a payload of no batch",
    submission({ batch_index: "NULL" }),
    submission({ batch_index: "NULL", payload_hash: "NULL" }),
  ],
  ["[L2] a batch without its payload", submission({ payload_hash: "NULL" }), null],
  ["[L2] a transaction hash of 31 bytes", submission({ tx_hash: "zeroblob(31)" }), null],
  [
    "[V1] a state above 32 MiB",
    snapshot("2", "0", "0", "zeroblob(32)", "33554433"),
    snapshot("2", "0", "0", "zeroblob(32)", "33554432"),
  ],
  ["[V1] a digest of 31 bytes", snapshot("2", "0", "0", "zeroblob(31)", "1"), null],
  [
    "[V1] a part above 1 MiB",
    "INSERT INTO snapshot_parts VALUES (1, 5, zeroblob(1048577))",
    "INSERT INTO snapshot_parts VALUES (1, 5, zeroblob(1048576))",
  ],
  ["[V1] an empty part", "INSERT INTO snapshot_parts VALUES (1, 5, x'')", null],
  [
    "[S3] a batch target above half of InputBox's maximum",
    "UPDATE batch_policy SET log_max_batch_bytes = 1334",
    "UPDATE batch_policy SET log_max_batch_bytes = 1332",
  ],
  [
    "[S3] a policy whose target is above its own maximum",
    "UPDATE batch_policy SET log_base_gas = 1523",
    "UPDATE batch_policy SET log_base_gas = 1522",
  ],
];

/** Statements that a unique index or a foreign key refuses. */
const CONSTRAINTS: readonly (readonly [title: string, refused: string, says: RegExp])[] = [
  [
    "[N16] two open batches",
    "INSERT INTO batches (batch_index, parent_batch_index, nonce, created_at_ms) VALUES (3, 2, 3, 0)",
    /UNIQUE.*batches_one_open/,
  ],
  [
    "[N16] two valid batches of one nonce",
    `INSERT INTO batches (batch_index, parent_batch_index, nonce, created_at_ms, sealed_at_ms,
       payload_hash, payload_bytes) VALUES (3, 0, 1, 0, 0, zeroblob(32), 30)`,
    /UNIQUE.*nonce/,
  ],
  ["[N2] two ops in one place", op("0"), /UNIQUE.*user_ops/],
  [
    "[F1] an op with two offsets",
    "INSERT INTO sequenced_l2_txs VALUES (99, 2, 0, 0, NULL, NULL)",
    /UNIQUE.*sequenced_l2_txs/,
  ],
  [
    "[F3] a rollback shown that does not exist",
    "INSERT INTO sequenced_l2_txs VALUES (99, NULL, NULL, NULL, NULL, 0)",
    /FOREIGN KEY/,
  ],
  [
    "[V1] two genesis states",
    snapshot("NULL", "0", "0", "zeroblob(32)", "1"),
    /UNIQUE.*one_baseline/,
  ],
  [
    "[V1] two states of one batch",
    snapshot("0", "0", "0", "zeroblob(32)", "1"),
    /UNIQUE.*batch_index/,
  ],
  ["[V1] a state of no batch", snapshot("7", "0", "0", "zeroblob(32)", "1"), /FOREIGN KEY/],
  [
    "[R4] a batch accepted twice",
    "INSERT INTO safe_accepted_batches VALUES (0, 1, 0, 1, 1)",
    /UNIQUE.*batch_index/,
  ],
  ["[L2] one transaction in two rows", `${submission({})}; ${submission({})}`, /UNIQUE.*tx_hash/],
];

/** Runs the statement as if alone; what it did is undone. */
function attempt(rig: Rig, statement: string): void {
  transact(rig.state.storage, () => {
    rig.sql.exec(statement);
    throw new Error("taken");
  });
}

test.each(CHECKS)("%s is refused", (_title, refused, taken) =>
  withRig(async (rig) => {
    await populate(rig);
    expect(() => attempt(rig, refused)).toThrow("CHECK constraint failed");
    if (taken !== null) expect(() => attempt(rig, taken)).toThrow("taken");
  }),
);

test.each(CONSTRAINTS)("%s is refused", (_title, refused, says) =>
  withRig(async (rig) => {
    await populate(rig);
    expect(() => attempt(rig, refused)).toThrow(says);
  }),
);

test("[F8] ops and records go only together, and a snapshot takes its parts along", () =>
  withRig(async (rig) => {
    await populate(rig);
    expect(() => attempt(rig, "DELETE FROM user_ops WHERE batch_index = 0")).toThrow("FOREIGN KEY");
    rig.sql.exec("DELETE FROM snapshots WHERE batch_index = 0");
    expect(count(rig, "snapshot_parts")).toBe(count(rig, "snapshots"));
  }));
