/**
 * Shows the others what was given up, until it may be taken that they heard: the proof of a fork is in two
 * hands, and one message may be lost.
 */

import type { LineChunk } from "../core/consensus/line.ts";
import { Alarm, type Clock } from "./clock.ts";
import type { Gossip } from "./messages.ts";

/** The wait doubles from the first to the last; a restart begins anew. */
const FIRST_MS = 1_000;
const LAST_MS = 64_000;

export class GivenUpGossip {
  readonly #clock: Clock;
  readonly #toOthers: (message: Gossip) => void;
  readonly #alarm: Alarm;
  #chunks: readonly LineChunk[] = [];
  #waitMs = FIRST_MS;

  constructor(clock: Clock, toOthers: (message: Gossip) => void) {
    this.#clock = clock;
    this.#toOthers = toOthers;
    this.#alarm = new Alarm(clock, () => this.#again());
  }

  show(chunks: readonly LineChunk[]): void {
    if (chunks.length === 0) return;
    this.#chunks = chunks;
    this.#waitMs = FIRST_MS;
    this.#again();
  }

  stop(): void {
    this.#alarm.set(Number.POSITIVE_INFINITY);
  }

  #again(): void {
    this.#toOthers({ is: "given-up", headers: this.#chunks.map(({ signed }) => signed) });
    if (this.#waitMs > LAST_MS) return;
    this.#alarm.set(this.#clock.nowMs() + this.#waitMs);
    this.#waitMs *= 2;
  }
}
