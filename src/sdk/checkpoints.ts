/**
 * States that a replica can go back to, dense near the present and sparse behind it. Pure.
 *
 * A rollback mostly voids little. With distances that grow with age, few states reach far back, and what
 * has to be executed again is never much more than what was voided.
 */

export type Checkpoint = {
  /** The last record that the state has. */
  readonly offset: number;
  readonly bytes: Uint8Array;
};

export const CHECKPOINTS_MAX = 8;
/** Of all states together; the two newest are kept whatever they weigh. */
export const CHECKPOINT_BYTES_MAX: number = 96 * 1024 * 1024;

export class Checkpoints {
  #all: Checkpoint[] = [];

  get newest(): Checkpoint | null {
    return this.#all.at(-1) ?? null;
  }

  get offsets(): readonly number[] {
    return this.#all.map(({ offset }) => offset);
  }

  /** `checkpoint` lies beyond those that are here. */
  add(checkpoint: Checkpoint): void {
    this.#all.push(checkpoint);
    while (this.#isTooMuch()) this.#all.splice(this.#superfluous(), 1);
  }

  /** A rollback: what lies beyond `keepThrough` is void. */
  keepThrough(keepThrough: number): void {
    this.#all = this.#all.filter(({ offset }) => offset <= keepThrough);
  }

  clear(): void {
    this.#all = [];
  }

  #isTooMuch(): boolean {
    const bytes = this.#all.reduce((sum, one) => sum + one.bytes.length, 0);
    const isHeavy = bytes > CHECKPOINT_BYTES_MAX && this.#all.length > 2;
    return isHeavy || this.#all.length > CHECKPOINTS_MAX;
  }

  /** Index of the one whose absence makes the least gap for its age; never the newest. */
  #superfluous(): number {
    const tip = this.#all.at(-1)?.offset ?? 0;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#all.length - 1; i++) {
      const before = this.#all[i - 1]?.offset ?? 0;
      const gap = ((this.#all[i + 1]?.offset ?? tip) - before) / Math.max(tip - before, 1);
      if (gap < least) {
        least = gap;
        best = i;
      }
    }
    return best;
  }
}
