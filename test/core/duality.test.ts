/**
 * One random L1 stream, three answers: the fold, the acceptance predicate, and a plain model.
 *
 * The fold and the predicate accept the same batches, but for the two checks of frame clocks that the
 * predicate leaves out (P§3.6). The model knows what each input was meant to be and never decodes; it
 * has no queue, and finds for every direct input the first thing on L1 that makes it run.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideAcceptance } from "../../src/core/scheduler/acceptance.ts";
import type { Executed, Outcome, Processed } from "../../src/core/scheduler/outcome.ts";
import { createScheduler } from "../../src/core/scheduler/scheduler.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { type BatchNonce, batchNonce } from "../../src/core/types/units.ts";
import type { Frame } from "../../src/core/wire/batch.ts";
import { frame } from "../support/fold.ts";
import {
  L1Ledger,
  type LedgerInput,
  recoverSymbolic,
  SEQUENCER,
  signerOf,
} from "../support/l1-ledger.ts";
import { allSteps, orderlySteps, streams } from "../support/l1-stream.ts";
import { recordingState } from "../support/recording-app.ts";
import { size } from "../support/size.ts";

const RUNS = { numRuns: size(300, 10_000) };

function fold(inputs: readonly LedgerInput[]) {
  const state = recordingState();
  const config = { sequencer: SEQUENCER };
  const scheduler = createScheduler({ config, state, recover: recoverSymbolic });
  const processed: readonly Processed[] = inputs.map((input) => scheduler.process(input));
  return { state, scheduler, processed };
}

type Accepted = {
  readonly input: number;
  readonly nonce: number;
  readonly firstFrameSafeBlock: number | null;
};

function acceptedByFold(
  inputs: readonly LedgerInput[],
  processed: readonly Processed[],
): readonly Accepted[] {
  return processed.flatMap(({ outcome }, input) => {
    if (outcome.kind !== "batch-executed") return [];
    const first = inputs[input]?.intent?.frames[0];
    const firstFrameSafeBlock = first === undefined ? null : Number(first.safeBlock);
    return [{ input, nonce: outcome.nonce, firstFrameSafeBlock }];
  });
}

function isStructural(outcome: Outcome | undefined): boolean {
  if (outcome?.kind !== "batch-rejected") return false;
  const { reason } = outcome.why;
  return reason === "safe-block-above-inclusion-block" || reason === "non-monotonic-safe-blocks";
}

/**
 * What the predicate accepts and where it parts from the fold.
 *
 * It takes a structural reject for its own and then expects one nonce too many, for good: the batch
 * that the fold takes next looks like a repetition. So after each parting the nonce is set back to the
 * fold's, if `isCorrected`, and what follows is compared again.
 */
function acceptedByPredicate(
  inputs: readonly LedgerInput[],
  processed: readonly Processed[],
  isCorrected: boolean,
): { readonly accepted: readonly Accepted[]; readonly parted: readonly number[] } {
  const accepted: Accepted[] = [];
  const parted: number[] = [];
  let expected: BatchNonce = batchNonce(0);
  for (const [i, input] of inputs.entries()) {
    const decision = decideAcceptance(expected, input, SEQUENCER);
    if (!decision.accepted) continue;
    if (isCorrected && isStructural(processed[i]?.outcome)) {
      parted.push(i);
      continue;
    }
    const { nonce, firstFrameSafeBlock } = decision;
    accepted.push({ input: i, nonce, firstFrameSafeBlock });
    expected = batchNonce(expected + 1);
  }
  return { accepted, parted };
}

/** Where in a stream something runs: an input, and in it 0 for the backstop or a frame from 1. */
type Moment = readonly [input: number, part: number];

/** Less than 1200 blocks between the first frame's clock and the input. */
function isYoung({ intent, blockNumber }: LedgerInput): boolean {
  const first = intent?.frames[0]?.safeBlock ?? null;
  return first === null || BigInt(blockNumber) < first + 1_200n;
}

const areClocksInOrder = (frames: readonly Frame[], block: bigint): boolean =>
  frames.every(
    ({ safeBlock }, i) => safeBlock <= block && safeBlock >= (frames[i - 1]?.safeBlock ?? 0n),
  );

/** The frames of each batch that counts, by the input that carries it. */
function modelBatches(inputs: readonly LedgerInput[]): ReadonlyMap<number, readonly Frame[]> {
  const batches = new Map<number, readonly Frame[]>();
  for (const [i, input] of inputs.entries()) {
    const { sender, intent, blockNumber } = input;
    if (sender !== SEQUENCER || intent === null) continue;
    const isNext = intent.nonce === BigInt(batches.size);
    const inOrder = areClocksInOrder(intent.frames, BigInt(blockNumber));
    if (isNext && inOrder && isYoung(input)) batches.set(i, intent.frames);
  }
  return batches;
}

/** The first moment at which a direct input runs; null if it is still waiting at the end. */
function momentOf(
  direct: number,
  inputs: readonly LedgerInput[],
  batches: ReadonlyMap<number, readonly Frame[]>,
): Moment | null {
  const born = inputs[direct]?.blockNumber ?? 0;
  for (const [i, { blockNumber }] of inputs.entries()) {
    if (i <= direct) continue;
    if (blockNumber >= born + 1_200) return [i, 0];
    const covering = batches.get(i)?.findIndex(({ safeBlock }) => safeBlock >= BigInt(born)) ?? -1;
    if (covering >= 0) return [i, covering + 1];
  }
  return null;
}

/** Names of what runs, in order: directs of a moment in L1 order, then that frame's ops. */
function modelOrder(inputs: readonly LedgerInput[]): readonly string[] {
  const batches = modelBatches(inputs);
  const runs: { readonly at: Moment; readonly name: string }[] = [];
  for (const [i, { sender }] of inputs.entries()) {
    const at = sender === SEQUENCER ? null : momentOf(i, inputs, batches);
    if (at !== null) runs.push({ at, name: `direct ${i}` });
  }
  const used = new Map<Address, number>();
  for (const [i, frames] of batches) {
    for (const [index, { userOps, feePrice }] of frames.entries()) {
      for (const [position, op] of userOps.entries()) {
        const signer = signerOf(op);
        const next = signer === null ? -1 : (used.get(signer) ?? 0);
        if (signer === null || op.nonce !== next || op.maxFee < feePrice) continue;
        used.set(signer, next + 1);
        runs.push({ at: [i, index + 1], name: `op ${signer} ${next} ${index}.${position}` });
      }
    }
  }
  // Sorting is stable, so that directs stay before the ops of their moment.
  const order = runs.toSorted((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
  return order.map(({ name }) => name);
}

function foldOrder(
  inputs: readonly LedgerInput[],
  processed: readonly Processed[],
): readonly string[] {
  const indexOf = new Map(inputs.map((input, i) => [input.payload, i]));
  const nameOf = (entry: Executed): string =>
    entry.kind === "direct"
      ? `direct ${indexOf.get(entry.input.payload)}`
      : `op ${entry.sender} ${entry.nonce} ${entry.frame}.${entry.op}`;
  return processed.flatMap(({ executed }) => executed.map(nameOf));
}

describe("[S2] [N1] one stream, one answer", () => {
  test("without structural rejects, fold and predicate accept the same landings", () => {
    fc.assert(
      fc.property(streams(orderlySteps), (inputs) => {
        const { processed } = fold(inputs);
        expect(acceptedByPredicate(inputs, processed, false)).toEqual({
          accepted: acceptedByFold(inputs, processed),
          parted: [],
        });
      }),
      RUNS,
    );
  });

  test("with them, they part exactly there, and agree again from the fold's nonce on", () => {
    fc.assert(
      fc.property(streams(allSteps), (inputs) => {
        const { processed } = fold(inputs);
        // One that is stale besides is refused by both.
        const young = inputs.flatMap((input, i) =>
          isStructural(processed[i]?.outcome) && isYoung(input) ? [i] : [],
        );
        expect(acceptedByPredicate(inputs, processed, true)).toEqual({
          accepted: acceptedByFold(inputs, processed),
          parted: young,
        });
      }),
      RUNS,
    );
  });

  test("left alone after a structural reject, the predicate refuses what the fold takes", () => {
    const ledger = new L1Ledger(2_000);
    ledger.batch({ nonce: 0n, frames: [frame(2_001)] });
    ledger.batch({ nonce: 0n, frames: [frame(2_000)] });
    ledger.batch({ nonce: 1n, frames: [frame(2_000)] });
    const { inputs } = ledger;
    const { processed } = fold(inputs);
    const byFold = acceptedByFold(inputs, processed);
    expect(byFold.map(({ input, nonce }) => [input, nonce])).toEqual([
      [1, 0],
      [2, 1],
    ]);
    const alone = acceptedByPredicate(inputs, processed, false).accepted;
    expect(alone.map(({ input, nonce }) => [input, nonce])).toEqual([
      [0, 0],
      [2, 1],
    ]);
    expect(acceptedByPredicate(inputs, processed, true)).toEqual({ accepted: byFold, parted: [0] });
  });

  test("the fold executes in the order that a plain model predicts", () => {
    fc.assert(
      fc.property(streams(allSteps), (inputs) => {
        const { state, processed } = fold(inputs);
        expect(foldOrder(inputs, processed)).toEqual(modelOrder(inputs));
        // The application was driven in the order that the fold reports.
        const executed = processed.flatMap((one) => one.executed);
        expect(executed).toMatchObject(state.log);
        expect(executed).toHaveLength(state.log.length);
      }),
      RUNS,
    );
  });

  test("a fold that is cut anywhere and resumed ends the same", () => {
    fc.assert(
      fc.property(streams(allSteps), fc.nat(25), (inputs, cut) => {
        const whole = fold(inputs);
        const first = fold(inputs.slice(0, cut));
        const resumed = createScheduler({
          config: { sequencer: SEQUENCER },
          state: first.state,
          recover: recoverSymbolic,
          checkpoint: first.scheduler.checkpoint(),
        });
        for (const input of inputs.slice(cut)) resumed.process(input);
        expect(first.state.log).toEqual(whole.state.log);
        expect(resumed.checkpoint()).toEqual(whole.scheduler.checkpoint());
      }),
      RUNS,
    );
  });

  test("the streams hold everything that the scheduler tells apart", () => {
    const seen = new Set<string>();
    for (const inputs of fc.sample(streams(allSteps), { numRuns: 300, seed: 1 })) {
      for (const { outcome, executed } of fold(inputs).processed) {
        seen.add(outcome.kind === "batch-rejected" ? outcome.why.reason : outcome.kind);
        if (outcome.kind !== "batch-executed" && executed.length > 0) seen.add("backstop");
        for (const entry of executed) seen.add(entry.kind);
      }
    }
    expect([...seen].toSorted()).toEqual([
      "backstop",
      "batch-executed",
      "batch-skipped-stale",
      "decode-failed",
      "direct",
      "direct-enqueued",
      "non-monotonic-safe-blocks",
      "safe-block-above-inclusion-block",
      "user-op",
      "wrong-nonce",
    ]);
  });
});
