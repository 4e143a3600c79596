/**
 * Everything that happened in a run, in order: hashed always, kept as text when a trace is asked for.
 *
 * Two runs of one seed must give one hash. A difference means that something outside the simulation
 * (a clock, a random number, the order of an unordered set) decided what happened.
 */

import { createHash, type Hash } from "node:crypto";

const FLUSH_CHARS = 1 << 16;

export class Audit {
  readonly #hash: Hash = createHash("sha256");
  readonly #isTracing: boolean;
  readonly #lines: string[] = [];
  #pending = "";
  #events = 0;

  constructor(isTracing: boolean) {
    this.#isTracing = isTracing;
  }

  note(atMs: number, line: string): void {
    this.#events += 1;
    this.#pending += `${atMs} ${line}\n`;
    if (this.#isTracing) this.#lines.push(`${clockOf(atMs)}  ${line}`);
    if (this.#pending.length > FLUSH_CHARS) this.#flush();
  }

  get events(): number {
    return this.#events;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** 64 hex digits; the last call of a run. */
  digest(): string {
    this.#flush();
    return this.#hash.digest("hex");
  }

  #flush(): void {
    this.#hash.update(this.#pending);
    this.#pending = "";
  }
}

/** Virtual time as day, hour, minute, second and millisecond since the run began. */
function clockOf(atMs: number): string {
  const part = (unitMs: number, span: number, width: number): string =>
    String(Math.floor(atMs / unitMs) % span).padStart(width, "0");
  return `${part(3_600_000, 1_000, 3)}:${part(60_000, 60, 2)}:${part(1_000, 60, 2)}.${part(1, 1_000, 3)}`;
}
