/**
 * What do gateways save, and what do they cost (X2)? Two stacks, one without and one with them, under the
 * same load in short turns (off, on, on, off, and again), so that a machine that slows down slows both.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEach, type RunResult, run } from "../src/local/load/load.ts";
import { percentiles, table } from "../src/local/load/stats.ts";
import { startStack } from "../src/local/stack.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { type Sender, seededSender, signerFor } from "./ops.ts";
import { cpuSeconds } from "./process.ts";
import { fund, scriptOf } from "./scripts.ts";

const GATEWAYS = 2;
const WORKERS = 64;
/** Of one turn: about a second. */
const OPS = 2_048;
const ROUNDS = 6;
const TURNS = [false, true, true, false];

type Side = { readonly stack: Stack; readonly senders: readonly Sender[]; readonly folder: string };
/** `cpuUs`: processor time of workerd per accepted op, in microseconds. */
type Turn = RunResult & {
  readonly hasGateways: boolean;
  readonly cpuUs: number;
  /** Calls with ops that the sequencer's object took. */
  readonly calls: number;
};

/** `scale`: the part of the ops that is run. */
export async function measureGateways(scale: number): Promise<void> {
  const sides = [await startSide(0), await startSide(GATEWAYS)] as const;
  try {
    const perWorker = Math.max(1, Math.floor((OPS * scale) / WORKERS));
    // The first ops of a process run code that is not compiled yet.
    for (const side of sides) await turn(side, perWorker);
    const turns: Turn[] = [];
    for (const hasGateways of Array.from({ length: ROUNDS }, () => TURNS).flat()) {
      const measured = await turn(sides[hasGateways ? 1 : 0], perWorker);
      turns.push({ hasGateways, ...measured });
    }
    print(turns);
  } finally {
    for (const { stack, folder } of sides) {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function startSide(gateways: number): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), "baton-bench-"));
  const stack = await startStack({
    dataDir: folder,
    fresh: true,
    savesChain: false,
    // Its own feed, as without gateways.
    vars: { SEQ_GATEWAYS: String(gateways), SEQ_RELAYS: "off" },
    log: (line: string) => process.stderr.write(`${line}\n`),
  });
  const senders = Array.from({ length: WORKERS }, (_, i) => seededSender(i));
  await fund(stack, senders);
  return { stack, senders, folder };
}

async function turn(side: Side, perWorker: number): Promise<Omit<Turn, "hasGateways">> {
  const { stack, senders } = side;
  const signer = signerFor(stack.chainId, stack.app);
  const scripts = senders.map((sender, i) =>
    scriptOf(signer, sender, senders[(i + 1) % senders.length] ?? sender, perWorker),
  );
  const callsBefore = await callsOf(stack);
  const cpuBefore = cpuSeconds(stack.pids.workerd);
  const result = await run(stack.url, scripts, connectEach);
  const cpuUs = ((cpuSeconds(stack.pids.workerd) - cpuBefore) * 1e6) / result.accepted;
  return { ...result, cpuUs, calls: (await callsOf(stack)) - callsBefore };
}

async function callsOf({ url }: Stack): Promise<number> {
  const response = await fetch(`${url}/overview`);
  const body = (await response.json()) as { readonly counters: { readonly calls: number } };
  return body.counters.calls;
}

function print(turns: readonly Turn[]): void {
  const [off, on] = [summary(turns, false), summary(turns, true)];
  const rows = [off, on].map((side, i) => [
    i === 0 ? "off" : `${GATEWAYS}`,
    String(side.accepted),
    side.rate.toFixed(0),
    ...[side.ackP50, side.ackP99, side.feedP50, side.feedP99].map((ms) => ms.toFixed(1)),
    side.cpuUs.toFixed(0),
    side.calls.toFixed(3),
    String(side.rejected),
  ]);
  const head = ["gateways", "accepted", "ops/s", "ack p50", "p99", "feed p50", "p99", "cpu/op"];
  console.log(table([[...head, "calls/op", "rejected"], ...rows]));
  console.log(
    `medians of ${turns.length / 2} turns each; with ${GATEWAYS} gateways ${(off.calls / on.calls).toFixed(1)} times fewer ` +
      `calls into the sequencer per op, ${percent(on.rate / off.rate)} of the ops/s, ` +
      `${percent(off.cpuUs / on.cpuUs)} of the ops per second of processor time`,
  );
  console.log(
    "One process runs the edges, the gateways and the sequencer on one thread here, so that a gateway's work is\n" +
      "taken from the sequencer's. In production each object has a thread of its own: what the sequencer is spared\n" +
      "is gained, and a gateway costs an op the way of one more call.\n",
  );
}

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
}

/** Of the turns with gateways, or of those without: sums of what was counted, medians of what was timed. */
function summary(turns: readonly Turn[], hasGateways: boolean) {
  const chosen = turns.filter((turn) => turn.hasGateways === hasGateways);
  const sum = (of: (turn: Turn) => number) => chosen.reduce((all, turn) => all + of(turn), 0);
  const median = (of: (turn: Turn) => number) => percentiles(chosen.map(of)).p50;
  const accepted = sum((turn) => turn.accepted);
  return {
    accepted,
    rejected: sum(({ rejected }) => rejected),
    calls: sum(({ calls }) => calls) / accepted,
    rate: median((turn) => turn.accepted / turn.seconds),
    cpuUs: median(({ cpuUs }) => cpuUs),
    ackP50: median(({ ackMs }) => ackMs.p50),
    ackP99: median(({ ackMs }) => ackMs.p99),
    feedP50: median(({ feedMs }) => feedMs.p50),
    feedP99: median(({ feedMs }) => feedMs.p99),
  };
}
