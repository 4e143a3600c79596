/** Elections of members alone, in one process and step by step: every message is handed over by hand. */

import type { Untimed } from "../../src/consensus/clock.ts";
import { startElection, stepElection } from "../../src/core/consensus/election.ts";
import { ELECTION_RULES, type ElectionRules } from "../../src/core/consensus/election-rules.ts";
import type {
  ElectionDurable,
  ElectionEffect,
  ElectionEvent,
  ElectionState,
} from "../../src/core/consensus/election-state.ts";
import { knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { memberIndex, type Tip } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { recordOf, signersOf } from "../support/committee.ts";

export type Said = { readonly from: number; readonly effect: ElectionEffect };

export class Elections {
  readonly states: ElectionState[];
  readonly durable: (ElectionDurable | null)[];
  readonly tips: (Tip | null)[];
  /** Effects that nobody has carried out. */
  said: Said[] = [];
  nowMs = 0;
  /** What the next event draws. */
  unit = 0.5;

  constructor(members: number, rules: ElectionRules = ELECTION_RULES) {
    const seeds = Array.from({ length: members }, (_, i) => i + 1);
    const head = knownRecord(recordOf(signersOf("ed25519", seeds)));
    this.durable = seeds.map(() => null);
    this.tips = seeds.map(() => null);
    this.states = seeds.map((_, i) =>
      startElection({ rules, durable: null, head, self: memberIndex(i), nowMs: 0, unit: 0.5 }),
    );
  }

  state(at: number): ElectionState {
    return must(this.states[at], "there is such a member");
  }

  step(at: number, event: Untimed<ElectionEvent>): readonly ElectionEffect[] {
    const timed = { ...event, nowMs: this.nowMs, unit: this.unit };
    const { state, effects } = stepElection(this.state(at), timed);
    this.states[at] = state;
    this.said.push(...effects.map((effect) => ({ from: at, effect })));
    return effects;
  }

  tick(at: number): readonly ElectionEffect[] {
    return this.step(at, { is: "tick", tip: this.tips[at] ?? null });
  }

  /** Carries out everything that was said, and what comes of it, except what `drop` picks. */
  settle(drop: (said: Said, to: number) => boolean = () => false): void {
    for (let next = this.said.shift(); next !== undefined; next = this.said.shift()) {
      this.#carry(next, drop);
    }
  }

  get leaders(): readonly number[] {
    return this.states.flatMap(({ role }, i) => (role === "leader" ? [i] : []));
  }

  #carry(said: Said, drop: (said: Said, to: number) => boolean): void {
    const { from, effect } = said;
    const others = this.states.map((_, i) => i).filter((i) => i !== from && !drop(said, i));
    switch (effect.do) {
      case "write":
        this.durable[from] = effect.durable;
        this.step(from, { is: "written", write: effect.write });
        return;
      case "ask":
        for (const to of others) {
          const tip = this.tips[to] ?? null;
          const { statement: ask, isTransfer } = effect;
          this.step(to, { is: "asked", ask, isTransfer, tip });
        }
        this.step(from, { is: "voted", statement: effect.statement, by: memberIndex(from) });
        return;
      case "vote":
        if (drop(said, effect.to)) return;
        this.step(effect.to, { is: "voted", statement: effect.statement, by: memberIndex(from) });
        return;
      case "deny":
        if (!drop(said, effect.to)) this.step(effect.to, { is: "denied", term: effect.term });
        return;
      case "heartbeat":
        for (const to of others) {
          this.step(to, { is: "heartbeat", term: effect.term, from: memberIndex(from) });
        }
        return;
      default:
        return;
    }
  }
}
