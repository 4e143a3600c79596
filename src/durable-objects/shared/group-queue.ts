/**
 * Inputs that are handled in groups, first come first served, in the memory of one object.
 *
 * Whoever handles a group answers each of its inputs by itself. Nothing is kept: when the object dies, its
 * callers learn that their call failed.
 */

import { CHUNK_OPS_MAX, QUEUE_OPS_MAX } from "../../core/types/protocol.ts";
import type { ObjectTime } from "./committee-clock.ts";

export type Waiting<Input, Outcome> = {
  readonly input: Input;
  readonly reply: (outcome: Outcome) => void;
};

export type GroupOptions<Input, Outcome> = {
  readonly later: ObjectTime["later"];
  /** How long the first input of a group waits for company; 0: until the turn is over. */
  readonly waitMs: number;
  /**
   * Handles at most `CHUNK_OPS_MAX` inputs, at least one. The next group is handled in a later turn, and
   * where there is a promise only after it is settled; it must not be rejected.
   */
  readonly handle: (group: readonly Waiting<Input, Outcome>[]) => Promise<void> | null;
};

export class GroupQueue<Input, Outcome> {
  readonly #options: GroupOptions<Input, Outcome>;
  #waiting: Waiting<Input, Outcome>[] = [];
  /** The next group, and whether it waits for company or comes as soon as the turn is over. */
  #timer: { readonly cancel: () => void; readonly delayMs: number } | null = null;
  #isHandling = false;

  constructor(options: GroupOptions<Input, Outcome>) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#waiting.length >= QUEUE_OPS_MAX;
  }

  /** Resolves with the answer to this input; null when the queue is full. */
  add(input: Input): Promise<Outcome> | null {
    if (this.isFull) return null;
    return new Promise((reply) => {
      this.#waiting.push({ input, reply });
      this.#schedule(this.#waiting.length >= CHUNK_OPS_MAX ? 0 : this.#options.waitMs);
    });
  }

  /** A full group does not wait out the time that was set for a smaller one. */
  #schedule(delayMs: number): void {
    if (this.#isHandling) return;
    if (this.#timer !== null) {
      if (this.#timer.delayMs <= delayMs) return;
      this.#timer.cancel();
    }
    const cancel = this.#options.later(() => {
      this.#timer = null;
      this.#handleOne();
    }, delayMs);
    this.#timer = { cancel, delayMs };
  }

  /** One group a turn, so that a full queue does not keep other events waiting. */
  #handleOne(): void {
    const handling = this.#options.handle(this.#waiting.splice(0, CHUNK_OPS_MAX));
    if (handling === null) {
      this.#goOn();
      return;
    }
    this.#isHandling = true;
    void handling.then(() => {
      this.#isHandling = false;
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#waiting.length > 0) this.#schedule(0);
  }
}
