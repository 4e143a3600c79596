/**
 * What does a committee cost the sequencer? Two stacks, one alone and one with four validators in `linkage`
 * mode, each in a process of its own, under the same load in turns (without, with, with, without), so that
 * a machine that slows down slows both. What is compared are medians over turns.
 *
 * In production no validator takes processor time from the sequencer. Here the sequencers have the first
 * core, and the validators have what the load leaves of the others.
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
import { percentiles, table } from "../src/local/load/stats.ts";
import { startStack } from "../src/local/stack.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { type Sender, seededSender, signerFor } from "./ops.ts";
import { CORES, keepOn, standBack } from "./process.ts";
import { fund, scriptOf } from "./scripts.ts";

const COMMITTEE = { validators: 4, candidates: 1, isSpread: true };
const TURNS = [false, true, true, false];
const LOADS: readonly Load[] = [
  { name: "closed, 64", workers: 64, ops: 16_000, pace: { is: "closed" }, rounds: 2 },
  // A percentile of one turn says little about the next turn's.
  {
    name: "open, 300/s",
    workers: 32,
    ops: 6_000,
    pace: { is: "open", opsPerSecond: 300 },
    rounds: 4,
  },
];

/** `ops`: of one turn. `rounds`: how often the turns are taken. */
type Load = {
  readonly name: string;
  readonly workers: number;
  readonly ops: number;
  readonly pace: Pace;
  readonly rounds: number;
};

type Side = { readonly stack: Stack; readonly senders: readonly Sender[]; readonly folder: string };

/** `scale`: the part of the ops that is run. */
export async function measureCommittee(scale: number): Promise<void> {
  const sides = [await startSide(false), await startSide(true)] as const;
  try {
    if (!separate(sides.map(({ stack }) => stack))) {
      console.log(
        "the sequencers share their cores with everybody: taskset and two cores are needed",
      );
    }
    for (const load of LOADS) {
      const results: { readonly isCertified: boolean; readonly result: RunResult }[] = [];
      for (const isCertified of Array.from({ length: load.rounds }, () => TURNS).flat()) {
        const side = sides[isCertified ? 1 : 0];
        const perWorker = Math.max(1, Math.floor((load.ops * scale) / load.workers));
        const result = await run(
          side.stack.url,
          scriptsOf(side, load.workers, perWorker),
          connectEach,
          load.pace,
        );
        results.push({ isCertified, result });
      }
      print(load.name, results);
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
    stacks.every(({ pids }) => keepOn(first, pids.workerd)) &&
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

function print(
  name: string,
  results: readonly { readonly isCertified: boolean; readonly result: RunResult }[],
): void {
  const ms = (value: number): string => value.toFixed(1);
  const rows = results.map(({ isCertified, result: r }) => [
    name,
    isCertified ? "4 validators" : "alone",
    String(r.accepted),
    (r.accepted / r.seconds).toFixed(0),
    ...[r.ackMs.p50, r.ackMs.p99, r.feedMs.p50, r.feedMs.p99].map(ms),
    ...(isCertified ? [r.certifiedMs.p50, r.certifiedMs.p99].map(ms) : ["", ""]),
    String(r.rejected),
  ]);
  const head = [
    ...["load", "committee", "accepted", "ops/s", "ack p50", "p99", "feed p50", "p99"],
    ...["certified p50", "p99", "rejected"],
  ];
  console.log(table([head, ...rows]));
  const median = (isCertified: boolean, of: (r: RunResult) => number): number =>
    percentiles(
      results.filter((one) => one.isCertified === isCertified).map(({ result }) => of(result)),
    ).p50;
  const change = (of: (r: RunResult) => number): string => {
    const percent = 100 * (median(true, of) / median(false, of) - 1);
    return `${percent < 0 ? "" : "+"}${percent.toFixed(0)} %`;
  };
  console.log(
    `with a committee: ops/s ${change((r) => r.accepted / r.seconds)}, ` +
      `ack p50 ${change((r) => r.ackMs.p50)}, p99 ${change((r) => r.ackMs.p99)}\n`,
  );
}
