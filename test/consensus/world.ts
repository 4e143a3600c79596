/** A committee in a simulated network: validators, candidates, and an auditor of everything that is signed. */

import type { Judge } from "../../src/consensus/clock.ts";
import { foundCommittee } from "../../src/consensus/committee.ts";
import { CONDUCTOR_RULES, type ConductorRules } from "../../src/consensus/conductor-types.ts";
import { recordChainManager } from "../../src/consensus/epoch-manager.ts";
import { checkLinkage, type PayloadCheck } from "../../src/consensus/payload.ts";
import {
  ELECTION_RULES,
  type ElectionRules,
  type Succession,
} from "../../src/core/consensus/election-rules.ts";
import type { AsyncSigner } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { address } from "../../src/core/types/hex.ts";
import { Audit } from "../sim/audit.ts";
import { Random } from "../sim/random.ts";
import { settled, Timeline } from "../sim/timeline.ts";
import { Auditor } from "./auditor.ts";
import { type Block, blockAfter } from "./block.ts";
import { Network } from "./network.ts";
import { type Ground, SimCandidate, SimValidator } from "./nodes.ts";
import { unwritten } from "./said.ts";
import { testJudge, testSigner } from "./test-scheme.ts";

export type WorldOptions = {
  readonly seed: number;
  readonly validators: number;
  readonly candidates: number;
  readonly quorum: number | null;
  readonly diskMs: number;
  readonly election: ElectionRules;
  readonly rules: ConductorRules;
  readonly isTracing: boolean;
  readonly checkPayload: PayloadCheck;
  readonly openManager: typeof recordChainManager;
  readonly succession: Succession;
  readonly judge: Judge;
  readonly signer: (name: string) => AsyncSigner;
};

export const DEFAULTS: WorldOptions = {
  seed: 1,
  validators: 4,
  candidates: 2,
  quorum: 3,
  diskMs: 3,
  election: ELECTION_RULES,
  rules: CONDUCTOR_RULES,
  isTracing: false,
  checkPayload: checkLinkage,
  openManager: recordChainManager,
  succession: "any",
  judge: testJudge,
  signer: testSigner,
};

export class World {
  readonly options: WorldOptions;
  readonly timeline: Timeline;
  readonly audit: Audit;
  readonly network: Network;
  readonly auditor: Auditor;
  readonly ground: Ground;
  readonly validators: readonly SimValidator[];
  readonly candidates: readonly SimCandidate[];
  /** Members, by index, that a liar made ack more than they would. */
  readonly secondVoices = new Set<number>();
  /** What validators said before it was on their disks. */
  readonly unwritten: string[] = [];
  #texts = 0;

  private constructor(ground: Ground, options: WorldOptions, audit: Audit) {
    this.options = options;
    this.ground = ground;
    this.audit = audit;
    this.timeline = ground.timeline;
    this.network = ground.network;
    this.auditor = new Auditor(ground.genesis.known, (line) =>
      audit.note(ground.timeline.nowMs, line),
    );
    this.network.watchers.push((from, message) => {
      this.auditor.observe(message);
      const node = this.validators.find(({ name }) => name === from);
      const missing = node === undefined ? null : unwritten(message, node.store.image);
      if (missing !== null) this.unwritten.push(`${from}: ${missing}`);
    });
    this.validators = names("v", options.validators).map(
      (name) =>
        new SimValidator(name, ground, {
          signer: options.signer(name),
          rules: { ...options.election, succession: options.succession },
          checkPayload: options.checkPayload,
        }),
    );
    this.candidates = names("c", options.candidates).map(
      (name) =>
        new SimCandidate(name, ground, {
          signer: options.signer(name),
          rules: options.rules,
          openManager: options.openManager,
        }),
    );
  }

  /** Everybody is up; `c0` leads. */
  static async create(change: Partial<WorldOptions> = {}): Promise<World> {
    const options = { ...DEFAULTS, ...change };
    const audit = new Audit(options.isTracing);
    const timeline = new Timeline();
    const random = new Random(options.seed, "nodes");
    const network = new Network(timeline, new Random(options.seed, "network"), audit);
    const party = (name: string) => ({ signer: options.signer(name), endpoint: name });
    const genesis = await foundCommittee(
      {
        chainId: 31_337,
        app: address(`0x${"11".repeat(20)}`),
        era: new Uint8Array(16).fill(7),
        members: names("v", options.validators).map(party),
        candidates: names("c", options.candidates).map((id) => ({ id, ...party(id) })),
        leader: "c0",
        quorum: options.quorum,
      },
      options.judge.schemes,
    );
    const { judge, diskMs } = options;
    const world = new World({ timeline, network, random, judge, diskMs, genesis }, options, audit);
    for (const node of world.nodes) await node.start();
    return world;
  }

  get nodes(): readonly (SimValidator | SimCandidate)[] {
    return [...this.validators, ...this.candidates];
  }

  validator(at: number): SimValidator {
    return must(this.validators[at], "there is such a validator");
  }

  candidate(at: number): SimCandidate {
    return must(this.candidates[at], "there is such a candidate");
  }

  /** Lets time pass, until something holds. Between events all that can go on has gone on. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<boolean> {
    const end = this.timeline.nowMs + ms;
    await settled();
    if (isDone()) return true;
    while (this.timeline.nowMs < end) {
      const hasRun = await this.timeline.run(end, () => true);
      await settled();
      if (isDone()) return true;
      if (!hasRun) break;
    }
    return isDone();
  }

  /** Who serves the newest epoch; null when nobody serves. A stale leader may not know yet that it is. */
  leader(): SimCandidate | null {
    const serving = this.candidates.filter((one) => one.node?.leader() === true);
    const epochOf = ({ manager }: SimCandidate): number => manager?.current().record.epoch ?? -1;
    return serving.toSorted((a, b) => epochOf(b) - epochOf(a))[0] ?? null;
  }

  /** Runs until somebody serves. */
  async led(ms = 60_000): Promise<SimCandidate> {
    await this.run(ms, () => this.leader() !== null);
    return must(this.leader(), "somebody leads in time");
  }

  /** Lets time pass until a promise has ended. */
  async settle<T>(promise: Promise<T>, ms = 60_000): Promise<T> {
    const ended: T[] = [];
    void promise.then((value) => ended.push(value));
    await this.run(ms, () => ended.length > 0);
    const [value] = ended;
    if (value === undefined) throw new Error("a promise ends in time");
    return value;
  }

  /** Commits a next block through `by`. */
  async commit(by: SimCandidate) {
    const block = await this.nextBlock(by);
    return { block, result: await this.settle(by.running.commit(block)) };
  }

  async nextBlock(by: SimCandidate): Promise<Block> {
    const latest = await by.running.latest({ level: "accepted" });
    this.#texts += 1;
    return blockAfter(latest?.payload ?? null, `block ${this.#texts}`);
  }

  stop(): void {
    for (const node of this.nodes) node.crash();
  }
}

export function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}
