/** How a leader, or an operator, asks for another one: one member after the other is asked to stand. */

import type { BroadcastState } from "../core/consensus/broadcast-state.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import type { CandidateIndex } from "../core/consensus/types.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { Alarm, type Surroundings } from "./clock.ts";
import type { ConductorRules } from "./conductor-types.ts";
import type { EpochManager } from "./epoch-manager.ts";
import type { TransferError } from "./errors.ts";

/** Transfers that are asked for here, one at a time. */
export class HandOvers {
  readonly #manager: EpochManager;
  readonly #rules: ConductorRules;
  readonly #around: Surroundings;
  #isStopped = false;
  #isBusy = false;

  constructor(manager: EpochManager, rules: ConductorRules, around: Surroundings) {
    this.#manager = manager;
    this.#rules = rules;
    this.#around = around;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** `broadcast`: what a leader knows of its members; null where this candidate does not lead. */
  async transfer(
    to: string | null,
    broadcast: BroadcastState | null,
  ): Promise<Result<KnownRecord, TransferError>> {
    if (this.#isStopped) return err({ reason: "stopped" });
    if (this.#isBusy) return err({ reason: "in-progress" });
    const successor = this.#manager.successor(to);
    if (!successor.ok) return err({ reason: successor.error });
    this.#isBusy = true;
    const isOver = (): boolean => this.#isStopped;
    const { random } = this.#around;
    const { length } = this.#manager.current().record.members;
    const order = broadcast === null ? anyOrder(length, random()) : newestFirst(broadcast);
    const parts = { manager: this.#manager, rules: this.#rules, candidate: successor.value };
    const moved = await handOver({ ...parts, order, isOver }, this.#around);
    this.#isBusy = false;
    return moved === null ? err({ reason: "timeout" }) : ok(moved);
  }
}

type HandOver = {
  readonly manager: EpochManager;
  readonly rules: ConductorRules;
  /** Null: whoever's turn it is. */
  readonly candidate: CandidateIndex | null;
  /** Members by their index, in the order in which they are asked. */
  readonly order: readonly number[];
  readonly isOver: () => boolean;
};

/** A member that lacks what others acked gets no vote of theirs, and the attempt costs a term. */
function newestFirst({ flows, heardMs }: BroadcastState): readonly number[] {
  const holds = (member: number): number => flows[member]?.holds ?? -1;
  const heard = (member: number): number => heardMs[member] ?? 0;
  const all = flows.map((_, member) => member);
  return all.sort((a, b) => holds(b) - holds(a) || heard(b) - heard(a));
}

function anyOrder(members: number, unit: number): readonly number[] {
  const first = Math.floor(unit * members);
  return Array.from({ length: members }, (_, i) => (first + i) % members);
}

/** A member gets the time of an election and a takeover before the next one is asked. */
const ANSWERS_PER_MEMBER = 5;

/** The record of the epoch that follows; null when none did in time. */
function handOver(
  { manager, rules, candidate, order, isOver }: HandOver,
  { clock, transport }: Surroundings,
): Promise<KnownRecord | null> {
  const { members } = manager.current().record;
  const endMs = clock.nowMs() + rules.handOverMs;
  return new Promise((resolve) => {
    let asked = 0;
    const alarm = new Alarm(clock, () => ask());
    const unsubscribe = manager.subscribe((known) => finish(known));
    function finish(known: KnownRecord | null): void {
      alarm.set(Number.POSITIVE_INFINITY);
      unsubscribe();
      resolve(known);
    }
    function ask(): void {
      if (clock.nowMs() >= endMs || isOver()) {
        finish(null);
        return;
      }
      const member = members[order[asked % order.length] ?? 0];
      asked += 1;
      if (member !== undefined) transport.send(member.endpoint, { is: "transfer", candidate });
      alarm.set(clock.nowMs() + rules.askMs * ANSWERS_PER_MEMBER);
    }
    ask();
  });
}
