/**
 * `npm run sim -- --seeds 10000`: many runs, each twice, with progress and totals.
 *
 * `--from N` begins at another seed. `--seed N` runs one and writes its trace, cut down by `--without
 * kind,kind`, `--faults N` and `--share X` as a failure's report says. `--once` runs each seed once.
 * Ends with 1 when a run failed or was not the same twice.
 */

import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { faultKind } from "./faults.ts";
import { type Cut, drawOptions } from "./options.ts";
import { type Counts, type Outcome, runSeed } from "./run-seed.ts";
import { formatCut, shrink } from "./shrink.ts";
import { Signing } from "./signing.ts";

/** What goes on all the time. */
const IDLE =
  /^\S+ {2}(alarm|heartbeat|timer|chainId|block (safe|latest|\d+ ->)|input|nonce|fee|estimate|page|ask)/;
/** Other lines of a failure's trace that are shown; the file has all of them. */
const TRACE_LINES = 60;
const TELL_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    without: { type: "string", default: "" },
    faults: { type: "string", default: "Infinity" },
    share: { type: "string", default: "1" },
    once: { type: "boolean", default: false },
  },
});

if (values.seed === undefined) await runMany(Number(values.from), Number(values.seeds));
else await runOne(Number(values.seed));

async function runMany(from: number, count: number): Promise<void> {
  const startedMs = performance.now();
  const totals: Record<string, number> = {};
  let failures = 0;
  let toldMs = startedMs;
  for (let seed = from; seed < from + count; seed++) {
    const { outcome, isSame } = await runTwice(seed);
    for (const [name, value] of Object.entries(outcome.counts)) {
      totals[name] = (totals[name] ?? 0) + value;
    }
    if (outcome.failure !== null || !isSame) {
      failures += 1;
      await report(seed, outcome, isSame);
    }
    if (performance.now() - toldMs < TELL_EVERY_MS) continue;
    toldMs = performance.now();
    const seconds = Math.round((toldMs - startedMs) / 1000);
    console.log(`${seed - from + 1}/${count} seeds, ${failures} failed, ${seconds} s`);
  }
  console.log(`\n${count} seeds, ${failures} failed`);
  for (const [name, value] of Object.entries(totals))
    console.log(`${labelOf(name)}: ${round(value)}`);
  process.exitCode = failures === 0 ? 0 : 1;
}

/** What a run counts, in words. */
function labelOf(name: string): string {
  const labels: Readonly<Record<keyof Counts, string>> = {
    faults: "faults",
    resets: "resets of the object",
    cascades: "rollbacks after a flush",
    tipRecoveries: "rollbacks of the open batch alone",
    acknowledged: "ops acknowledged",
    voided: "ops voided",
    batches: "batches accepted",
    calls: "calls to L1",
    rebases: "readers that began again from a snapshot",
    l1Hours: "hours of L1",
  };
  return Object.entries(labels).find(([key]) => key === name)?.[1] ?? name;
}

async function runTwice(seed: number): Promise<{ outcome: Outcome; isSame: boolean }> {
  const options = drawOptions(seed);
  const signing = new Signing(options.config.secrets.submitterKey);
  const outcome = await runSeed(options, signing);
  if (values.once) return { outcome, isSame: true };
  const again = await runSeed(options, signing);
  return { outcome, isSame: outcome.digest === again.digest };
}

async function report(seed: number, outcome: Outcome, isSame: boolean): Promise<void> {
  if (!isSame) console.log(`seed ${seed}: two runs differ`);
  if (outcome.failure === null) return;
  console.log(`seed ${seed}: ${outcome.failure}`);
  const shrunk = await shrink(seed, undefined, (line) => console.log(line));
  show(seed, shrunk.cut, shrunk.outcome);
}

async function runOne(seed: number): Promise<void> {
  const cut: Cut = {
    without: values.without.split(",").filter(Boolean).map(faultKind),
    faultsMax: Number(values.faults),
    share: Number(values.share),
  };
  const outcome = await runSeed(drawOptions(seed, cut), undefined, true);
  show(seed, cut, outcome);
  process.exitCode = outcome.failure === null ? 0 : 1;
}

function show(seed: number, cut: Cut, outcome: Outcome): void {
  const file = join(tmpdir(), `sim-${seed}.txt`);
  writeFileSync(file, `${outcome.trace.join("\n")}\n`);
  const story = outcome.trace.filter((line) => !IDLE.test(line));
  if (outcome.failure !== null) console.log(story.slice(-TRACE_LINES).join("\n"));
  console.log(`\nnpm run sim -- ${formatCut(seed, cut)}`);
  console.log(outcome.failure ?? "passes");
  console.log(`${outcome.events} events, ${outcome.digest}, trace in ${file}`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
