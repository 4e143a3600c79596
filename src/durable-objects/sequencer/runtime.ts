/**
 * What every part of the sequencer object works with. Built once per wake, immutable.
 *
 * Clock, timer, randomness and Ethereum come in here and nowhere else, so that a simulation can own
 * all four.
 */

import type { Application } from "../../core/application/application.ts";
import type { Config } from "../../core/config/config.ts";
import { type UnixMs, unixMs } from "../../core/types/units.ts";
import type { Keccak256 } from "../../core/wire/user-op.ts";
import { connectL1 } from "../../l1/client.ts";
import type { L1, L1Options } from "../../l1/l1.ts";

/** The outside world of a part. */
export type World = {
  readonly now: () => UnixMs;
  /** Uniform in [0, 1): jitter. */
  readonly random: () => number;
  /** Unpredictable bytes: eras. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Runs `run` once, `delayMs` from now, unless the returned function is called before. */
  readonly later: (run: () => void, delayMs: number) => () => void;
  readonly connect: (options: L1Options) => L1;
};

export type Runtime = World & {
  readonly storage: DurableObjectStorage;
  readonly sql: SqlStorage;
  readonly config: Config;
  readonly application: Application;
  readonly keccak: Keccak256;
};

/** The platform's own clock, timer, randomness and network. */
export const PLATFORM: World = {
  now: () => unixMs(Date.now()),
  random: Math.random,
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  later: (run, delayMs) => {
    const id = setTimeout(run, delayMs);
    return () => clearTimeout(id);
  },
  connect: connectL1,
};
