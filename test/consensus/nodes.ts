/** Simulated nodes: a validator and a candidate, each with its disk, its lives and its crashes. */

import type { Clock, Judge, Surroundings } from "../../src/consensus/clock.ts";
import { Conductor } from "../../src/consensus/conductor.ts";
import type { ConductorRules } from "../../src/consensus/conductor-types.ts";
import type { EpochManager, recordChainManager } from "../../src/consensus/epoch-manager.ts";
import { Metrics } from "../../src/consensus/metrics.ts";
import type { PayloadCheck } from "../../src/consensus/payload.ts";
import { Validator } from "../../src/consensus/validator.ts";
import type { MemoryValidatorStore } from "../../src/consensus/validator-store.ts";
import type { ElectionRules } from "../../src/core/consensus/election-rules.ts";
import type { SignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import type { AsyncSigner } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import type { Random } from "../sim/random.ts";
import type { Timeline } from "../sim/timeline.ts";
import { type Block, blockType } from "./block.ts";
import {
  type CandidateDisks,
  commitLogOn,
  Disk,
  newCandidateDisks,
  newValidatorDisk,
  payloadStoreOn,
  recordStoreOn,
  validatorStoreOn,
} from "./disks.ts";
import type { Network } from "./network.ts";

export type Ground = {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: Random;
  readonly judge: Judge;
  readonly diskMs: number;
  readonly genesis: { readonly signed: SignedRecord; readonly known: KnownRecord };
};

/** The timeline as a clock whose timers end with the life that set them. */
class LifeClock implements Clock {
  readonly #timeline: Timeline;
  #isAlive = true;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  end(): void {
    this.#isAlive = false;
  }

  readonly nowMs = (): number => this.#timeline.nowMs;
  readonly at = (atMs: number, run: () => void): (() => void) =>
    this.#timeline.at(atMs, () => {
      if (this.#isAlive) run();
    });
}

type Life<T> = { readonly node: T; readonly disk: Disk; readonly clock: LifeClock };

abstract class Node<T extends { start(): Promise<void>; stop(): void }> {
  readonly name: string;
  protected readonly ground: Ground;
  #life: Life<T> | null = null;
  lives = 0;

  constructor(name: string, ground: Ground) {
    this.name = name;
    this.ground = ground;
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  /** The running node; null while it is down. */
  get node(): T | null {
    return this.#life?.node ?? null;
  }

  get running(): T {
    return must(this.node, "the node is up");
  }

  get disk(): Disk {
    return must(this.#life, "the node is up").disk;
  }

  async start(): Promise<void> {
    if (this.#life !== null) return;
    const { timeline, random, network, judge, diskMs } = this.ground;
    const disk = new Disk(timeline, random, diskMs);
    const clock = new LifeClock(timeline);
    const transport = network.endpoint(this.name);
    const around = { clock, random: () => random.unit(), transport, judge };
    this.lives += 1;
    const node = await this.build(around, disk);
    this.#life = { node, disk, clock };
    await node.start();
  }

  /** Power is gone: memory, timers and unwritten rows with it. */
  crash(): void {
    const life = this.#life;
    this.#life = null;
    if (life === null) return;
    life.disk.lose();
    life.clock.end();
    life.node.stop();
  }

  protected abstract build(around: Surroundings, disk: Disk): Promise<T>;
}

export type ValidatorConfig = {
  readonly signer: AsyncSigner;
  readonly rules: ElectionRules;
  readonly checkPayload: PayloadCheck;
};

export class SimValidator extends Node<Validator> {
  readonly config: ValidatorConfig;
  store: MemoryValidatorStore;
  metrics: Metrics = new Metrics();
  /** The key in use: an operator changes it after a restore. */
  signer: AsyncSigner;

  constructor(name: string, ground: Ground, config: ValidatorConfig) {
    super(name, ground);
    this.config = config;
    this.signer = config.signer;
    this.store = newValidatorDisk(ground.genesis.signed, ground.genesis.known);
  }

  protected override build(around: Surroundings, disk: Disk): Promise<Validator> {
    const { rules, checkPayload } = this.config;
    const { genesis } = this.ground;
    const store = validatorStoreOn(disk, this.store);
    const options = {
      ...{ rules, store, signer: this.signer, metrics: this.metrics },
      checkPayload,
      genesis: genesis.known.hash,
    };
    return Promise.resolve(new Validator(options, around));
  }
}

export type CandidateConfig = {
  readonly signer: AsyncSigner;
  readonly rules: ConductorRules;
  readonly openManager: typeof recordChainManager;
};

export class SimCandidate extends Node<Conductor<Block>> {
  readonly config: CandidateConfig;
  readonly disks: CandidateDisks;
  readonly metrics: Metrics = new Metrics();
  manager: EpochManager | null = null;

  constructor(name: string, ground: Ground, config: CandidateConfig) {
    super(name, ground);
    this.config = config;
    this.disks = newCandidateDisks(ground.genesis.signed);
  }

  protected override async build(around: Surroundings, disk: Disk): Promise<Conductor<Block>> {
    const { log, records, commits } = this.disks;
    const { signer, rules, openManager } = this.config;
    const { genesis, judge } = this.ground;
    const store = recordStoreOn(disk, records);
    this.manager = await openManager({ judge, store, genesis: genesis.known.hash });
    const options = {
      ...{ type: blockType, manager: this.manager, store: payloadStoreOn(disk, log) },
      ...{ log: commitLogOn(disk, commits), signer, rules, metrics: this.metrics, genesis: null },
    };
    return new Conductor<Block>(options, around);
  }
}
