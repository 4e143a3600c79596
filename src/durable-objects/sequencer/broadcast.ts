/**
 * What every transaction of the submitter goes through, a batch's or a flush's (L2).
 *
 * First the watermark and the rows, durable, and only then the bytes, in wallet-nonce order, each marked
 * as soon as a node has it. If the object dies in between, the row says what to send again.
 */

import type { Fees } from "../../core/submission/fees.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { ok, type Result } from "../../core/types/result.ts";
import { type UnixMs, unixMs } from "../../core/types/units.ts";
import type { L1, L1Error, SignedTransaction } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import type { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";
import {
  hasSubmission,
  insertSubmission,
  loadWatermark,
  markBroadcast,
  type NewSubmission,
} from "./storage/submission.ts";

export type Outgoing = { readonly walletNonce: number; readonly transaction: SignedTransaction };

export function feesOf({ maxFeePerGasWei, maxPriorityFeePerGasWei }: Fees): Fees {
  return { maxFeePerGasWei, maxPriorityFeePerGasWei };
}

/** When a transaction that is sent now is late, and may be replaced. */
export function deadlineAfter(runtime: Runtime, blocks: number): UnixMs {
  return unixMs(runtime.now() + blocks * runtime.config.timing.secondsPerBlock * 1000);
}

/**
 * The deadline of a stored transaction that was given `blocks` blocks' time. One that is twice as far ahead
 * was set by a clock that has gone back since, and is over.
 */
export function storedDeadline(runtime: Runtime, deadlineMs: UnixMs, blocks: number): UnixMs {
  return deadlineMs > deadlineAfter(runtime, 2 * blocks) ? runtime.now() : deadlineMs;
}

/**
 * Raises the watermark, where `watermark` is above it, and writes the rows. Both commits are one turn:
 * the platform makes them durable together, before any send leaves. Signing is deterministic, so terms
 * that were offered before give the same bytes, which have their row already.
 */
export function recordSends(
  { runtime, lane }: { readonly runtime: Runtime; readonly lane: Lane },
  sends: { readonly watermark: number | null; readonly rows: readonly NewSubmission[] },
): void {
  const { sql, storage } = runtime;
  const { watermark } = sends;
  if (watermark !== null && watermark > (loadWatermark(sql) ?? -1)) lane.raiseWatermark(watermark);
  transact(storage, () => {
    for (const row of sends.rows) {
      if (!hasSubmission(sql, row.transactionHash)) insertSubmission(sql, row, runtime.now());
    }
  });
}

export type Broadcast = {
  /** How many a node has. */
  readonly sent: number;
  /** Refused, since the node holds a transaction in the slot that these fees do not replace. */
  readonly underpriced: readonly Hash32[];
};

/** In wallet-nonce order. A later slot cannot be mined before an earlier one, so it stops at a fault. */
export async function broadcastAll(
  runtime: Runtime,
  l1: L1,
  outgoing: readonly Outgoing[],
): Promise<Result<Broadcast, L1Error>> {
  const underpriced: Hash32[] = [];
  let sent = 0;
  for (const one of [...outgoing].sort((a, b) => a.walletNonce - b.walletNonce)) {
    const result = await l1.broadcast(one.transaction.raw);
    if (result.ok || result.error.reason === "already-known") {
      markBroadcast(runtime.sql, one.transaction.hash, runtime.now());
      sent++;
      continue;
    }
    const { reason, code } = result.error;
    log("warn", "broadcast-refused", { wallet_nonce: one.walletNonce, reason, code });
    if (reason === "underpriced") underpriced.push(one.transaction.hash);
    // `nonce-too-low`: the slot was consumed since the view was read; the next tick sees by whom.
    else if (reason !== "nonce-too-low") return result;
  }
  return ok({ sent, underpriced });
}
