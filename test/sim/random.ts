/**
 * Randomness of a run: one integer names it, and every purpose draws from a stream of its own.
 *
 * Streams are independent, so that a fault kind that is switched off takes no draw from another one:
 * that is what makes a failing run shrinkable.
 */

import { createHash } from "node:crypto";
import { must } from "../../src/core/types/assert.ts";

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number, stream: string) {
    const bytes = createHash("sha256").update(`${seed}/${stream}`).digest();
    this.#a = bytes.readUInt32LE(0);
    this.#b = bytes.readUInt32LE(4);
    this.#c = bytes.readUInt32LE(8);
    this.#d = bytes.readUInt32LE(12) | 1;
  }

  /** Uniform in [0, 1), by the generator sfc32. */
  unit(): number {
    const sum = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return must(from[this.below(from.length)], "there is something to pick from");
  }

  /** A waiting time with this mean, at least 1: memoryless, so faults meet each other at all distances. */
  waitMs(meanMs: number): number {
    return Math.max(1, Math.round(-Math.log(1 - this.unit()) * meanMs));
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
