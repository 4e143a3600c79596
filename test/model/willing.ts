/**
 * The way back to service when everybody is willing: what is sent lands, the safe head goes on, the
 * clock is right and nobody dies. Not every way: one that exists from every state is enough to say that
 * no state is a dead end.
 */

import type { Config } from "./code-config.ts";
import { decideNow } from "./code-recover.ts";
import type { CodeState } from "./code-state.ts";
import type { Machine } from "./explorer.ts";

const STEPS_MAX = 200;

/** By the beginning or the middle of their names, the most urgent first. */
const WHAT_COMES = [
  "lands in slot",
  "reads to",
  "starts",
  "serves",
  "retries",
  "sees the flush",
  "flush is done",
  "flushes",
  "recover-tip",
  "cascade",
  "posts",
  "settle",
] as const;

/** Actions until the object serves and L1 has accepted all that is closed; null if that never comes. */
export function stepsToService(
  machine: Machine<CodeState>,
  config: Config,
  start: CodeState,
): number | null {
  let state = start;
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    if (isServed(state, config)) return steps;
    const next = willingStep(machine, config, state);
    if (next === null) return null;
    state = next;
  }
  return null;
}

function isServed(state: CodeState, config: Config): boolean {
  const isOpenEnded = state.batches.some(({ is, isAccepted }) => is === "closed" && !isAccepted);
  return !isOpenEnded && isAdmitted(state, config);
}

function isAdmitted(state: CodeState, config: Config): boolean {
  return decideNow(state, { config, isSilent: false }).do === "admit";
}

function willingStep(
  machine: Machine<CodeState>,
  config: Config,
  state: CodeState,
): CodeState | null {
  const here = machine.key(state);
  const steps: { readonly rank: number; readonly next: CodeState }[] = [];
  machine.expand(state, (action, next) => {
    const rank = WHAT_COMES.findIndex((name) => action.includes(name));
    const isRash = WHAT_COMES[rank] === "posts" && !isAdmitted(state, config);
    if (rank >= 0 && !isRash && machine.key(next) !== here) steps.push({ rank, next });
  });
  const urgent = Math.min(...steps.map(({ rank }) => rank));
  // The last of several: of rivals the newest lands, and of landings all settle.
  return steps.findLast(({ rank }) => rank === urgent)?.next ?? null;
}
