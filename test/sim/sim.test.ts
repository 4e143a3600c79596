/** Seeded runs of the whole sequencer over a simulated L1, small here and thousands in `npm run sim`. */

import { expect, test } from "vitest";
import { size } from "../support/size.ts";
import { drawOptions, type FaultKind } from "./options.ts";
import { runSeed } from "./run-seed.ts";
import { formatCut, shrink } from "./shrink.ts";
import { Signing } from "./signing.ts";

const SEEDS = size(4, 60);
/** Cutting a failure down takes minutes. */
const SHRINK_MS = 900_000;

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  "[R1, R2] seed %i: after a storm every promise is kept or voided, and L1 agrees",
  async (seed) => {
    const options = drawOptions(seed);
    const signing = new Signing(options.config.secrets.submitterKey);
    const outcome = await runSeed(options, signing);
    if (outcome.failure !== null) {
      const { cut, outcome: least } = await shrink(seed);
      const tail = least.trace.slice(-40).join("\n");
      expect.fail(`${tail}\nnpm run sim -- ${formatCut(seed, cut)}\n${least.failure}`);
    }
    expect((await runSeed(options, signing)).digest).toBe(outcome.digest);
  },
  SHRINK_MS,
);

/** Fees pass the cap again and again, and what is not mined then is forgotten by every node. */
const FORGETFUL: ReadonlyMap<FaultKind, number> = new Map([
  ["fees", 60 * 60_000],
  ["forget", 8 * 60_000],
  ["censor", 200 * 60_000],
  ["reset", 30 * 60_000],
]);

test.each([8, 16, 19])(
  "[L2, R2] seed %i: what the cap and the budget stop goes on when nodes have forgotten it",
  async (seed) => {
    const outcome = await runSeed({ ...drawOptions(seed), faultMs: FORGETFUL });
    expect(outcome.failure).toBeNull();
  },
);
