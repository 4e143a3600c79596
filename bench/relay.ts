/**
 * What does one relay carry (X3)? Thousands of readers of live ops, and one reader of a long history.
 *
 * The live runs have a whole stack and real ops. The long history comes from a feed that makes its records
 * when they are asked for, since ordering a million ops takes longer than reading them.
 */

import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { WebSocket } from "ws";
import { BUNDLE } from "../scripts/build.ts";
import { DataDir } from "../src/local/data-dir.ts";
import { table } from "../src/local/load/stats.ts";
import { Processes } from "../src/local/processes.ts";
import { startStack } from "../src/local/stack.ts";
import type { Stack } from "../src/local/stack-options.ts";
import { Workerd } from "../src/local/workerd.ts";
import { seededSender, signedTransfer, signerFor } from "./ops.ts";
import { cpuSeconds, residentBytes } from "./process.ts";
import type { Order, Report } from "./relay-readers.ts";
import { serveFeed } from "./relay-upstream.ts";
import { fund } from "./scripts.ts";

type Told = Extract<Report, { is: "report" }>;
/** `opsPerSecond`: paced, whatever the answers do. */
type Live = { readonly opsPerSecond: number; readonly ops: number; readonly isBatched: boolean };

const READERS = 5_000;
const LIVE: readonly Live[] = [
  { opsPerSecond: 5, ops: 100, isBatched: false },
  { opsPerSecond: 50, ops: 750, isBatched: true },
];
/** They take turns, so that no op waits for the one before. */
const SENDERS = 25;
const HISTORY = 1_000_000;
/** After the last op, for the last record to come. */
const SETTLE_MS = 5_000;
const MIB = 2 ** 20;

/** `scale`: the part of the readers and of the history that is run. */
export async function measureRelays(scale: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "baton-bench-"));
  const readers = Math.max(1, Math.floor(READERS * scale));
  try {
    await measureLive(join(folder, "stack"), readers);
    await measureHistory(join(folder, "relay"), Math.max(1, Math.floor(HISTORY * scale)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureLive(dataDir: string, readers: number): Promise<void> {
  const rows: string[][] = [];
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const stack = await startStack({ dataDir, fresh: true, savesChain: false, log });
  try {
    const senders = Array.from({ length: SENDERS }, (_, i) => seededSender(i));
    await fund(stack, senders);
    const signer = signerFor(stack.chainId, stack.app);
    for (const live of LIVE) {
      const bodies = Array.from({ length: live.ops }, (_, i) => {
        const sender = senders[i % SENDERS] ?? seededSender(i);
        return signedTransfer(signer, sender, sender.address, 1n);
      });
      rows.push(await measureReaders(stack, readers, live, bodies));
    }
  } finally {
    await stack.stop();
  }
  const head = ["run", "readers", "whole", "records", "deliveries/s", "p50", "p99", "max"];
  console.log(table([[...head, "cpu", "MiB idle", "MiB"], ...rows]));
  console.log(
    "from the op's submission to its record at each reader, in ms; cpu and memory of workerd",
  );
}

async function measureReaders(
  stack: Stack,
  readers: number,
  live: Live,
  bodies: readonly string[],
): Promise<string[]> {
  const program = join(import.meta.dirname, "relay-readers.ts");
  const child = fork(program, { stdio: "inherit" });
  const ask = (order: Order) =>
    new Promise<Report>((resolve, reject) => {
      child.once("message", (report) => resolve(report as Report));
      child.once("exit", (code) => reject(new Error(`the readers ended with ${code}`)));
      child.send(order);
    });
  const before = residentBytes(stack.pids.workerd);
  try {
    const page = await fetch(`${stack.url}/feed?limit=1`);
    const { head } = (await page.json()) as { readonly head: number };
    const query = `from_offset=${head}${live.isBatched ? "&batch=1" : ""}`;
    const url = `${stack.url.replace("http", "ws")}/ws/subscribe?${query}`;
    await ask({ is: "open", url, count: readers, from: head });
    const cpuBefore = cpuSeconds(stack.pids.workerd);
    const startMs = performance.now();
    const sentAtMs = await submitPaced(stack.url, bodies, live.opsPerSecond);
    const seconds = (performance.now() - startMs) / 1000;
    await sleep(SETTLE_MS);
    const cpu = (cpuSeconds(stack.pids.workerd) - cpuBefore) / seconds;
    const told = (await ask({ is: "report", sentAtMs })) as Told;
    if (told.whole !== readers)
      throw new Error(
        `${told.whole} of ${readers} readers have all records, ${told.closed} were closed`,
      );
    const memory = [before, residentBytes(stack.pids.workerd)].map((n) => (n / MIB).toFixed(0));
    const rate = bodies.length / seconds;
    if (rate < 0.9 * live.opsPerSecond)
      throw new Error(`only ${rate.toFixed(1)} ops a second were taken`);
    const name = `${rate.toFixed(1)} ops/s${live.isBatched ? ", batch=1" : ""}`;
    const counts = [readers, told.whole, bodies.length, told.deliveries / seconds];
    const times = [told.p50Ms, told.p99Ms, told.maxMs];
    return [
      name,
      ...[...counts, ...times].map((n) => n.toFixed(0)),
      `${(cpu * 100).toFixed(0)} %`,
      ...memory,
    ];
  } finally {
    child.removeAllListeners("exit");
    child.kill();
  }
}

/** When each offset's op was submitted: milliseconds since the Unix epoch, finely. */
async function submitPaced(
  url: string,
  bodies: readonly string[],
  opsPerSecond: number,
): Promise<Readonly<Record<number, number>>> {
  const sentAtMs: Record<number, number> = {};
  const startMs = performance.now();
  const submit = async (body: string) => {
    const atMs = performance.timeOrigin + performance.now();
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/tx`, { method: "POST", headers, body });
    const answer = (await response.json()) as { readonly ok: boolean; readonly offset: number };
    if (!answer.ok) throw new Error(`an op was refused with ${response.status}`);
    sentAtMs[answer.offset] = atMs;
  };
  const pending: Promise<void>[] = [];
  for (const [i, body] of bodies.entries()) {
    const waitMs = startMs + (i * 1000) / opsPerSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    // A sender's nonces need the order of sending.
    await pending.at(-SENDERS);
    pending.push(submit(body));
  }
  await Promise.all(pending);
  return sentAtMs;
}

async function measureHistory(folder: string, records: number): Promise<void> {
  const upstream = await serveFeed(records);
  const dataDir = DataDir.open(folder);
  const processes = new Processes(dataDir.file("processes"));
  let workerd: Workerd | null = null;
  try {
    const bundle = await bundleRelay(folder);
    workerd = await Workerd.start({
      host: "127.0.0.1",
      port: 0,
      variables: { UPSTREAM: upstream.url },
      secrets: {},
      dataDir,
      processes,
      bundle,
    });
    const pid = workerd.child.process.pid ?? 0;
    const memory = { idle: residentBytes(pid), most: 0 };
    const sampling = setInterval(() => {
      memory.most = Math.max(memory.most, residentBytes(pid));
    }, 50);
    const { seconds, bytes } = await readThrough(workerd.port, records);
    clearInterval(sampling);
    const mib = (n: number) => (n / MIB).toFixed(0);
    console.log(
      `catch-up: ${records} records, ${mib(bytes)} MiB, to one reader in ${seconds.toFixed(1)} s: ` +
        `${(records / seconds).toFixed(0)} records a second; memory of workerd ${mib(memory.idle)} MiB before, ` +
        `${mib(memory.most)} MiB at most`,
    );
  } finally {
    await workerd?.stop(processes);
    dataDir.close();
    upstream.stop();
  }
}

/** The relay's Worker as workerd takes it. */
async function bundleRelay(folder: string): Promise<{ config: string; folder: string }> {
  const entry = join(import.meta.dirname, "relay-worker", "index.ts");
  const outfile = join(folder, "bundle", "index.js");
  const loader = { ".sql": "text" } as const;
  const external = ["cloudflare:*"];
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", external, loader });
  const date = /^compatibility_date = .*$/m.exec(readFileSync(BUNDLE.config, "utf8"))?.[0] ?? "";
  const config = join(folder, "relay.toml");
  writeFileSync(config, `${date}\nclass_name = "Relay"\n`);
  return { config, folder: join(folder, "bundle") };
}

/** All records, each once and in order, by a reader that answers every frame. */
function readThrough(
  port: number,
  records: number,
): Promise<{ readonly seconds: number; readonly bytes: number }> {
  const url = `ws://127.0.0.1:${port}/ws/subscribe?from_offset=0&batch=1`;
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const startMs = performance.now();
  let [cursor, bytes] = [0, 0];
  return new Promise((resolve, reject) => {
    socket.on("message", (data) => {
      const text = String(data);
      bytes += text.length;
      for (const { offset } of JSON.parse(text) as { readonly offset: number }[]) {
        if (offset !== cursor + 1) reject(new Error(`${offset} came after ${cursor}`));
        cursor = offset;
      }
      socket.send(`{"ack":${cursor}}`);
      if (cursor < records) return;
      socket.close();
      resolve({ seconds: (performance.now() - startMs) / 1000, bytes });
    });
    socket.on("error", reject);
    socket.on("close", (code, reason) =>
      reject(new Error(`closed with ${code} ${String(reason)}`)),
    );
  });
}
