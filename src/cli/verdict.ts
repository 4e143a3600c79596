/** What a verification found, as one object for programs and as lines for people. */

import { createHash } from "node:crypto";
import type { Claim } from "./claim.ts";
import { type Difference, firstDifference } from "./compare.ts";
import type { Outcomes, Replayed } from "./replay.ts";
import type { Json } from "./sequencer-client.ts";

export type Verdict = {
  readonly command: "verify";
  readonly verdict: "agree" | "diverged";
  readonly inclusion_block: number;
  readonly sequencer: { readonly executed_input_count: number; readonly sha256: string };
  readonly l1: {
    readonly executed_input_count: number;
    readonly sha256: string;
    /** With the block, what a rebuild from this state must be told. */
    readonly next_batch_nonce: number;
  };
  readonly compared_bytes: boolean;
  /** The first byte that differs; null for the end of the shorter side. */
  readonly difference: {
    readonly offset: number;
    readonly sequencer: string | null;
    readonly l1: string | null;
  } | null;
  /** InputBox's number of inputs at the end of the block. */
  readonly inputs: number;
  readonly outcomes: Outcomes;
  readonly trusted: Json;
};

/** `bytes` are the replayed state's. */
export function judge(
  claim: Claim,
  replayed: Replayed,
  { bytes, trusted }: { readonly bytes: Uint8Array; readonly trusted: Json },
): Verdict {
  const { executedInputCount } = replayed.state.progress();
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const difference = claim.bytes === null ? null : firstDifference(claim.bytes, bytes);
  const isEqual = sha256 === claim.sha256 && executedInputCount === claim.executedInputCount;
  return {
    command: "verify",
    verdict: isEqual && difference === null ? "agree" : "diverged",
    inclusion_block: claim.inclusionBlock,
    sequencer: { executed_input_count: claim.executedInputCount, sha256: claim.sha256 },
    l1: {
      executed_input_count: executedInputCount,
      sha256,
      next_batch_nonce: replayed.scheduler.checkpoint().nextBatchNonce,
    },
    compared_bytes: claim.bytes !== null,
    difference: difference === null ? null : formatDifference(difference),
    inputs: replayed.inputCount,
    outcomes: replayed.outcomes,
    trusted,
  };
}

function formatDifference({ offset, left, right }: Difference): NonNullable<Verdict["difference"]> {
  return { offset, sequencer: formatByte(left), l1: formatByte(right) };
}

function formatByte(byte: number | null): string | null {
  return byte === null ? null : `0x${byte.toString(16).padStart(2, "0")}`;
}

/** The verdict comes last, and in capitals when it is a bad one. */
export function formatVerdict(found: Verdict): readonly string[] {
  const { inclusion_block: block, outcomes, trusted } = found;
  const trust = Object.entries(trusted).map(
    ([name, value]) => `  ${name} ${JSON.stringify(value)}`,
  );
  const folded = `${outcomes["batch-executed"]} batches and ${outcomes["direct-enqueued"]} direct inputs`;
  const lines = [
    ...(trust.length === 0 ? [] : ["taken on trust from the sequencer:", ...trust]),
    `replayed ${found.inputs} inputs of L1: ${folded}; next batch nonce ${found.l1.next_batch_nonce}`,
  ];
  if (found.verdict === "agree") {
    const how = found.compared_bytes ? "byte for byte" : "by hash";
    return [...lines, `agree ${how} at block ${block}: ${formatState(found.l1)}`];
  }
  lines.push(`DIVERGED at block ${block}`);
  lines.push(`  sequencer: ${formatState(found.sequencer)}`);
  lines.push(`  L1:        ${formatState(found.l1)}`);
  if (found.difference === null) return lines;
  const { offset, sequencer, l1 } = found.difference;
  const sides = `sequencer ${sequencer ?? "ends"}, L1 ${l1 ?? "ends"}`;
  return [...lines, `  first differing byte: offset ${offset}, ${sides}`];
}

function formatState(state: Verdict["sequencer"]): string {
  return `${state.executed_input_count} executed, sha256 ${state.sha256}`;
}
