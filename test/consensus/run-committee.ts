/** One run of a committee: a storm of crash faults, then calm, then the verdict. A function of its seed. */

import { CONDUCTOR_RULES } from "../../src/consensus/conductor-types.ts";
import type { Hash32 } from "../../src/core/types/hex.ts";
import { Random } from "../sim/random.ts";
import { Liars } from "./byzantine.ts";
import { Client } from "./client.ts";
import { Storm } from "./storm.ts";
import { World, type WorldOptions } from "./world.ts";

export type RunOptions = Partial<WorldOptions> & {
  readonly seed: number;
  readonly stormMs: number;
  readonly faultMeanMs: number;
  readonly clientMeanMs: number;
  /** Members that ack twice, and a sequencer `c0` that signs twice; null: everybody is honest. */
  readonly liars: { readonly voters: number; readonly chance: number } | null;
  /** A validator that comes back from an old backup, with another key as its operator must see to. */
  readonly restores: boolean;
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
    rules: {
      ...CONDUCTOR_RULES,
      broadcast,
      transfer: { ...CONDUCTOR_RULES.transfer, pageChunks: 2 },
    },
    stormMs: 60_000,
    faultMeanMs: random.pick([700, 1_500, 5_000]),
    clientMeanMs: random.pick([30, 150]),
    liars: null,
    restores: random.chance(0.25),
  };
}

export type CommitteeOutcome = {
  /** What is wrong; null when nothing is. */
  readonly failure: string | null;
  readonly digest: string;
  readonly promised: number;
  readonly epochs: number;
  /** Pieces of evidence that validators keep. */
  readonly evidence: number;
  readonly events: number;
  readonly trace: readonly string[];
};

/** From the end of the storm to a certificate and to every validator having it. */
export const PROGRESS_MS = 120_000;

export async function runCommittee(options: RunOptions): Promise<CommitteeOutcome> {
  const world = await World.create(options);
  const storm = new Storm(world, new Random(options.seed, "storm"), options.stormMs);
  const client = new Client(world, new Random(options.seed, "client"), options.clientMeanMs);
  const liars = startLiars(world, options);
  if (options.restores) restoreLater(world, options);
  client.start();
  storm.start(options.faultMeanMs);
  await world.run(options.stormMs);
  liars?.stop();
  await storm.end();
  const failure = (await settle(world, client)) ?? (await verdict(world, client, liars));
  const head = world.validator(0).node?.head?.record.epoch ?? 0;
  world.audit.note(world.timeline.nowMs, `${failure} ${client.promised.length} ${head}`);
  const kept = world.validators.map(({ node }) => node?.durable?.evidence.length ?? 0);
  world.stop();
  return {
    failure,
    evidence: kept.reduce((sum, count) => sum + count, 0),
    digest: world.audit.digest(),
    promised: client.promised.length,
    epochs: head,
    events: world.audit.events,
    trace: world.audit.lines,
  };
}

function startLiars(world: World, { liars, seed }: RunOptions): Liars | null {
  if (liars === null) return null;
  const voters = world.validators.slice(0, liars.voters).map(({ name }) => name);
  const started = new Liars(world, new Random(seed, "liars"), "c0", voters, liars.chance);
  started.start();
  return started;
}

/** A copy is made early and put back late; the key that it holds is not used again. */
function restoreLater(world: World, { stormMs, seed }: RunOptions): void {
  const node = world.validator(new Random(seed, "restore").below(world.validators.length));
  world.timeline.after(stormMs / 4, () => {
    const copy = node.store.copy();
    world.timeline.after(stormMs / 2, async () => {
      node.crash();
      node.store = copy;
      node.signer = world.options.signer(`${node.name} after its restore`);
      await node.start();
    });
  });
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
  const heights = world.validators
    .filter((one) => one.signer === one.config.signer)
    .map(({ node }) => node?.durable?.base.height ?? -2);
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

async function verdict(world: World, client: Client, liars: Liars | null): Promise<string | null> {
  const { auditor } = world;
  const faults = world.nodes.flatMap(({ name, node }) =>
    node === null || node.fault === null ? [] : [`${name}: ${String(node.fault)}`],
  );
  if (faults.length > 0) return `a node stopped by itself: ${faults.join()}`;
  if (liars === null && world.unwritten.length > 0) return `unwritten: ${world.unwritten.join()}`;
  if (auditor.doubles.length > 0) return "two certificates at one height of one epoch";
  if (!auditor.offsetsGoUp) return "an offset is used twice";
  const leader = world.leader();
  if (leader === null) return "nobody leads";
  const broken = await client.broken(leader.disks.log);
  const isLost = auditor.lost.length > 0 || broken.length > 0;
  if (liars !== null) return unpunished(world, liars, isLost);
  if (isLost) return `lost ${JSON.stringify(auditor.lost)}, broken promises ${broken.join()}`;
  return auditor.doubleAcks.length > 0 ? "an honest member acked twice" : null;
}

/**
 * With liars something may be lost, never without evidence; and a fork whose sides were both acked by
 * honest members is proven by one of them, whether it came to anything or not.
 */
function unpunished(world: World, liars: Liars, isLost: boolean): string | null {
  const evidence = world.validators.flatMap(({ node }) => node?.durable?.evidence ?? []);
  const proven = new Set(
    evidence.flatMap((one) => (one.kind === "fork" ? [one.pair[0].header.epoch] : [])),
  );
  if (isLost && proven.size === 0) return "something certified is lost, and nobody can prove why";
  const { acked } = world.auditor;
  const isHonest = (hash: Hash32): boolean =>
    acked(hash).some((member) => !world.secondVoices.has(member));
  const open = liars.twins.filter(
    ({ original, forged, epoch }) =>
      isHonest(original.hash) && isHonest(forged.hash) && !proven.has(epoch),
  );
  return open.length > 0 ? "a fork was acked on both sides, without evidence" : null;
}
