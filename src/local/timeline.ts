/**
 * A timeline in the terminal: finished steps above, the one under way below, with its time running.
 *
 * Where the output is no terminal there is no moving line, and `NO_COLOR` turns colours off.
 */

import picocolors from "picocolors";

/** What a terminal needs: `process.stdout`. */
export type Output = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
};

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;
const CLEAR_LINE = "\r\x1b[2K";
const LABEL_WIDTH = 12;
const TIME_WIDTH = 8;
/** Of a terminal that does not tell. */
const COLUMNS_DEFAULT = 80;

export class Timeline {
  readonly #output: Output;
  readonly #colors: ReturnType<typeof picocolors.createColors>;
  readonly #startMs = performance.now();
  #spinner: NodeJS.Timeout | null = null;

  constructor(output: Output) {
    this.#output = output;
    // The library alone would colour a file wherever `CI` is set.
    this.#colors = picocolors.createColors(output.isTTY === true && picocolors.isColorSupported);
  }

  title(text: string): void {
    this.#line(`${this.#colors.bold(text)}\n`);
  }

  /** `details` follow on lines of their own. */
  done(label: string, text: string, details: readonly string[] = []): void {
    const time = `${this.#elapsedS()} s`.padStart(TIME_WIDTH);
    const name = this.#colors.bold(label.padEnd(LABEL_WIDTH));
    this.#line(`${this.#colors.dim(time)}  ${this.#colors.green("●")} ${name} ${text}`);
    const indent = " ".repeat(TIME_WIDTH + LABEL_WIDTH + 5);
    for (const detail of details) this.#line(`${indent}${this.#colors.dim(detail)}`);
  }

  /** Shows that `text` is being waited for, until `work` ends. */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    this.#spin(text);
    try {
      return await work;
    } finally {
      this.#stopSpinning();
    }
  }

  #line(text: string): void {
    this.#output.write(`${text}\n`);
  }

  #spin(text: string): void {
    if (this.#output.isTTY !== true) return;
    let frame = 0;
    this.#spinner = setInterval(() => {
      const symbol = FRAMES[frame++ % FRAMES.length] ?? "";
      const time = `${this.#elapsedS()} s`.padStart(TIME_WIDTH);
      const { columns = 0 } = this.#output;
      const room = (columns > 0 ? columns : COLUMNS_DEFAULT) - TIME_WIDTH - 5;
      const shown = `${this.#colors.dim(time)}  ${this.#colors.cyan(symbol)} ${text.slice(0, room)}`;
      this.#output.write(`${CLEAR_LINE}${shown}`);
    }, FRAME_MS);
  }

  #stopSpinning(): void {
    if (this.#spinner === null) return;
    clearInterval(this.#spinner);
    this.#spinner = null;
    this.#output.write(CLEAR_LINE);
  }

  #elapsedS(): string {
    return ((performance.now() - this.#startMs) / 1000).toFixed(1);
  }
}
