/** One question that waits for its answer: a later one, or time, ends it. */

import type { Clock } from "./clock.ts";

export class OpenQuestion<T> {
  readonly #clock: Clock;
  readonly #answerMs: number;
  #waiting: { readonly from: string; readonly take: (answer: T | null) => void } | null = null;

  /** `answerMs`: how long an answer may take. */
  constructor(clock: Clock, answerMs: number) {
    this.#clock = clock;
    this.#answerMs = answerMs;
  }

  /** The next answer of this endpoint; null when it takes too long. */
  ask(from: string): Promise<T | null> {
    return new Promise((resolve) => {
      const cancel = this.#clock.at(this.#clock.nowMs() + this.#answerMs, () => take(null));
      const take = (answer: T | null): void => {
        cancel();
        if (this.#waiting?.take === take) this.#waiting = null;
        resolve(answer);
      };
      // Whoever waited for another endpoint waits no longer.
      this.#waiting?.take(null);
      this.#waiting = { from, take };
    });
  }

  receive(from: string, answer: T): void {
    if (this.#waiting?.from === from) this.#waiting.take(answer);
  }

  end(): void {
    this.#waiting?.take(null);
  }
}
