/** One run of a committee: a storm of crash faults, then calm, then the verdict. A function of its seed. */

import { CONDUCTOR_RULES } from "../../src/consensus/conductor-types.ts";
import { Random } from "../sim/random.ts";
import { Client } from "./client.ts";
import { Storm } from "./storm.ts";
import { World, type WorldOptions } from "./world.ts";

export type RunOptions = Partial<WorldOptions> & {
  readonly seed: number;
  readonly stormMs: number;
  readonly faultMeanMs: number;
  readonly clientMeanMs: number;
};

/** What a run is like besides its faults: slow disks, small pages, short memories, busy clients. */
export function drawRun(seed: number): RunOptions {
  const random = new Random(seed, "options");
  const broadcast = {
    ...CONDUCTOR_RULES.broadcast,
    pageChunks: random.pick([2, 64]),
    retainChunks: random.pick([5, 4_096]),
  };
  return {
    seed,
    candidates: random.between(2, 3),
    diskMs: random.pick([0, 3, 40]),
    rules: { ...CONDUCTOR_RULES, broadcast, transfer: { ...CONDUCTOR_RULES.transfer, pageChunks: 2 } },
    stormMs: 60_000,
    faultMeanMs: random.pick([700, 1_500, 5_000]),
    clientMeanMs: random.pick([30, 150]),
  };
}

export type CommitteeOutcome = {
  /** What is wrong; null when nothing is. */
  readonly failure: string | null;
  readonly digest: string;
  readonly promised: number;
  readonly epochs: number;
  readonly events: number;
  readonly trace: readonly string[];
};

/** From the end of the storm to a certificate and to every validator having it. */
export const PROGRESS_MS = 120_000;

export async function runCommittee(options: RunOptions): Promise<CommitteeOutcome> {
  const world = await World.create(options);
  const storm = new Storm(world, new Random(options.seed, "storm"), options.stormMs);
  const client = new Client(world, new Random(options.seed, "client"), options.clientMeanMs);
  client.start();
  storm.start(options.faultMeanMs);
  await world.run(options.stormMs);
  await storm.end();
  const failure = (await settle(world, client)) ?? (await verdict(world, client));
  const head = world.validator(0).node?.head?.record.epoch ?? 0;
  world.audit.note(world.timeline.nowMs, `${failure} ${client.promised.length} ${head}`);
  world.stop();
  return {
    failure,
    digest: world.audit.digest(),
    promised: client.promised.length,
    epochs: head,
    events: world.audit.events,
    trace: world.audit.lines,
  };
}

/** The client gets another promise, and then everybody holds what is certified. */
async function settle(world: World, client: Client): Promise<string | null> {
  const before = client.promised.length;
  const hasMoved = await world.run(PROGRESS_MS, () => client.promised.length > before);
  client.stop();
  if (!hasMoved) return `no progress: ${await describe(world)}`;
  const isLevel = await world.run(PROGRESS_MS, () => areLevel(world));
  return isLevel ? null : `not level: ${await describe(world)}`;
}

function areLevel(world: World): boolean {
  const leader = world.leader();
  const heights = world.validators.map(({ node }) => node?.durable?.base.height ?? -2);
  const highest = Math.max(...world.auditor.certified.map(({ height }) => height));
  return leader !== null && heights.every((height) => height === highest);
}

async function describe(world: World): Promise<string> {
  const validators = world.validators.map(({ name, node }) => {
    const durable = node?.durable ?? null;
    if (durable === null) return `${name} down ${String(node?.fault)}`;
    const { head, promised, base, tip, lock } = durable;
    return `${name} head ${head.record.epoch} promised ${promised.epoch} base ${base.height} tip ${tip?.chunk.ref.height}@${tip?.ackEpoch} lock ${lock?.chunk.height} ${node?.election?.role} ${node?.election?.term}`;
  });
  const candidates = await Promise.all(
    world.candidates.map(async ({ name, node }) => {
      const health = await node?.health();
      return `${name} ${JSON.stringify(health)} ${String(node?.fault)}`;
    }),
  );
  return [...validators, ...candidates].join("\n");
}

async function verdict(world: World, client: Client): Promise<string | null> {
  const { auditor } = world;
  const faults = world.nodes.flatMap(({ name, node }) =>
    node === null || node.fault === null ? [] : [`${name}: ${String(node.fault)}`],
  );
  if (faults.length > 0) return `a node stopped by itself: ${faults.join()}`;
  if (auditor.doubles.length > 0) return "two certificates at one height";
  if (auditor.lost.length > 0) return `lost: ${JSON.stringify(auditor.lost)}`;
  if (auditor.doubleAcks.length > 0) return "an honest member acked twice";
  if (!auditor.offsetsGoUp) return "an offset is used twice";
  const leader = world.leader()?.node;
  if (leader === undefined || leader === null) return "nobody leads";
  const broken = await client.broken(leader);
  return broken.length === 0 ? null : `broken promises: ${JSON.stringify(broken)}`;
}
