/**
 * Makes a failing run small: without each kind of fault in turn, then with fewer faults, then shorter.
 *
 * Every attempt is the same seed with less of it, so the answer can be run again from the command line.
 */

import { type Cut, drawOptions, FAULT_KINDS, WHOLE } from "./options.ts";
import { type Outcome, runSeed } from "./run-seed.ts";
import { Signing } from "./signing.ts";

/** Steps of the search for the shortest storm. */
const HALVINGS = 5;

export type Shrunk = { readonly cut: Cut; readonly outcome: Outcome };

/** `failing` is a cut with which the seed fails; the answer fails too, and carries a trace. */
export async function shrink(
  seed: number,
  failing: Cut = WHOLE,
  tell: (line: string) => void = () => undefined,
): Promise<Shrunk> {
  const signing = new Signing(drawOptions(seed).config.secrets.submitterKey);
  let cut = failing;
  const stillFails = async (smaller: Cut): Promise<boolean> => {
    const outcome = await runSeed(drawOptions(seed, smaller), signing);
    tell(`  ${formatCut(seed, smaller)}: ${outcome.failure === null ? "passes" : "fails"}`);
    if (outcome.failure !== null) cut = smaller;
    return outcome.failure !== null;
  };
  for (const kind of FAULT_KINDS) {
    if (!drawOptions(seed, cut).faultMs.has(kind)) continue;
    await stillFails({ ...cut, without: [...cut.without, kind] });
  }
  await fewerFaults(cut, seed, stillFails);
  for (let i = 0, step = cut.share / 2; i < HALVINGS; i++, step /= 2) {
    await stillFails({ ...cut, share: Math.max(0.01, cut.share - step) });
  }
  return { cut, outcome: await runSeed(drawOptions(seed, cut), signing, true) };
}

/** The least number of faults with which it fails, if more of them never heal what fewer broke. */
async function fewerFaults(
  cut: Cut,
  seed: number,
  stillFails: (smaller: Cut) => Promise<boolean>,
): Promise<void> {
  const all = (await runSeed(drawOptions(seed, cut))).counts.faults;
  let passes = -1;
  let fails = all;
  while (fails - passes > 1) {
    const middle = Math.floor((passes + fails) / 2);
    if (await stillFails({ ...cut, faultsMax: middle })) fails = middle;
    else passes = middle;
  }
}

/** The arguments of `npm run sim` that run exactly this. */
export function formatCut(seed: number, cut: Cut): string {
  const parts = [`--seed ${seed}`];
  if (cut.without.length > 0) parts.push(`--without ${cut.without.join(",")}`);
  if (Number.isFinite(cut.faultsMax)) parts.push(`--faults ${cut.faultsMax}`);
  if (cut.share !== 1) parts.push(`--share ${cut.share}`);
  return parts.join(" ");
}
