/**
 * What does a committee cost the sequencer? Two stacks, one alone and one with four validators in `linkage`
 * mode, each in a process of its own, under the same load in short turns, so that a machine that slows down
 * slows both. Two turns that follow each other are a pair, and which side begins alternates; what is compared is
 * the median of the pairs' ratios.
 *
 * In production no validator takes processor time from the sequencer. Here the sequencers' own threads have the
 * first core, and the validators have what the load, and V8's helpers, leave of the others.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connectEach,
  type Pace,
  type RunResult,
  run,
  type Script,
} from "../src/local/load/load.ts";
import { quantilesOf, table } from "../src/local/load/stats.ts";
import { startStack } from "../src/local/stack.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { type Sender, seededSender, signerFor } from "./ops.ts";
import { CORES, keepFirstThreadOn, keepOn, standBack } from "./process.ts";
import { fund, scriptOf } from "./scripts.ts";

const COMMITTEE = { validators: 4, candidates: 1, isSpread: true };
const OPEN: Pace = { is: "open", opsPerSecond: 300 };
const LOADS: readonly Load[] = [
  { name: "closed, 64", workers: 64, ops: 6_400, pace: { is: "closed" }, pairs: 10 },
  // A percentile of one turn says little about the next turn's.
  { name: "open, 300/s", workers: 32, ops: 1_200, pace: OPEN, pairs: 40 },
];

/** `ops`: of one turn. */
type Load = {
  readonly name: string;
  readonly workers: number;
  readonly ops: number;
  readonly pace: Pace;
  readonly pairs: number;
};

/** One turn of each side. */
type Pair = { readonly alone: RunResult; readonly certified: RunResult };

type Side = { readonly stack: Stack; readonly senders: readonly Sender[]; readonly folder: string };

/** `scale`: the part of the pairs that is run. */
export async function measureCommittee(scale: number): Promise<void> {
  const [alone, certified] = [await startSide(false), await startSide(true)];
  const sides = [alone, certified];
  try {
    if (!separate(sides.map(({ stack }) => stack))) {
      console.log(
        "the sequencers share their cores with everybody: taskset and two cores are needed",
      );
    }
    for (const load of LOADS) {
      const pairs: Pair[] = [];
      for (let i = 0; i < Math.ceil(load.pairs * scale); i++) {
        pairs.push(
          i % 2 === 0
            ? { alone: await turn(alone, load), certified: await turn(certified, load) }
            : { certified: await turn(certified, load), alone: await turn(alone, load) },
        );
      }
      print(load.name, pairs);
    }
  } finally {
    // The parts that follow have the whole machine.
    if (CORES !== null) keepOn(CORES.all, process.pid);
    for (const { stack, folder } of sides) {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** False where processes cannot be kept on cores. */
function separate(stacks: readonly Stack[]): boolean {
  if (CORES === null) return false;
  const { first, others } = CORES;
  const members = stacks.flatMap((stack) => stack.members.map(({ pid }) => pid));
  for (const pid of members) standBack(pid);
  const away = [process.pid, ...members, ...stacks.map(({ pids }) => pids.anvil)];
  return (
    stacks.every(({ pids }) => keepFirstThreadOn(first, pids.workerd)) &&
    away.every((pid) => keepOn(others, pid))
  );
}

async function startSide(isCertified: boolean): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), "baton-bench-"));
  const stack = await startStack({
    dataDir: folder,
    fresh: true,
    savesChain: false,
    committee: isCertified ? COMMITTEE : null,
    // Its own feed, as in the other parts.
    vars: { SEQ_RELAYS: "off" },
    log: (line: string) => process.stderr.write(`${line}\n`),
  });
  const senders = Array.from({ length: 64 }, (_, i) => seededSender(i));
  await fund(stack, senders);
  return { stack, senders, folder };
}

function turn(side: Side, { workers, ops, pace }: Load): Promise<RunResult> {
  const scripts = scriptsOf(side, workers, Math.floor(ops / workers));
  return run(side.stack.url, scripts, connectEach, pace);
}

function scriptsOf(
  { stack, senders }: Side,
  workers: number,
  perWorker: number,
): readonly Script[] {
  const signer = signerFor(stack.chainId, stack.app);
  return senders
    .slice(0, workers)
    .map((sender, i) =>
      scriptOf(signer, sender, senders[(i + 1) % senders.length] ?? sender, perWorker),
    );
}

function print(name: string, pairs: readonly Pair[]): void {
  const sides = [
    { committee: "alone", results: pairs.map(({ alone }) => alone) },
    { committee: "4 validators", results: pairs.map(({ certified }) => certified) },
  ];
  const rows = sides.map(({ committee, results }) => {
    const median = (of: (r: RunResult) => number) => quantilesOf(results.map(of))(0.5);
    const ms = (of: (r: RunResult) => number) =>
      Number.isNaN(median(of)) ? "" : median(of).toFixed(1);
    return [
      ...[name, committee, String(results.length), median(opsPerSecond).toFixed(0)],
      ...[ms((r) => r.ackMs.p50), ms((r) => r.ackMs.p99)],
      ...[ms((r) => r.feedMs.p50), ms((r) => r.feedMs.p99)],
      ...[ms((r) => r.certifiedMs.p50), ms((r) => r.certifiedMs.p99)],
      String(results.reduce((sum, { rejected }) => sum + rejected, 0)),
    ];
  });
  const head = [
    ...["load", "committee", "turns", "ops/s", "ack p50", "p99", "feed p50", "p99"],
    ...["certified p50", "p99", "rejected"],
  ];
  console.log(table([head, ...rows]));
  const change = (of: (r: RunResult) => number): string => {
    const ratios = pairs.map(({ alone, certified }) => of(certified) / of(alone));
    const quantile = quantilesOf(ratios);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => percent(quantile(q)));
    return `${middle} % (${low} to ${high})`;
  };
  console.log(
    `with a committee: ops/s ${change(opsPerSecond)}, ack p50 ${change((r) => r.ackMs.p50)}, ` +
      `p99 ${change((r) => r.ackMs.p99)}; in brackets the middle half of the pairs\n`,
  );
}

const opsPerSecond = ({ accepted, seconds }: RunResult): number => accepted / seconds;

function percent(ratio: number): string {
  const change = 100 * (ratio - 1);
  return `${change < 0 ? "" : "+"}${change.toFixed(0)}`;
}
