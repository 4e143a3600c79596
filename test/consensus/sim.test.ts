/** Seeded committees in storms of crash faults: one integer is one run. */

import { expect, test } from "vitest";
import { size } from "../support/size.ts";
import { runCommittee } from "./run-committee.ts";

const SIZES = [
  { validators: 4, quorum: 3 },
  { validators: 5, quorum: 3 },
  { validators: 7, quorum: 4 },
] as const;
const SEEDS = size(4, 200);

const runs = SIZES.flatMap((committee) =>
  Array.from({ length: SEEDS }, (_, i) => ({ ...committee, seed: i + 1 })),
);

test.each(runs)("[C4, C6, C8] $validators validators, seed $seed: nothing certified is lost", async (run) => {
  const options = {
    ...run,
    candidates: 3,
    stormMs: 60_000,
    faultMeanMs: 1_500,
    clientMeanMs: 150,
  };
  const outcome = await runCommittee(options);
  if (outcome.failure !== null) {
    const { trace } = await runCommittee({ ...options, isTracing: true });
    expect.fail(`${trace.slice(-60).join("\n")}\n${outcome.failure}`);
  }
  expect((await runCommittee(options)).digest).toBe(outcome.digest);
});
