/** A stream of epochs for whoever wants to know who leads. */

export type EpochChange = {
  readonly epoch: number;
  /** A candidate's id. */
  readonly leader: string;
  readonly isServingHere: boolean;
};

/** Changes that a slow reader has not taken; the oldest are dropped, since each one tells everything. */
const BEHIND_MAX = 64;

export class EpochChannel {
  readonly #readers = new Set<Reader>();
  #isClosed = false;

  push(change: EpochChange): void {
    for (const reader of this.#readers) reader.push(change);
  }

  close(): void {
    this.#isClosed = true;
    for (const reader of this.#readers) reader.close();
  }

  /** Begins with `first`. */
  subscribe(first: EpochChange): AsyncIterable<EpochChange> {
    const reader = new Reader(() => this.#readers.delete(reader));
    this.#readers.add(reader);
    reader.push(first);
    if (this.#isClosed) reader.close();
    return { [Symbol.asyncIterator]: () => reader };
  }
}

class Reader implements AsyncIterator<EpochChange> {
  readonly #leave: () => void;
  #changes: EpochChange[] = [];
  #wake: (() => void) | null = null;
  #isClosed = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  push(change: EpochChange): void {
    this.#changes = [...this.#changes, change].slice(-BEHIND_MAX);
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<EpochChange, undefined>> {
    while (this.#changes.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#changes.shift();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<EpochChange, undefined>> {
    this.close();
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }
}
