/**
 * What does a committee cost? Two stacks, one alone and one with four validators in `linkage` mode, under
 * the same load in turns (without, with, with, without), so that a machine that slows down slows both.
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
import { table } from "../src/local/load/stats.ts";
import { startStack } from "../src/local/stack.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { type Sender, seededSender, signerFor } from "./ops.ts";
import { fund, scriptOf } from "./scripts.ts";

const COMMITTEE = { validators: 4, candidates: 1, isSpread: false };
const TURNS = [false, true, true, false];
const LOADS: readonly { name: string; workers: number; ops: number; pace: Pace }[] = [
  { name: "closed, 64", workers: 64, ops: 16_000, pace: { is: "closed" } },
  { name: "open, 300/s", workers: 32, ops: 6_000, pace: { is: "open", opsPerSecond: 300 } },
];

type Side = { readonly stack: Stack; readonly senders: readonly Sender[]; readonly folder: string };

/** `scale`: the part of the ops that is run. */
export async function measureCommittee(scale: number): Promise<void> {
  const sides = [await startSide(false), await startSide(true)] as const;
  try {
    for (const load of LOADS) {
      const results: { readonly isCertified: boolean; readonly result: RunResult }[] = [];
      for (const isCertified of TURNS) {
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
    for (const { stack, folder } of sides) {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
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
  const rate = (wanted: boolean): number => {
    const of = results
      .filter(({ isCertified }) => isCertified === wanted)
      .map(({ result }) => result);
    return of.reduce((sum, r) => sum + r.accepted, 0) / of.reduce((sum, r) => sum + r.seconds, 0);
  };
  console.log(
    `with a committee ${((100 * rate(true)) / rate(false)).toFixed(0)} % of the ops/s without\n`,
  );
}
