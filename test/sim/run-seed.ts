/**
 * One run: a storm of faults, then calm until everything promised is settled, then the verdict.
 *
 * The whole run is a function of its options. It does not throw for what the system under test does
 * wrong: that is its answer.
 */

import { must } from "../../src/core/types/assert.ts";
import { finalizedSnapshot } from "../../src/durable-objects/sequencer/storage/snapshots.ts";
import { Audit } from "./audit.ts";
import { checkAll, type Finalized } from "./check.ts";
import type { Options } from "./options.ts";
import { withQuietConsole } from "./quiet-console.ts";
import { Random } from "./random.ts";
import { Settling } from "./settling.ts";
import { Signing } from "./signing.ts";
import { createWorld, type World } from "./world.ts";

const HOUR_MS = 3_600_000;

export type Counts = {
  readonly faults: number;
  readonly resets: number;
  readonly cascades: number;
  readonly tipRecoveries: number;
  readonly acknowledged: number;
  readonly voided: number;
  readonly batches: number;
  readonly calls: number;
  readonly rebases: number;
  readonly l1Hours: number;
};

export type Outcome = {
  /** What is wrong; null when nothing is. */
  readonly failure: string | null;
  /** SHA-256 over every event. */
  readonly digest: string;
  readonly events: number;
  readonly counts: Counts;
  /** Every event in words; empty unless asked for. */
  readonly trace: readonly string[];
};

/**
 * `signing` carries what was signed from one run of a seed to the next. `visit` sees the world of a run
 * that ended well, before it is gone.
 */
export async function runSeed(
  options: Options,
  signing: Signing = new Signing(options.config.secrets.submitterKey),
  isTracing = false,
  visit: (world: World) => Promise<void> = () => Promise.resolve(),
): Promise<Outcome> {
  const audit = new Audit(isTracing);
  const world = createWorld(options, signing, audit);
  const failure = await withQuietConsole(
    (line) => {
      audit.note(world.timeline.nowMs, line);
      if (isBug(line)) world.object.fault ??= new Error(`logged: ${line}`);
    },
    () => live(world),
  );
  const counts = countAll(world);
  if (failure === null) await visit(world);
  world.storage.close();
  const { lines: trace, events } = audit;
  // The rest of a failure is a stack, which says who called.
  audit.note(world.timeline.nowMs, `${failure?.split("\n")[0]} ${JSON.stringify(counts)}`);
  return { failure, digest: audit.digest(), events, counts, trace };
}

/** A broken invariant or a trigger that fired: nothing but the storage itself may make a duty fail. */
function isBug(line: string): boolean {
  return /"event":"[a-z-]+-failed"/.test(line) && !line.includes('"StorageFailure"');
}

async function live(world: World): Promise<string | null> {
  try {
    const finalized = watchFinalized(world);
    keepBusy(world);
    await passStorm(world);
    await settle(world);
    const { memory, runtime } = must(world.object.parts, "the object is awake");
    const live = must(memory.get(), "genesis is done").state;
    checkAll({
      ...world,
      chain: world.l1.chain,
      acknowledged: world.clients.acknowledged,
      finalized: [...finalized.values()],
      runtime: { ...runtime, sql: world.storage.view },
      live,
    });
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

async function passStorm({ timeline, options, object, faults }: World): Promise<void> {
  await timeline.run(options.stormMs + 1, () => object.fault !== null || faults.isOver);
  if (object.fault !== null) throw object.fault;
}

/** Clients and readers, each at its own pace until the storm is over. */
function keepBusy({ options, timeline, clients, followers, faults }: World): void {
  const random = new Random(options.seed, "pace");
  const repeat = (meanMs: number, act: () => Promise<void>): void => {
    timeline.after(random.waitMs(meanMs), async () => {
      if (faults.isOver) return;
      repeat(meanMs, act);
      await act();
    });
  };
  repeat(options.clientMs, () => clients.act());
  for (const [i, follower] of followers.entries()) {
    repeat(options.followerMs * 4 ** i, () => follower.poll());
  }
}

async function settle(world: World): Promise<void> {
  const { timeline, options, object, clients, followers, storage, archive } = world;
  const dangerMs = options.config.timing.dangerBlocks * 12_000;
  const endMs = options.stormMs + 3 * dangerMs + 4 * HOUR_MS + world.clock.skewMostMs;
  clients.options.answerLoss = 0;
  const head = (): number => archive.head;
  const settling = new Settling({ timeline, storage, clients, followers, head });
  await timeline.run(endMs, () => object.fault !== null || settling.isDone);
  if (object.fault !== null) throw object.fault;
  if (!settling.isDone) {
    const mode = object.parts?.service.derive() ?? "asleep";
    const refusal = object.parts?.service.refusal ?? "no reason";
    throw new Error(`not settled in time: ${settling.state}; ${mode}, ${refusal}`);
  }
}

/** Looks now and then at what the object calls finalized: all of it is judged at the end. */
function watchFinalized({ timeline, storage }: World): ReadonlyMap<string, Finalized> {
  const seen = new Map<string, Finalized>();
  const look = (): void => {
    timeline.after(HOUR_MS / 4, look);
    if (!storage.hasTable("snapshots")) return;
    const found = finalizedSnapshot(storage.view);
    if (found === null) return;
    const { inclusionBlock, sha256 } = found;
    seen.set(`${inclusionBlock} ${sha256}`, { inclusionBlock, sha256 });
  };
  look();
  return seen;
}

function countAll(world: World): Counts {
  const { monitor, faults, object, clients, storage, wire, followers, timeline, archive } = world;
  const batches = storage.hasTable("safe_accepted_batches")
    ? storage.read("SELECT COUNT(*) AS n FROM safe_accepted_batches")[0]?.["n"]
    : 0;
  return {
    faults: faults.count,
    resets: object.resets,
    cascades: monitor.cascades,
    tipRecoveries: monitor.tipRecoveries,
    acknowledged: clients.acknowledged.length,
    voided: clients.acknowledged.filter(({ offset }) => archive.voiding(offset) !== null).length,
    batches: Number(batches),
    calls: wire.calls,
    rebases: followers.reduce((sum, one) => sum + one.rebases, 0),
    l1Hours: timeline.nowMs / HOUR_MS,
  };
}
