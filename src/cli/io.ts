/**
 * What a command has of the world, and how it speaks: results on stdout, everything else on stderr.
 *
 * No command touches the process itself, so a test runs one in its own process. Nothing that is said
 * here holds an RPC URL, a key or a token.
 */

import { createReadStream } from "node:fs";
import { isAbsolute, join } from "node:path";
import { readBounded } from "./bounded.ts";

export type Io = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of arguments start. */
  readonly directory: string;
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Aborts at Ctrl-C, which from the call on does not end the process by itself. */
  readonly interrupted: () => AbortSignal;
  /** Whether stderr is looked at by somebody. */
  readonly isTerminal: boolean;
};

/** What the commands share: how they speak. */
export type SpeechOptions = {
  readonly json?: boolean;
  readonly progress?: boolean;
};

/** What the command cannot go on from. `message` is printed as it is, on one line. */
export class CommandFailure extends Error {
  override readonly name: string = "CommandFailure";
}

const PROGRESS_EVERY_MS = 1_000;
/** Return to the start of the line and clear it. */
const REWIND = "\r\u001b[K";

export class Speech {
  readonly #io: Io;
  readonly #isJson: boolean;
  readonly #showsProgress: boolean;
  #lastProgressMs = Number.NEGATIVE_INFINITY;
  #isLineOpen = false;

  constructor(io: Io, options: SpeechOptions) {
    this.#io = io;
    this.#isJson = options.json === true;
    this.#showsProgress = options.progress ?? io.isTerminal;
  }

  /** A result: the object for programs, or the lines for people. */
  result(value: object, lines: readonly string[]): void {
    this.#closeLine();
    this.#io.stdout(
      this.#isJson ? `${JSON.stringify(value)}\n` : `${lines.map(plain).join("\n")}\n`,
    );
  }

  /** Why there is no result; a program finds `error` where it looks for the result. */
  failure(command: string, why: string): void {
    this.note(why);
    if (this.#isJson) this.#io.stdout(`${JSON.stringify({ command, error: why })}\n`);
  }

  /** Something that the reader should know and no program reads. */
  note(line: string): void {
    this.#closeLine();
    this.#io.stderr(`${line.split("\n").map(plain).join("\n")}\n`);
  }

  /** At most once a second; on a terminal the last one is overwritten. */
  progress(line: string): void {
    const nowMs = performance.now();
    if (!this.#showsProgress || nowMs - this.#lastProgressMs < PROGRESS_EVERY_MS) return;
    this.#lastProgressMs = nowMs;
    this.#io.stderr(this.#io.isTerminal ? `${REWIND}${line}` : `${line}\n`);
    this.#isLineOpen = this.#io.isTerminal;
  }

  #closeLine(): void {
    if (this.#isLineOpen) this.#io.stderr(REWIND);
    this.#isLineOpen = false;
  }
}

/** A line without what would move a terminal's cursor: a server's words may be anything. */
function plain(line: string): string {
  return line.replace(/\p{Cc}/gu, "?");
}

/** A path as given by the user. npm changes the directory before it runs a program. */
export function resolvePath(io: Io, path: string): string {
  return isAbsolute(path) ? path : join(io.directory, path);
}

/** A variable, trimmed; undefined when unset or blank. */
export function variable(io: Io, name: string): string | undefined {
  const value = io.env[name]?.trim();
  return value === "" ? undefined : value;
}

/** A file as given by the user, `-` for stdin. Throws `CommandFailure` when it cannot be read, or is longer. */
export async function readText(io: Io, path: string, bytesMax: number): Promise<string> {
  const source = path === "-" ? io.stdin() : createReadStream(resolvePath(io, path));
  const bytes = await readBounded(source, bytesMax).catch(() => {
    // What the file system throws repeats the path.
    throw new CommandFailure(path === "-" ? "stdin cannot be read" : "the file cannot be read");
  });
  if (bytes === null) throw new CommandFailure(`there are more than ${bytesMax} bytes to read`);
  return new TextDecoder().decode(bytes);
}
