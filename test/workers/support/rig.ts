/**
 * The parts of the sequencer object on a real object's storage, under a clock that the test moves.
 *
 * The object that owns the storage is not configured, so it only migrated its database and runs no
 * alarm: whatever happens, the test did. A second rig on the same storage is a wake-up.
 */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { type WalletConfig, walletApplication } from "../../../src/apps/wallet/wallet.ts";
import type { Mode } from "../../../src/core/api/rejection.ts";
import type { Application } from "../../../src/core/application/application.ts";
import { parseConfig } from "../../../src/core/config/config.ts";
import type { FeedRecord } from "../../../src/core/feed/record.ts";
import { unixMs } from "../../../src/core/types/units.ts";
import { addressOfPrivateKey } from "../../../src/crypto/key.ts";
import { Counters } from "../../../src/durable-objects/sequencer/counters.ts";
import { Feed } from "../../../src/durable-objects/sequencer/feed.ts";
import { Lane } from "../../../src/durable-objects/sequencer/lane.ts";
import { type Memory, MemoryStore } from "../../../src/durable-objects/sequencer/memory.ts";
import { Recovery } from "../../../src/durable-objects/sequencer/recover.ts";
import { PLATFORM, type Runtime } from "../../../src/durable-objects/sequencer/runtime.ts";
import { Snapshots } from "../../../src/durable-objects/sequencer/serve-snapshots.ts";
import { Service } from "../../../src/durable-objects/sequencer/service.ts";
import { SubmitterBalance } from "../../../src/durable-objects/sequencer/submitter-balance.ts";
import { keccak } from "../../../src/worker/curve.ts";
import { TEST_VARIABLES } from "../../support/variables.ts";

/** Where every rig's clock starts, unless a test says otherwise. */
export const START_MS = 1_900_000_000_000;

export type RigOptions = {
  readonly vars?: Readonly<Record<string, string>>;
  readonly application?: Application<WalletConfig>;
  readonly nowMs?: number;
  readonly sql?: (sql: SqlStorage) => SqlStorage;
};

export type Rig = {
  readonly state: DurableObjectState;
  readonly runtime: Runtime;
  readonly sql: SqlStorage;
  readonly memory: MemoryStore;
  readonly recovery: Recovery;
  readonly service: Service;
  readonly lane: Lane;
  readonly feed: Feed;
  readonly snapshots: Snapshots;
  readonly counters: Counters;
  readonly balance: SubmitterBalance;
  /** Everything that the lane handed to readers. */
  readonly published: FeedRecord[];
  /** What the lane is told; `serving` unless the test sets it. */
  mode: Mode;
  nowMs: number;
  /** The memory after genesis. */
  live(): Memory;
  /** What the next wake-up of the object works with. */
  wake(options?: RigOptions): Rig;
};

export function createRig(state: DurableObjectState, options: RigOptions = {}): Rig {
  const application = options.application ?? walletApplication;
  const config = parseConfig(
    { ...TEST_VARIABLES, ...options.vars },
    application,
    addressOfPrivateKey,
  );
  if (!config.ok) return expect.unreachable(JSON.stringify(config.error));
  const sql = options.sql?.(state.storage.sql) ?? state.storage.sql;
  const clock = { nowMs: options.nowMs ?? START_MS, mode: "serving" as Mode };
  const runtime: Runtime = {
    ...PLATFORM,
    storage: state.storage,
    sql,
    config: config.value,
    application,
    keccak,
    now: () => unixMs(clock.nowMs),
  };
  const published: FeedRecord[] = [];
  const memory = new MemoryStore(runtime);
  const feed = new Feed(runtime, state);
  const recovery = new Recovery(runtime);
  const counters = new Counters(runtime.now());
  // The rig is the clock: what a test writes to it, the parts read.
  return Object.assign(clock, {
    state,
    runtime,
    sql,
    memory,
    feed,
    published,
    recovery,
    service: new Service(runtime, memory, recovery),
    lane: new Lane(runtime, memory, {
      committee: null,
      counters,
      mode: () => clock.mode,
      publish: (records) => {
        published.push(...(records ?? []));
        feed.publish(records);
      },
    }),
    snapshots: new Snapshots(runtime),
    counters,
    balance: new SubmitterBalance(runtime.now),
    live: () => memory.get() ?? expect.unreachable("genesis is done"),
    wake: (other?: RigOptions): Rig =>
      createRig(state, { ...options, nowMs: clock.nowMs, ...other }),
  });
}

let names = 0;

/** A new object of its own, unconfigured. */
export function freshObject(): ReturnType<typeof env.SEQUENCER.getByName> {
  names += 1;
  return env.SEQUENCER.getByName(`object ${names}`);
}

/** Runs `test` inside a fresh object. */
export function withRig(
  test: (rig: Rig) => void | Promise<void>,
  options?: RigOptions,
): Promise<void> {
  return runInDurableObject(freshObject(), (_object, state) => test(createRig(state, options)));
}
