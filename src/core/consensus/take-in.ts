/** What a validator takes from one message of a leader: certificate, checkpoint and chunks, as rows (C4). */

import type { Hash32 } from "../types/hex.ts";
import { admitChunk, type Unfit } from "./admit.ts";
import type { Certificate } from "./certificate.ts";
import type { Evidence } from "./evidence.ts";
import type { LineChunk } from "./line.ts";
import { applyRows, lineTo, type ValidatorDurable, type ValidatorRow } from "./validator-state.ts";

/** Everything that is signed in it was verified. */
export type Feed = {
  /** The newest one that the sender has. */
  readonly certificate: Certificate | null;
  /** A certified chunk from which to go on, where the sender has no payloads up to it. */
  readonly checkpoint: { readonly chunk: LineChunk; readonly certificate: Certificate } | null;
  /** Ascending, linked to each other. */
  readonly chunks: readonly LineChunk[];
};

export const EMPTY_FEED: Feed = { certificate: null, checkpoint: null, chunks: [] };

export type Taken = {
  readonly rows: readonly ValidatorRow[];
  /** As it will be when the rows are written. */
  readonly durable: ValidatorDurable;
  /** Chunks among the rows, whose payloads must be good. */
  readonly fresh: readonly LineChunk[];
  /** Two chunks of one leader at one height were seen. */
  readonly evidence: readonly Evidence[];
  /** Why the rest of the chunks was left; null when it was not, or when only their parent is missing. */
  readonly problem: Unfit | "payload" | null;
  /** Whether a chunk was left because its parent is not on the line that is stored here. */
  readonly hasGap: boolean;
};

/** `refused`: chunks whose payload was found bad. */
export function takeIn(
  before: ValidatorDurable,
  { certificate, checkpoint, chunks }: Feed,
  refused: readonly Hash32[],
): Taken {
  const rows: ValidatorRow[] = [];
  let durable = before;
  const add = (row: ValidatorRow): void => {
    rows.push(row);
    durable = applyRows(durable, [row]);
  };
  if (checkpoint !== null && checkpoint.chunk.ref.height > durable.base.height) {
    add({ row: "checkpoint", ...checkpoint });
  }
  const fresh: LineChunk[] = [];
  let grown: LineChunk[] = [];
  const found: Evidence[] = [];
  let problem: Taken["problem"] = null;
  let hasGap = false;
  for (const chunk of chunks) {
    const { evidence, verdict } = admitChunk(durable, chunk);
    if (evidence !== null) found.push(evidence);
    if (verdict === "stored" || verdict === "old") continue;
    hasGap = verdict === "gap";
    if (hasGap) break;
    const isBad = verdict === "new" && refused.includes(chunk.ref.hash);
    if (verdict !== "new" || isBad) {
      problem = verdict === "new" || verdict === "gap" ? "payload" : verdict;
      break;
    }
    fresh.push(chunk);
    rows.push({ row: "chunk", chunk });
    // The one copy that is made here grows: the next chunk is judged with this one stored.
    if (fresh.length === 1) {
      grown = [...durable.chunks];
      durable = { ...durable, chunks: grown };
    }
    grown.push(chunk);
  }
  if (certificate !== null && isNews(durable, certificate)) {
    add({ row: "certificate", certificate });
  }
  return { rows, durable, fresh, evidence: found, problem, hasGap };
}

/** Beyond the lock, or the lock's own chunk, which may have arrived after its certificate. */
function isNews(durable: ValidatorDurable, { chunk }: Certificate): boolean {
  const { lock, base } = durable;
  if (lock === null || chunk.height > lock.chunk.height) return true;
  const isLate = chunk.hash === lock.chunk.hash && chunk.height > base.height;
  return isLate && lineTo(durable, chunk) !== null;
}
