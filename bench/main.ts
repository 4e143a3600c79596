/**
 * `npm run bench`: how many ops per second Baton accepts on one machine, and how fast it answers.
 *
 * Starts a stack of its own (anvil, contracts, raw workerd), funds one sender per worker, signs every
 * op before the clock starts, and runs closed loops. Method and machine: `bench/README.md`.
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import {
  type Connect,
  connectEach,
  connectShared,
  type RunResult,
  run,
} from "../src/local/load/load.ts";
import { table } from "../src/local/load/stats.ts";
import { startStack } from "../src/local/stack.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { measureCommittee } from "./committee.ts";
import { measureGateways } from "./gateway.ts";
import { seededSender, signerFor } from "./ops.ts";
import { cpuSeconds, residentBytes } from "./process.ts";
import { measureRelays } from "./relay.ts";
import { fund, scriptOf } from "./scripts.ts";

/** Closed loops and ops of each run; the ops are split evenly. */
const LEVELS: readonly { workers: number; ops: number }[] = [
  { workers: 1, ops: 2_000 },
  { workers: 16, ops: 20_000 },
  { workers: 64, ops: 25_000 },
  { workers: 256, ops: 25_600 },
];
/** How the loops submit: each on an HTTP connection of its own, or sharing submit channels. */
const CHANNELS: readonly { name: string; connect: Connect }[] = [
  { name: "http", connect: connectEach },
  { name: "ws x4", connect: connectShared(4) },
];

/** `cpuUs`: processor time of workerd per accepted op, in microseconds. */
type Measured = RunResult & { readonly channel: string; readonly cpuUs: number };

const scale = Number(process.env["BATON_BENCH_SCALE"] ?? "1");

/** What `npm run bench` runs in this order, or the parts of it that are named after it. */
const PARTS: Readonly<Record<string, (scale: number) => Promise<void>>> = {
  load: measureLoad,
  committee: measureCommittee,
  gateways: measureGateways,
  relay: measureRelays,
};

const named = process.argv.slice(2);
for (const name of named) {
  if (PARTS[name] === undefined) throw new Error(`parts are ${Object.keys(PARTS).join(", ")}`);
}
for (const [name, measure] of Object.entries(PARTS)) {
  if (named.length === 0 || named.includes(name)) await measure(scale);
}

async function measureLoad(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "baton-bench-"));
  const stack = await startStack({
    dataDir,
    httpPort: 0,
    anvilPort: 0,
    fresh: true,
    savesChain: false,
    // It is the sequencer that is measured, its feed included; relays have a part of their own.
    vars: { SEQ_RELAYS: "off" },
    log: (line: string) => process.stderr.write(`${line}\n`),
  });
  try {
    await measureOn(stack, dataDir);
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measureOn(stack: Stack, dataDir: string): Promise<void> {
  const signer = signerFor(stack.chainId, stack.app);
  const senders = Array.from({ length: 256 }, (_, i) => seededSender(i));
  await fund(stack, senders);
  const before = databaseBytes(dataDir);
  const results: Measured[] = [];
  const runs = CHANNELS.flatMap((channel) => LEVELS.map((level) => ({ channel, level })));
  for (const { channel, level } of runs) {
    const perWorker = Math.max(1, Math.floor((level.ops * scale) / level.workers));
    process.stderr.write(`signing ${perWorker * level.workers} ops for ${level.workers} workers\n`);
    const scripts = senders
      .slice(0, level.workers)
      .map((sender, i) =>
        scriptOf(signer, sender, senders[(i + 1) % senders.length] ?? sender, perWorker),
      );
    const cpuBefore = cpuSeconds(stack.pids.workerd);
    const result = await run(stack.url, scripts, channel.connect);
    const cpuUs = ((cpuSeconds(stack.pids.workerd) - cpuBefore) * 1e6) / result.accepted;
    results.push({ ...result, channel: channel.name, cpuUs });
  }
  const ops = results.reduce((sum, result) => sum + result.accepted, 0);
  print(results, {
    memoryBytes: residentBytes(stack.pids.workerd),
    perOp: (databaseBytes(dataDir) - before) / ops,
  });
}

function print(
  results: readonly Measured[],
  footprint: { readonly memoryBytes: number; readonly perOp: number },
): void {
  const ms = (value: number) => value.toFixed(1);
  const rows = results.map((r) => [
    r.channel,
    String(r.workers),
    String(r.accepted),
    (r.accepted / r.seconds).toFixed(0),
    ms(r.ackMs.p50),
    ms(r.ackMs.p95),
    ms(r.ackMs.p99),
    ms(r.feedMs.p50),
    ms(r.feedMs.p95),
    ms(r.feedMs.p99),
    r.cpuUs.toFixed(0),
    String(r.rejected),
  ]);
  const head = [
    "channel",
    "workers",
    "accepted",
    "ops/s",
    "ack p50",
    "p95",
    "p99",
    "feed p50",
    "p95",
    "p99",
    "cpu/op",
    "rejected",
  ];
  console.log(table([head, ...rows]));
  console.log(`yardstick: ${signaturesPerSecond()} noble signatures a second`);
  console.log(
    `latencies in ms, cpu/op in µs of workerd; memory of workerd ${(footprint.memoryBytes / 2 ** 20).toFixed(0)} MiB; ` +
      `database ${footprint.perOp.toFixed(0)} bytes per op`,
  );
}

/** How fast the machine is at this moment: one core, the same work everywhere. */
function signaturesPerSecond(): number {
  const [key, digest] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  for (let i = 0; i < 500; i++) secp256k1.sign(digest, key);
  const startedMs = performance.now();
  for (let i = 0; i < 2_000; i++) secp256k1.sign(digest, key);
  return Math.round(2_000_000 / (performance.now() - startedMs));
}

/** Bytes of every SQLite file below the data folder, write-ahead logs included. */
function databaseBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.sqlite(-wal)?$/.test(entry.name)) {
      bytes += statSync(join(entry.parentPath, entry.name)).size;
    }
  }
  return bytes;
}
