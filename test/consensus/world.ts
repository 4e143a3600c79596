/** A committee in a simulated network: validators, candidates, and an auditor of everything that is signed. */

import { Audit } from "../sim/audit.ts";
import { Random } from "../sim/random.ts";
import { settled, Timeline } from "../sim/timeline.ts";
import { foundCommittee } from "../../src/consensus/committee.ts";
import type { Judge } from "../../src/consensus/clock.ts";
import { CONDUCTOR_RULES, type ConductorRules } from "../../src/consensus/conductor-types.ts";
import { ELECTION_RULES, type ElectionRules } from "../../src/core/consensus/election-rules.ts";
import type { AsyncSigner } from "../../src/core/consensus/types.ts";
import { address } from "../../src/core/types/hex.ts";
import { must } from "../../src/core/types/assert.ts";
import { Auditor } from "./auditor.ts";
import { type Block, blockAfter } from "./block.ts";
import { Network } from "./network.ts";
import { type Ground, SimCandidate, SimValidator } from "./nodes.ts";
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
    this.network.watchers.push((_from, message) => this.auditor.observe(message));
    this.validators = names("v", options.validators).map(
      (name) =>
        new SimValidator(name, ground, { signer: options.signer(name), rules: options.election }),
    );
    this.candidates = names("c", options.candidates).map(
      (name) =>
        new SimCandidate(name, ground, { signer: options.signer(name), rules: options.rules }),
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

  /** Who serves now; null when nobody does. */
  leader(): SimCandidate | null {
    return this.candidates.find((one) => one.node?.leader() === true) ?? null;
  }

  /** Runs until somebody serves. */
  async led(ms = 60_000): Promise<SimCandidate> {
    await this.run(ms, () => this.leader() !== null);
    return must(this.leader(), "somebody leads in time");
  }

  /** Commits a next block through `by`, and lets time pass until that has ended. */
  async commit(by: SimCandidate, ms = 30_000) {
    const block = await this.nextBlock(by);
    const state: { result: Awaited<ReturnType<typeof by.running.commit>> | null } = { result: null };
    void by.running.commit(block).then((result) => {
      state.result = result;
    });
    await this.run(ms, () => state.result !== null);
    return { block, result: must(state.result, "a commit ends in time") };
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
