/**
 * Faults of a run, drawn from its seed: crashes, partitions, one-way loss, bad weather, slow members.
 *
 * Every fault ends by itself after a while, so that the storm passes; what a Byzantine run adds is in
 * `byzantine.ts`.
 */

import type { Random } from "../sim/random.ts";
import { CALM, type Weather } from "./network.ts";
import type { SimCandidate, SimValidator } from "./nodes.ts";
import type { World } from "./world.ts";

export type Kind = "crash" | "partition" | "one-way" | "weather" | "slow" | "transfer" | "blackout";

const KINDS: readonly Kind[] = [
  "crash",
  "partition",
  "one-way",
  "weather",
  "slow",
  "transfer",
  "blackout",
];

export class Storm {
  readonly #world: World;
  readonly #random: Random;
  readonly #endMs: number;
  readonly counts: Record<Kind, number> = {
    crash: 0,
    partition: 0,
    "one-way": 0,
    weather: 0,
    slow: 0,
    transfer: 0,
    blackout: 0,
  };

  constructor(world: World, random: Random, durationMs: number) {
    this.#world = world;
    this.#random = random;
    this.#endMs = world.timeline.nowMs + durationMs;
  }

  get isOver(): boolean {
    return this.#world.timeline.nowMs >= this.#endMs;
  }

  start(meanMs: number): void {
    this.#world.timeline.after(this.#random.waitMs(meanMs), () => {
      if (this.isOver) return;
      this.#strike(this.#random.pick(KINDS));
      this.start(meanMs);
    });
  }

  /** Calm weather, whole links, everybody up. */
  async end(): Promise<void> {
    const { network, nodes } = this.#world;
    network.heal();
    network.weather = CALM;
    network.slow.clear();
    for (const node of nodes) await node.start();
  }

  #strike(kind: Kind): void {
    const { timeline, audit } = this.#world;
    const lastsMs = this.#random.waitMs(4_000);
    this.counts[kind] += 1;
    audit.note(timeline.nowMs, `fault ${kind} for ${lastsMs}`);
    switch (kind) {
      case "crash":
        this.#crash(this.#random.pick(this.#world.nodes), lastsMs);
        return;
      case "partition":
        this.#partition(lastsMs);
        return;
      case "one-way":
        this.#oneWay(lastsMs);
        return;
      case "weather":
        this.#weather(lastsMs);
        return;
      case "slow":
        this.#slow(lastsMs);
        return;
      case "transfer":
        void this.#world.leader()?.node?.transferLeader();
        return;
      case "blackout":
        // Everybody at once: what nobody had written is nowhere any more.
        for (const node of this.#world.validators) this.#crash(node, lastsMs / 8);
        for (const node of this.#world.candidates) {
          const isLeader = node === this.#world.leader();
          this.#crash(node, isLeader ? lastsMs * 4 : lastsMs / 8);
        }
        return;
    }
  }

  #crash(node: SimValidator | SimCandidate, lastsMs: number): void {
    node.crash();
    this.#world.timeline.after(Math.ceil(lastsMs), async () => await node.start());
  }

  #partition(lastsMs: number): void {
    const { network, nodes, timeline } = this.#world;
    const sides: [string[], string[]] = [[], []];
    for (const { name } of nodes) sides[this.#random.below(2)]?.push(name);
    network.partition(sides);
    timeline.after(lastsMs, () => network.heal());
  }

  #oneWay(lastsMs: number): void {
    const { network, nodes, timeline } = this.#world;
    const deaf = this.#random.pick(nodes).name;
    const isDeaf = this.#random.chance(0.5);
    for (const { name } of nodes) {
      if (name === deaf) continue;
      if (isDeaf) network.cut(name, deaf);
      else network.cut(deaf, name);
    }
    timeline.after(lastsMs, () => network.heal());
  }

  #weather(lastsMs: number): void {
    const { network, timeline } = this.#world;
    const weather: Weather = {
      delayLeastMs: 1,
      delayMostMs: this.#random.between(5, 400),
      loss: this.#random.unit() * 0.3,
      doubling: this.#random.unit() * 0.3,
    };
    network.weather = weather;
    timeline.after(lastsMs, () => {
      if (network.weather === weather) network.weather = CALM;
    });
  }

  #slow(lastsMs: number): void {
    const { network, validators, timeline } = this.#world;
    const { name } = this.#random.pick(validators);
    network.slow.set(name, this.#random.between(50, 2_000));
    timeline.after(lastsMs, () => {
      network.slow.delete(name);
    });
  }
}
