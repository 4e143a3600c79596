/** A leader's broadcast that a test steps one event at a time, at the time that it says. */

import type { Untimed } from "../../src/consensus/clock.ts";
import { startBroadcast, stepBroadcast } from "../../src/core/consensus/broadcast.ts";
import {
  BROADCAST_RULES,
  type BroadcastEffect,
  type BroadcastEvent,
  type BroadcastRules,
  type BroadcastState,
} from "../../src/core/consensus/broadcast-state.ts";
import { type ChunkRef, epoch, height, memberIndex } from "../../src/core/consensus/types.ts";
import { hash32 } from "../../src/core/types/hex.ts";

export const refAt = (at: number): ChunkRef => ({
  height: height(at),
  hash: hash32(`0x${at.toString(16).padStart(64, "a")}`),
});

export class Leader {
  state: BroadcastState;
  nowMs = 1_000;

  constructor(rules: Partial<BroadcastRules> = {}) {
    this.state = startBroadcast({
      rules: { ...BROADCAST_RULES, members: 4, quorum: 3, ...rules },
      ...{ epoch: epoch(2), certified: null, tail: [], checkpoint: null, nowMs: this.nowMs },
    });
  }

  step(event: Untimed<BroadcastEvent>): readonly BroadcastEffect[] {
    const { state, effects } = stepBroadcast(this.state, { ...event, nowMs: this.nowMs });
    this.state = state;
    return effects;
  }

  append(at: number, events = 1): readonly BroadcastEffect[] {
    return this.step({ is: "appended", chunks: [{ ...refAt(at), events }] });
  }

  ack(member: number, at: number): readonly BroadcastEffect[] {
    const by = { member: memberIndex(member), signature: new Uint8Array(64).fill(member) };
    return this.step({ is: "acked", chunk: refAt(at), by });
  }

  holds(member: number, through: number): readonly BroadcastEffect[] {
    return this.step({ is: "holds", member: memberIndex(member), through });
  }

  /** Appends up to `at` and certifies that, with one ack of each of three. */
  certify(at: number): readonly BroadcastEffect[] {
    const newest = this.state.tail.at(-1) ?? this.state.certified;
    const from = (newest?.height ?? -1) + 1;
    for (let i = from; i <= at; i++) this.append(i);
    this.nowMs += BROADCAST_RULES.roundGapMs;
    this.step({ is: "tick" });
    // A round that began before the last chunk ends first.
    const first = this.state.round?.target.height ?? at;
    const effects = [0, 1, 2].flatMap((member) => this.ack(member, first));
    return first === at ? effects : [...effects, ...this.certify(at)];
  }
}
