/**
 * The first commit of an epoch: a rollback record that voids nothing kept, far beyond the last offset (C6).
 *
 * What an older leader handed out beyond the inherited head is void by it, for every reader, and its
 * offsets are never given again. The open batch goes on. Where the inherited log ends in the middle of
 * a commit that was cut into chunks, the rest of what the open frame covers is drained here, so that no
 * op comes before a direct input of its frame (N2).
 */

import type { StartPoint } from "../../core/consensus/epoch-record.ts";
import { assert } from "../../core/types/assert.ts";
import { batchNonce, type Offset, offset, type UnixMs } from "../../core/types/units.ts";
import type { EventSink } from "./chunk-writer.ts";
import { Draft } from "./draft.ts";
import type { Renewal } from "./lane.ts";
import type { Memory } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { owedDirects } from "./storage/replica.ts";
import { beginGeneration } from "./storage/rollback.ts";

/** Inside the lane's transaction. Asserts that the memory stands at the end of what is inherited. */
export function openEpoch(
  runtime: Runtime,
  memory: Memory,
  opened: { readonly epoch: number; readonly start: StartPoint },
): Renewal {
  const { epoch, start } = opened;
  const { inherited, firstOffset, keepThrough } = start;
  assert(
    memory.log.parent === inherited?.hash && memory.log.nextOffset === keepThrough + 1,
    "C6: an epoch opens on what it inherits",
  );
  const { sql, config } = runtime;
  const draft = openingDraft(runtime, memory, { epoch, firstOffset, sink: null }, runtime.now());
  for (const direct of owedDirects(sql, memory.head, config.submitter)) draft.drainOne(direct);
  const next = draft.finish();
  const { records, written, directs } = draft;
  return { records, written, next, directs, voidedOps: null };
}

/** The draft after its rollback record; what the open frame still owes is to come. */
export function openingDraft(
  runtime: Runtime,
  memory: Memory,
  opened: {
    readonly epoch: number;
    readonly firstOffset: Offset;
    readonly sink: EventSink | null;
  },
  nowMs: UnixMs,
): Draft {
  const { epoch, firstOffset: at, sink } = opened;
  const keepThrough = offset(memory.log.nextOffset - 1);
  // F3: all from the pivot on is void, so it is the nonce behind the open batch.
  const pivotBatchNonce = batchNonce(memory.head.batchNonce + 1);
  const told = { keepThrough, pivotBatchNonce };
  const generation = beginGeneration(runtime.sql, { ...told, at }, nowMs);
  const log = { ...memory.log, epoch, nextOffset: at };
  const draft = new Draft(runtime, { ...memory, log }, nowMs, sink);
  draft.rollBack({ ...told, generation });
  return draft;
}
