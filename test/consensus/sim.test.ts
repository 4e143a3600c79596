/** Seeded committees in storms of crash faults: one integer is one run. */

import { expect, test } from "vitest";
import { size } from "../support/size.ts";
import { drawRun, type RunOptions, runCommittee } from "./run-committee.ts";

const CRASHES = [
  { validators: 4, quorum: 3 },
  { validators: 5, quorum: 3 },
  { validators: 7, quorum: 4 },
] as const;

/** Quorums of which two share more members than lie: n - floor((n - 1) / 3). */
const LIES = [
  { validators: 4, quorum: 3, liars: { voters: 1, chance: 0.03 } },
  { validators: 5, quorum: 4, liars: { voters: 1, chance: 0.03 } },
  { validators: 7, quorum: 5, liars: { voters: 2, chance: 0.03 } },
] as const;

const SEEDS = size(3, 200);
const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);

async function runTwice(options: RunOptions): Promise<void> {
  const outcome = await runCommittee(options);
  if (outcome.failure !== null) {
    const { trace } = await runCommittee({ ...options, isTracing: true });
    expect.fail(`${trace.slice(-60).join("\n")}\n${outcome.failure}`);
  }
  expect((await runCommittee(options)).digest).toBe(outcome.digest);
}

test.each(CRASHES.flatMap((committee) => seeds.map((seed) => ({ ...committee, seed }))))(
  "[C4, C6, C8] $validators validators, seed $seed: crashes lose nothing that is certified",
  async ({ seed, ...committee }) => {
    await runTwice({ ...drawRun(seed), ...committee });
  },
);

test.each(LIES.flatMap((committee) => seeds.map((seed) => ({ ...committee, seed }))))(
  "[C4, C5] $validators validators, seed $seed: liars fork no epoch, and leave evidence",
  async ({ seed, ...committee }) => {
    await runTwice({ ...drawRun(seed), restores: false, ...committee });
  },
);
