/**
 * A rollback as recovery writes it: batches void, the generation's record, and the direct inputs of
 * the void frames drained again into a new open batch. One transaction, one chunk (F3, C1).
 */

import { type ChunkEvent, encodeEvent } from "../../../src/core/chunk/event.ts";
import { chunkHash, decodeHeader, encodeHeader } from "../../../src/core/chunk/header.ts";
import { leafHash, merkleRoot } from "../../../src/core/chunk/merkle.ts";
import type { FeedRecord } from "../../../src/core/feed/record.ts";
import { must } from "../../../src/core/types/assert.ts";
import { hashFromBytes } from "../../../src/core/types/hex.ts";
import { batchNonce, blockNumber, offset } from "../../../src/core/types/units.ts";
import { insertChunk } from "../../../src/durable-objects/sequencer/storage/chunks.ts";
import { recordsAfter } from "../../../src/durable-objects/sequencer/storage/egress.ts";
import { feedHead } from "../../../src/durable-objects/sequencer/storage/history.ts";
import {
  insertBatch,
  insertDirect,
  insertFrame,
} from "../../../src/durable-objects/sequencer/storage/inclusion.ts";
import {
  directsBetween,
  loadSafeHead,
} from "../../../src/durable-objects/sequencer/storage/l1-inputs.ts";
import { transact } from "../../../src/durable-objects/shared/transact.ts";
import type { Rig } from "./rig.ts";

/** Voids the batches from `pivotIndex` on; returns the records that readers are to be sent. */
export function cascade(rig: Rig, pivotIndex: number): readonly FeedRecord[] {
  const before = feedHead(rig.sql);
  transact(rig.state.storage, () => voidFrom(rig, pivotIndex));
  rig.memory.drop();
  return recordsAfter(rig.sql, before, 10_000);
}

function voidFrom(rig: Rig, pivotIndex: number): void {
  const { sql, nowMs } = rig;
  const fee = rig.live().head.fee;
  const [pivot] = sql
    .exec<{ nonce: number; parent: number | null }>(
      "SELECT nonce, parent_batch_index AS parent FROM batches WHERE batch_index = ?",
      pivotIndex,
    )
    .toArray();
  const { nonce, parent } = must(pivot, "the pivot exists");
  const kept = sql
    .exec<{ at: number; block: number }>(
      `SELECT COALESCE(MAX(s.offset), 0) AS at,
         COALESCE((SELECT MAX(f.safe_block) FROM frames f JOIN valid_batches v USING (batch_index)
                   WHERE f.batch_index < ?1), -1) AS block
       FROM valid_sequenced_l2_txs s WHERE s.batch_index < ?1`,
      pivotIndex,
    )
    .one();
  sql.exec(
    "UPDATE batches SET invalidated_at_ms = ? WHERE batch_index >= ? AND invalidated_at_ms IS NULL",
    nowMs,
    pivotIndex,
  );
  sql.exec("UPDATE history SET generation = generation + 1");
  const { generation } = sql.exec<{ generation: number }>("SELECT generation FROM history").one();
  sql.exec("INSERT INTO rollbacks VALUES (?, ?, ?, ?)", generation, kept.at, nonce, nowMs);
  sql.exec("INSERT INTO sequenced_l2_txs (rollback_generation) VALUES (?)", generation);
  const at = { offset: feedHead(sql), keepThrough: offset(kept.at) };
  const events: ChunkEvent[] = [
    { kind: "rollback", ...at, generation, pivotBatchNonce: batchNonce(nonce) },
  ];
  const { batch_index: newest } = sql
    .exec<{ batch_index: number }>("SELECT MAX(batch_index) AS batch_index FROM batches")
    .one();
  const head = must(loadSafeHead(sql), "a safe head is stored").blockNumber;
  const open = { batchIndex: newest + 1, batchNonce: batchNonce(nonce), frame: 0 };
  insertBatch(sql, { ...open, parentIndex: parent, nonce: open.batchNonce }, rig.runtime.now());
  insertFrame(sql, { ...open, fee, safeBlock: head }, rig.runtime.now());
  events.push({ kind: "frame", ...open, fee, safeBlock: head });
  const { submitter } = rig.runtime.config;
  const range = { after: kept.block, through: blockNumber(head), submitter };
  for (const direct of directsBetween(sql, range)) {
    insertDirect(sql, { ...open, inputIndex: direct.inputIndex });
    events.push({ kind: "direct", ...direct, ...open, offset: feedHead(sql) });
  }
  writeChunk(rig, events);
}

function writeChunk(rig: Rig, events: readonly ChunkEvent[]): void {
  const [last] = rig.sql
    .exec<{ header: ArrayBuffer }>("SELECT header FROM chunks ORDER BY height DESC LIMIT 1")
    .toArray();
  const decoded = decodeHeader(new Uint8Array(must(last, "genesis wrote a chunk").header));
  const before = must(decoded.ok ? decoded.value : null, "a stored header decodes");
  const leaves = events.map(encodeEvent);
  const header = {
    ...before,
    height: before.height + 1,
    parent: chunkHash(before),
    root: hashFromBytes(merkleRoot(leaves.map(leafHash))),
    eventCount: events.length,
    firstOffset: before.nextOffset,
    nextOffset: offset(feedHead(rig.sql) + 1),
  };
  const bytes = new Uint8Array(leaves.flatMap((leaf) => [...leaf]));
  const row = { ...header, hash: chunkHash(header), header: encodeHeader(header), events: bytes };
  insertChunk(rig.sql, row, rig.runtime.now());
}
