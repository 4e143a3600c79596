/**
 * Breadth-first search over every reachable state of a small machine, with shortest counterexamples.
 *
 * States are told apart by their keys alone. Counts are those of TLC: initial states are generated
 * too, a successor counts once for each way that leads to it, and an initial state alone is depth 1.
 * A state without successors is no error. Memory holds the key and the parent of each state; the
 * states themselves live for one level, and a trace is found again by replaying it.
 */

/** Every successor of a state goes to `reach`, once for each way in which an action can end. */
type Reach<S> = (action: string, next: S) => void;

export type Machine<S> = {
  readonly initial: readonly S[];
  readonly expand: (state: S, reach: Reach<S>) => void;
  /** Two states with one key are one state: everything that the machine looks at must be in it. */
  readonly key: (state: S) => string;
  /** What is wrong with a state; null when every invariant holds. */
  readonly broken: (state: S) => string | null;
};

export type Violation<S> = {
  readonly invariant: string;
  /** From an initial state, whose action is empty, to the state that breaks the invariant. */
  readonly trace: readonly { readonly action: string; readonly state: S }[];
};

export type Exploration<S> = {
  readonly generated: number;
  readonly distinct: number;
  /** States on the longest of the shortest paths, or on the path to the violation. */
  readonly depth: number;
  /** Whether nothing is left to explore: neither a violation nor the limit ended the search. */
  readonly isComplete: boolean;
  readonly violation: Violation<S> | null;
};

const NO_PARENT = -1;

/** Explores level by level; stops at the first violation, or once `distinctMax` states were seen. */
export function explore<S>(
  machine: Machine<S>,
  distinctMax = Number.MAX_SAFE_INTEGER,
): Exploration<S> {
  return new Search(machine).run(distinctMax);
}

type Found<S> = { readonly id: number; readonly state: S };

class Search<S> {
  readonly #machine: Machine<S>;
  readonly #ids = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #parents: number[] = [];
  #generated = 0;
  #depth = 0;
  #next: Found<S>[] = [];
  #violated: { readonly id: number; readonly invariant: string } | null = null;

  constructor(machine: Machine<S>) {
    this.#machine = machine;
  }

  run(distinctMax: number): Exploration<S> {
    for (const state of this.#machine.initial) this.#meet(state, NO_PARENT);
    let isComplete = true;
    while (this.#next.length > 0) {
      this.#depth++;
      if (this.#violated !== null) break;
      const level = this.#next;
      this.#next = [];
      for (const { id, state } of level) {
        this.#machine.expand(state, (_action, next) => this.#meet(next, id));
        if (this.#violated !== null) break;
        if (this.#keys.length >= distinctMax) isComplete = false;
        if (!isComplete) break;
      }
      if (!isComplete) break;
    }
    const violation = this.#violation();
    return {
      generated: this.#generated,
      distinct: this.#keys.length,
      depth: this.#depth,
      isComplete: isComplete && violation === null,
      violation,
    };
  }

  #meet(state: S, parent: number): void {
    this.#generated++;
    const key = this.#machine.key(state);
    if (this.#ids.has(key)) return;
    const id = this.#keys.length;
    this.#ids.set(key, id);
    this.#keys.push(key);
    this.#parents.push(parent);
    this.#next.push({ id, state });
    if (this.#violated !== null) return;
    const invariant = this.#machine.broken(state);
    if (invariant !== null) this.#violated = { id, invariant };
  }

  #violation(): Violation<S> | null {
    if (this.#violated === null) return null;
    const { id, invariant } = this.#violated;
    return { invariant, trace: this.#replay(this.#pathTo(id)) };
  }

  /** Keys from an initial state to `id`. */
  #pathTo(id: number): readonly string[] {
    const path: string[] = [];
    for (let at = id; at !== NO_PARENT; at = this.#parents[at] ?? NO_PARENT) {
      path.unshift(this.#keys[at] ?? "");
    }
    return path;
  }

  #replay(path: readonly string[]): Violation<S>["trace"] {
    const { initial, key } = this.#machine;
    const trace: { action: string; state: S }[] = [];
    let steps = initial.map((state) => ({ action: "", state }));
    for (const wanted of path) {
      const step = steps.find(({ state }) => key(state) === wanted);
      if (step === undefined)
        throw new Error("a state with one key has always the same successors");
      trace.push(step);
      steps = [];
      this.#machine.expand(step.state, (action, state) => steps.push({ action, state }));
    }
    return trace;
  }
}

/** A violation as text: the invariant, then one line per state. */
export function describeViolation<S>(
  violation: Violation<S> | null,
  show: (state: S) => string,
): string {
  if (violation === null) return "no violation";
  const lines = violation.trace.map(({ action, state }) => `  ${action} -> ${show(state)}`);
  return [violation.invariant, ...lines].join("\n");
}
