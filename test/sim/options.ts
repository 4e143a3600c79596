/**
 * What one seed means: the configuration, the shape of L1, the load, and which faults come how often.
 *
 * Configurations have small numbers as well as the defaults, so that danger is reached in minutes of
 * virtual time in some runs and in hours in others; all of them are ones that `parseConfig` takes.
 */

import { type WalletConfig, walletApplication } from "../../src/apps/wallet/wallet.ts";
import { type Config, parseConfig } from "../../src/core/config/config.ts";
import { assert } from "../../src/core/types/assert.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { TEST_VARIABLES } from "../support/variables.ts";
import type { L1Parameters } from "./l1-world.ts";
import { Random } from "./random.ts";

export const FAULT_KINDS = [
  "reset",
  "crash",
  "sleep",
  "alarm",
  "storage",
  "clock",
  "outage",
  "wire",
  "stuck",
  "truncate",
  "reorg",
  "stall",
  "censor",
  "fees",
  "funds",
  "forget",
  "drop",
  "revert",
  "burst",
  "policy",
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What is changed in a seed's run, to find out what makes it fail. */
export type Cut = {
  readonly without: readonly FaultKind[];
  /** Only the first so many faults happen. */
  readonly faultsMax: number;
  /** Nothing is wrong any more after this share of the time that the seed has. */
  readonly share: number;
};

export const WHOLE: Cut = { without: [], faultsMax: Number.POSITIVE_INFINITY, share: 1 };

export type Options = {
  readonly seed: number;
  readonly name: string;
  readonly config: Config<WalletConfig>;
  readonly l1: L1Parameters;
  readonly urls: readonly string[];
  /** Time with faults. */
  readonly stormMs: number;
  readonly alarmGapMs: number;
  /** Mean time between two things that clients do. */
  readonly clientMs: number;
  readonly followerMs: number;
  readonly answerLoss: number;
  readonly resubmits: number;
  /** Mean time between two faults of a kind; absent ones do not happen. */
  readonly faultMs: ReadonlyMap<FaultKind, number>;
  readonly faultsMax: number;
  /** Size at which a batch is full, as an exponent (S6); 0 leaves the default. */
  readonly batchSizeExponent: number;
};

const HOUR_MS = 3_600_000;
const MAX_WAIT = 1_200;

type Profile = {
  readonly name: string;
  readonly margin: number;
  /** Newest safe block behind the latest one, and how it moves. */
  readonly safeLag: readonly [least: number, most: number];
  readonly epochs: readonly number[];
  readonly stormHours: readonly [least: number, most: number];
  readonly alarmGapS: readonly number[];
};

const PROFILES: readonly Profile[] = [
  {
    name: "defaults",
    margin: 300,
    safeLag: [32, 64],
    epochs: [32],
    stormHours: [4, 14],
    alarmGapS: [12, 20, 30],
  },
  {
    name: "short danger",
    margin: MAX_WAIT - 110,
    safeLag: [4, 16],
    epochs: [1, 4],
    stormHours: [1, 4],
    alarmGapS: [0, 4, 12],
  },
  {
    name: "middle danger",
    margin: MAX_WAIT - 300,
    safeLag: [16, 64],
    epochs: [8, 32],
    stormHours: [2, 8],
    alarmGapS: [4, 12, 20],
  },
  {
    name: "no margin",
    margin: 1,
    safeLag: [8, 64],
    epochs: [1, 32],
    stormHours: [6, 16],
    alarmGapS: [20, 30],
  },
];

export function drawOptions(seed: number, cut: Cut = WHOLE): Options {
  const random = new Random(seed, "options");
  const profile = random.pick(PROFILES);
  const [leastHours, mostHours] = profile.stormHours;
  const hours = leastHours + random.unit() * (mostHours - leastHours);
  const l1: L1Parameters = {
    safeLag: random.between(...profile.safeLag),
    epoch: random.pick(profile.epochs),
    endpoints: random.pick([1, 1, 2, 3]),
    missedSlots: random.pick([0, 0.01, 0.1]),
  };
  const urls = Array.from({ length: l1.endpoints }, (_, i) => `http://127.0.0.1:${9_000 + i}`);
  const drawn = {
    alarmGapMs: random.pick(profile.alarmGapS) * 1_000,
    clientMs: random.pick([60_000, 120_000, 300_000]),
    followerMs: random.pick([300_000, 1_200_000]),
    answerLoss: random.pick([0, 0.1, 0.4]),
    resubmits: random.pick([0, 0.7, 1]),
    batchSizeExponent: random.pick([0, 0, 700, 900]),
  };
  const config = drawConfig(random, profile, urls);
  const faultMs = drawFaults(seed, hours, cut);
  return {
    seed,
    name: profile.name,
    config,
    l1,
    urls,
    stormMs: Math.round(hours * HOUR_MS * cut.share),
    faultMs,
    faultsMax: cut.faultsMax,
    ...drawn,
  };
}

/** S6 bounds how long a batch may stay open; within that, anything goes. */
function drawConfig(
  random: Random,
  profile: Profile,
  urls: readonly string[],
): Config<WalletConfig> {
  const dangerBlocks = MAX_WAIT - profile.margin;
  const openMostS = Math.min(7_200, (dangerBlocks - 70) * 12);
  const openS = random.chance(0.3) ? openMostS : random.between(60, openMostS);
  const isDefault = profile.name === "defaults";
  const parsed = parseConfig(
    {
      ...TEST_VARIABLES,
      SEQ_ETH_RPC_URL: urls.join(","),
      SEQ_PREEMPTIVE_MARGIN_BLOCKS: String(profile.margin),
      SEQ_MAX_BATCH_OPEN_SECONDS: String(isDefault ? 7_200 : openS),
      SEQ_BATCH_LINGER_SECONDS: String(random.pick([1, 30, Math.min(600, openS)])),
      SEQ_L1_READ_STALE_AFTER_BLOCKS: String(
        isDefault ? 600 : random.between(Math.floor(dangerBlocks / 2), dangerBlocks - 1),
      ),
      SEQ_SNAPSHOT_SECONDS: String(random.pick([1, 60, 600])),
      SEQ_RETENTION_DAYS: String(random.pick([0, 7, 7])),
      SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH: String(random.pick([0, 2, 2])),
    },
    walletApplication,
    addressOfPrivateKey,
  );
  assert(parsed.ok, "a drawn configuration is a valid one");
  return parsed.value;
}

/** Each kind is absent, rare or frequent, whatever the others are. */
function drawFaults(seed: number, hours: number, cut: Cut): ReadonlyMap<FaultKind, number> {
  const faultMs = new Map<FaultKind, number>();
  for (const kind of FAULT_KINDS) {
    const random = new Random(seed, `kind ${kind}`);
    const perRun = random.pick([0, 0, 2, 4, 12]) * FREQUENCY[kind];
    if (perRun > 0 && !cut.without.includes(kind)) faultMs.set(kind, (hours * HOUR_MS) / perRun);
  }
  return faultMs;
}

/** How often a kind comes compared with the others. */
const FREQUENCY: Readonly<Record<FaultKind, number>> = {
  reset: 4,
  crash: 4,
  sleep: 0.5,
  alarm: 2,
  storage: 2,
  clock: 0.7,
  outage: 0.6,
  wire: 1,
  stuck: 1,
  truncate: 1,
  reorg: 4,
  stall: 0.5,
  censor: 0.8,
  fees: 0.5,
  funds: 0.5,
  forget: 2,
  drop: 1,
  revert: 0.5,
  burst: 1,
  policy: 0.5,
};
