/** When a duty is due, and how long it rests after failures (L4). */

import type { Result } from "../../core/types/result.ts";
import type { L1Error } from "../../l1/l1.ts";
import { errorName, log } from "../shared/log.ts";
import type { Runtime } from "./runtime.ts";

/** The longest pause after failures, before jitter. */
export const BACKOFF_MS_MAX = 30_000;

/** When a duty is due next, and how often it failed in a row. */
export type DutyClock = { dueAtMs: number; failures: number };

export type DutyRules = Pick<Runtime, "now" | "random"> & {
  /** The first pause after a failure, about. */
  readonly pollMs: number;
  /** The longest one, at most `BACKOFF_MS_MAX`. */
  readonly pauseMsMax: number;
  readonly onL1Error: (error: L1Error) => void;
};

/** Runs the duty if it is due; it says in how many milliseconds it is due again. Never throws. */
export async function runDue(
  clock: DutyClock,
  duty: () => Promise<Result<number, L1Error>>,
  rules: DutyRules,
): Promise<void> {
  const { now, onL1Error } = rules;
  const waitMs = clock.dueAtMs - now();
  // No pause is longer than the longest backoff: beyond it the clock went back, not the duty ahead.
  if (waitMs > 0 && waitMs <= BACKOFF_MS_MAX) return;
  let pauseMs: number;
  try {
    const result = await duty();
    clock.failures = result.ok ? 0 : clock.failures + 1;
    pauseMs = result.ok ? result.value : backoffMs(clock, rules);
    if (!result.ok) onL1Error(result.error);
  } catch (error) {
    clock.failures++;
    pauseMs = backoffMs(clock, rules);
    log("error", "duty-failed", { error: errorName(error), failures: clock.failures });
  }
  clock.dueAtMs = now() + pauseMs;
}

/** Exponential with jitter. */
function backoffMs({ failures }: DutyClock, { pollMs, pauseMsMax, random }: DutyRules): number {
  const doubled = pollMs * 2 ** Math.min(failures, 10);
  return Math.min(doubled, pauseMsMax) * (0.5 + random() / 2);
}
