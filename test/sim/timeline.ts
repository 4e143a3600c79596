/**
 * Virtual time: events in a queue, run one after the other, each to its end.
 *
 * Nothing else passes time. Between two events every promise that can go on has gone on, so the state
 * of the world between events is a fact, and the order of events is the whole schedule.
 */

import { assert, must } from "../../src/core/types/assert.ts";

type Event = {
  readonly atMs: number;
  /** Breaks ties: what was scheduled first runs first. */
  readonly order: number;
  readonly run: () => void | Promise<void>;
  isCancelled: boolean;
};

export class Timeline {
  /** A binary heap. */
  readonly #heap: Event[] = [];
  #order = 0;
  #nowMs = 0;

  /** Milliseconds since the run began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs `run` at `atMs`, or now if that is past; the answer cancels it. */
  at(atMs: number, run: () => void | Promise<void>): () => void {
    assert(Number.isFinite(atMs), "an event has a time");
    const event = {
      atMs: Math.max(atMs, this.#nowMs),
      order: this.#order++,
      run,
      isCancelled: false,
    };
    this.#push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  after(delayMs: number, run: () => void | Promise<void>): () => void {
    return this.at(this.#nowMs + delayMs, run);
  }

  /** Runs events until `isDone` holds after one of them, or none is left before `endMs`. */
  async run(endMs: number, isDone: () => boolean): Promise<boolean> {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      if (next.isCancelled) continue;
      this.#nowMs = next.atMs;
      await next.run();
      if (isDone()) return true;
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    return isDone();
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = must(heap[up], "a heap is dense");
      if (isBefore(parent, event)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = must(heap.pop(), "there is an event");
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let least = left;
      if (right !== undefined && isBefore(right, left)) {
        least = right;
        child += 1;
      }
      if (isBefore(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Resolves when every promise that can go on has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
