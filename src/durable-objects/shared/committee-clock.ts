/** Time as the committee's drivers see it inside an object: it never goes back, though the clock may. */

import type { Clock } from "../../consensus/clock.ts";

export type ObjectTime = {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Runs `run` once, `delayMs` from now, unless the answer is called before. */
  readonly later: (run: () => void, delayMs: number) => () => void;
};

export function committeeClock({ now, later }: ObjectTime): Clock {
  let newestMs = 0;
  const nowMs = (): number => {
    newestMs = Math.max(newestMs, now());
    return newestMs;
  };
  return { nowMs, at: (atMs, run) => later(run, Math.max(0, atMs - nowMs())) };
}
