/** The scheduler's queue of direct inputs that no frame has covered yet: first in, first out. */

import type { DirectInput } from "../application/application.ts";

/** Below this, the dead front of the array is not worth moving the rest. */
const COMPACT_MIN = 1024;

/** Taking from the front moves nothing; the array is compacted when half of it is dead. */
export class Fridge {
  #inputs: DirectInput[];
  #front = 0;

  constructor(inputs: readonly DirectInput[]) {
    this.#inputs = [...inputs];
  }

  push(input: DirectInput): void {
    this.#inputs.push(input);
  }

  /** Takes the front out if `isDue` says so of it. Null: the queue is empty or its front waits. */
  takeIf(isDue: (input: DirectInput) => boolean): DirectInput | null {
    const front = this.#inputs[this.#front];
    if (front === undefined || !isDue(front)) return null;
    this.#front++;
    if (this.#front >= COMPACT_MIN && this.#front * 2 >= this.#inputs.length) {
      this.#inputs = this.#inputs.slice(this.#front);
      this.#front = 0;
    }
    return front;
  }

  /** From the front to the back. */
  contents(): readonly DirectInput[] {
    return this.#inputs.slice(this.#front);
  }
}
