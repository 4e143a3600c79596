/** Two databases of one log, table by table and column by column (C1). */

import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { SimStorage } from "./storage.ts";

/** What a clock wrote when the row was made: a follower makes it later. */
const LOCAL = /_at_ms$/;

/** Every column of every row, blobs as hex, in the order of the key. */
type Rows = readonly Readonly<Record<string, unknown>>[];

/** Tables that are the log's, in full; each with the order of its rows. */
const OF_THE_LOG: Readonly<Record<string, string>> = {
  history: "singleton",
  batches: "batch_index",
  frames: "batch_index, frame_in_batch",
  user_ops: "batch_index, frame_in_batch, pos_in_frame",
  sequenced_l2_txs: "offset",
  rollbacks: "generation",
  chunks: "height",
  wallet_nonce_watermark: "singleton",
  deployment_identity: "singleton",
};

/** What follows from the log and L1, once the reader has come as far. */
const OF_L1: Readonly<Record<string, string>> = {
  safe_inputs: "safe_input_index",
  safe_accepted_batches: "safe_input_index",
  canonical_divergence: "singleton",
  previous_instance: "singleton",
  l1_safe_head: "singleton",
};

/** Asserts that `copy` has what `original` has. `clocks`: the columns of local time, too. */
export function expectSameTables(
  copy: SimStorage,
  original: SimStorage,
  { clocks, l1 }: { readonly clocks: boolean; readonly l1: boolean },
): void {
  const tables = l1 ? { ...OF_THE_LOG, ...OF_L1 } : OF_THE_LOG;
  for (const [table, order] of Object.entries(tables)) {
    const query = `SELECT * FROM ${table} ORDER BY ${order}`;
    // The reader's own clock has nothing to do with the log.
    const keep = clocks && table !== "l1_safe_head";
    const [theirs, ours] = [original, copy].map((one) => shown(one.read(query), keep));
    expect(ours, table).toEqual(theirs);
  }
  expectSameSnapshots(copy, original, clocks);
}

/** Housekeeping deletes snapshots (V1): what the original still has, the copy has, under the same id. */
function expectSameSnapshots(copy: SimStorage, original: SimStorage, clocks: boolean): void {
  const query = `SELECT s.*, p.part, p.bytes FROM snapshots s LEFT JOIN snapshot_parts p
    USING (snapshot_id) ORDER BY snapshot_id, part`;
  const [theirs = [], ours = []] = [original, copy].map((one) => shown(one.read(query), clocks));
  const kept = new Set(theirs.map((row) => row["snapshot_id"]));
  expect(kept.size).toBeGreaterThan(0);
  expect(ours.filter((row) => kept.has(row["snapshot_id"]))).toEqual(theirs);
}

function shown(rows: Rows, clocks: boolean): Rows {
  return rows.map((row) => {
    const columns = Object.entries(row).filter(([name]) => clocks || !LOCAL.test(name));
    return Object.fromEntries(columns.map(([name, value]) => [name, text(value)]));
  });
}

/** Long ones by their hash: they are many, and equal. */
function text(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  if (value.length > 256) return createHash("sha256").update(value).digest("hex");
  return Buffer.from(value).toString("hex");
}
