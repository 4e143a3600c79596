/**
 * Child processes that do not outlive their runner, however it ends.
 *
 * Children run in sessions of their own, so that Ctrl-C reaches only the runner, which then stops them
 * in order. A guard, a small shell that reads a pipe from the runner, kills what is left when the pipe
 * closes, also after `kill -9` of the runner. Should the guard be killed too, the next start finds the
 * leftovers in a file and ends those that are still the same processes.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { LocalFailure } from "./failure.ts";

export type Child = {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** How it ended: `SIGKILL`, `exit code 1`, or `exit code 1: why` when it has a log that says why. */
  readonly ended: Promise<string>;
};

export type SpawnOptions = {
  readonly name: string;
  /** Path of a program inside `node_modules`. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdio: ("ignore" | "pipe" | number)[];
  /** Where its output goes, if that is a file: what it wrote last says why it gave up. */
  readonly log?: string;
};

/** One process at one time: pids are used again, pids with a start time are not. */
type Entry = { readonly name: string; readonly pid: number; readonly startTicks: string };

const LEFTOVER_EXIT_MS = 5_000;
const LAST_WORDS_CHARS_MAX = 300;
const GUARD = `
trap '' INT TERM HUP
pids=
while read -r word pid; do
  case $word in
    watch) pids="$pids $pid" ;;
    forget) rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
[ -z "$pids" ] || kill -9 $pids
`;

export class Processes {
  /** Resolves, with a line that says so, when a child ends that nobody stopped. */
  readonly failed: Promise<string>;
  readonly #file: string;
  readonly #guard: ChildProcess;
  readonly #children = new Map<number, Child>();
  readonly #stopping = new Set<Child>();
  #isClosed = false;
  #hasStored = false;
  #fail: (line: string) => void = () => undefined;

  /** `file` keeps what runs, for the next start. */
  constructor(file: string) {
    this.#file = file;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#guard = spawnGuard();
  }

  /** Throws `LocalFailure` when the program is not there or not for this machine. */
  async spawn(options: SpawnOptions): Promise<Child> {
    if (this.#isClosed) throw new LocalFailure("the stack is being stopped");
    const { name, args, env, stdio, log } = options;
    const process = spawn(pathOf(options), args, { env, stdio, detached: true });
    const ended = new Promise<string>((resolve) => {
      process.once("exit", (code, signal) => {
        const why = signal !== null || code === 0 || log === undefined ? "" : lastLine(log);
        resolve(signal ?? `exit code ${code}${why && `: ${why}`}`);
      });
    });
    // The pid is known at once, and noted before anything else can happen.
    const child: Child = { name, pid: process.pid ?? 0, process, ended };
    if (child.pid !== 0) this.#note(child);
    await new Promise<void>((resolve, reject) => {
      process.once("spawn", resolve);
      process.once("error", () => reject(missing(options)));
    });
    return child;
  }

  /** Asks with SIGTERM, insists with SIGKILL after `graceMs`, and waits for the end. */
  async stop(child: Child, graceMs: number): Promise<void> {
    this.#stopping.add(child);
    child.process.kill("SIGTERM");
    const insist = setTimeout(() => child.process.kill("SIGKILL"), graceMs);
    await child.ended;
    clearTimeout(insist);
  }

  /** As a crash would end it: nothing gets to finish. */
  async kill(child: Child): Promise<void> {
    this.#stopping.add(child);
    child.process.kill("SIGKILL");
    await child.ended;
  }

  /** Kills what still runs, and starts nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#children.values()].map((child) => this.kill(child)));
    this.#guard.stdin?.end();
    // What an earlier runner noted there stays, until somebody has dealt with it.
    if (this.#hasStored) rmSync(this.#file, { force: true });
  }

  #note(child: Child): void {
    this.#children.set(child.pid, child);
    this.#guard.stdin?.write(`watch ${child.pid}\n`);
    this.#store();
    void child.ended.then((how) => {
      this.#children.delete(child.pid);
      this.#guard.stdin?.write(`forget ${child.pid}\n`);
      if (!this.#isClosed) this.#store();
      if (!this.#stopping.has(child)) this.#fail(`${child.name} ended by itself (${how})`);
    });
  }

  #store(): void {
    const entries = [...this.#children.values()].map(
      ({ name, pid }): Entry => ({ name, pid, startTicks: startTicksOf(pid) ?? "" }),
    );
    this.#hasStored = true;
    writeFileSync(this.#file, JSON.stringify(entries), { mode: 0o600 });
  }
}

/** Empty where it cannot be read: its folder may be gone already. */
function lastLine(log: string): string {
  try {
    const lines = readFileSync(log, "utf8").trim().split("\n");
    return lines.at(-1)?.slice(0, LAST_WORDS_CHARS_MAX) ?? "";
  } catch {
    return "";
  }
}

/** Neither it nor the pipe to it keeps the runner alive. */
function spawnGuard(): ChildProcess {
  const guard = spawn("sh", ["-c", GUARD], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  // A guard that is gone is a net less; the file of leftovers remains.
  guard.on("error", () => undefined);
  guard.stdin.on("error", () => undefined);
  guard.unref();
  // The pipe of a child is a socket in Node, whatever its type says.
  (guard.stdin as unknown as Socket).unref();
  return guard;
}

/** Ends what a runner that was killed left behind in `file`. Knows processes on Linux only. */
export async function stopLeftovers(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const isLeft = ({ pid, startTicks }: Entry) =>
    startTicks !== "" && startTicksOf(pid) === startTicks;
  for (const entry of readEntries(file)) {
    if (!isLeft(entry)) continue;
    process.kill(entry.pid, "SIGKILL");
    for (const deadlineMs = Date.now() + LEFTOVER_EXIT_MS; isLeft(entry); ) {
      if (Date.now() > deadlineMs) {
        throw new LocalFailure(`${entry.name} (process ${entry.pid}) is left over: stop it first`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  rmSync(file, { force: true });
}

/** A file that was being written when its runner was killed names nobody. */
function readEntries(file: string): readonly Entry[] {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** When `pid` started, in clock ticks since boot; null when there is no such live process. */
function startTicksOf(pid: number): string | null {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return null;
  // The name in parentheses may hold spaces; the state and the rest follow the last one.
  const fields = readFileSync(stat, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields[0] === "Z" ? null : (fields[19] ?? null);
}

function pathOf(options: SpawnOptions): string {
  try {
    return createRequire(import.meta.url).resolve(options.program);
  } catch {
    throw missing(options);
  }
}

function missing({ name, program }: SpawnOptions): LocalFailure {
  return new LocalFailure(`${name} is missing (${program}): run npm ci, on Linux for x86-64`);
}
