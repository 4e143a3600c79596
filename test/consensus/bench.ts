/** One validator's step function on a bench: events in, effects out, and a disk that can be slow or lost. */

import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import type { LineChunk } from "../../src/core/consensus/line.ts";
import { EMPTY_FEED, type Feed } from "../../src/core/consensus/take-in.ts";
import { type ChunkRef, candidateIndex, epoch } from "../../src/core/consensus/types.ts";
import {
  stepValidator,
  type ValidatorState,
  wakeValidator,
} from "../../src/core/consensus/validator.ts";
import type { ValidatorEffect, ValidatorEvent } from "../../src/core/consensus/validator-events.ts";
import { applyRows, newValidator } from "../../src/core/consensus/validator-state.ts";
import type { Hash32 } from "../../src/core/types/hex.ts";
import { GENESIS, keyOf } from "./lines.ts";

/** A validator whose payloads are good and whose disk answers when it is told to. */
export class Bench {
  state: ValidatorState;
  /** What the disk confirmed. */
  stored = newValidator(GENESIS);
  said: ValidatorEffect[] = [];
  #writes: (ValidatorEffect & { readonly do: "write" })[] = [];
  isDiskSlow = false;
  badPayloads: string[] = [];
  /** Payloads are judged when `judge` says so. */
  isCheckSlow = false;
  readonly #checks: { readonly offer: number; readonly hash: Hash32 }[] = [];

  constructor(key: Uint8Array = keyOf(0)) {
    this.state = wakeValidator(key, this.stored);
  }

  step(event: ValidatorEvent): readonly ValidatorEffect[] {
    const before = this.said.length;
    this.#step(event);
    if (!this.isDiskSlow) this.sync();
    return this.said.slice(before);
  }

  #step(event: ValidatorEvent): void {
    const { state, effects } = stepValidator(this.state, event);
    this.state = state;
    for (const effect of effects) {
      if (effect.do === "write") this.#writes.push(effect);
      else if (effect.do === "check") {
        for (const { ref } of effect.chunks) {
          this.#checks.push({ offer: effect.offer, hash: ref.hash });
        }
        if (!this.isCheckSlow) this.#judge((hash) => !this.badPayloads.includes(hash));
      } else this.said.push(effect);
    }
  }

  /** The oldest `count` payloads get their verdict. */
  judge(isValid: boolean, count: number): readonly ValidatorEffect[] {
    const before = this.said.length;
    this.#judge(() => isValid, count);
    this.sync();
    return this.said.slice(before);
  }

  #judge(isValid: (hash: Hash32) => boolean, count = this.#checks.length): void {
    for (const { offer, hash } of this.#checks.splice(0, count)) {
      this.#step({ is: "checked", offer, hash, isValid: isValid(hash) });
    }
  }

  /** Everything reaches the disk, in order. */
  sync(): void {
    for (let next = this.#writes.shift(); next !== undefined; next = this.#writes.shift()) {
      this.stored = applyRows(this.stored, next.rows);
      this.#step({ is: "written", write: next.write });
    }
  }

  /** Memory is gone, and so is what the disk did not confirm. */
  crash(key: Uint8Array = this.state.key): void {
    this.#writes = [];
    this.state = wakeValidator(key, this.stored);
  }

  offer(
    chunks: readonly LineChunk[],
    target: ChunkRef | null | undefined = chunks.at(-1)?.ref,
    known: KnownRecord = GENESIS,
    feed: Partial<Feed> = {},
  ): readonly ValidatorEffect[] {
    const { hash, record } = known;
    return this.step({
      is: "offer",
      from: "leader",
      feed: { ...EMPTY_FEED, chunks, ...feed },
      wish: { is: "ack", epoch: record.epoch, recordHash: hash, target: target ?? null },
    });
  }

  prepare(at: number, candidate = 1, known = GENESIS): readonly ValidatorEffect[] {
    return this.step({
      ...{ is: "prepare", from: "candidate", recordHash: known.hash },
      ...{ epoch: epoch(at), candidate: candidateIndex(candidate) },
    });
  }
}

export const kinds = (effects: readonly ValidatorEffect[]): readonly string[] =>
  effects.map((effect) => effect.do).filter((kind) => kind !== "alive");

export const ackOf = (effects: readonly ValidatorEffect[]) =>
  effects.find((effect) => effect.do === "ack")?.statement ?? null;
