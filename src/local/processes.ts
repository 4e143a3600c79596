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
import type { Writable } from "node:stream";
import { LocalFailure } from "./failure.ts";

export type Child = {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** How it ended: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
};

export type SpawnOptions = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdio: ("ignore" | "pipe" | number)[];
};

/** One process at one time: pids are used again, pids with a start time are not. */
type Entry = { readonly name: string; readonly pid: number; readonly startTicks: string };

const LEFTOVER_EXIT_MS = 5_000;
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
  readonly #file: string;
  readonly #guard: Writable;
  readonly #children = new Map<number, Entry>();

  /** `file` keeps what runs, for the next start. */
  constructor(file: string) {
    this.#file = file;
    const guard = spawn("sh", ["-c", GUARD], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    // A guard that is gone is a net less; the file remains.
    guard.on("error", () => undefined);
    guard.stdin.on("error", () => undefined);
    guard.unref();
    if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref();
    this.#guard = guard.stdin;
  }

  /** Throws `LocalFailure` when the command is not there. */
  async spawn(options: SpawnOptions): Promise<Child> {
    const { name, command, args, env, stdio } = options;
    const child = spawn(command, args, { env, stdio, detached: true });
    const ended = new Promise<string>((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", () => reject(new LocalFailure(missing(name, command))));
    });
    const pid = child.pid ?? 0;
    this.#guard.write(`watch ${pid}\n`);
    this.#children.set(pid, { name, pid, startTicks: startTicksOf(pid) ?? "" });
    this.#store();
    void ended.then(() => {
      this.#guard.write(`forget ${pid}\n`);
      this.#children.delete(pid);
      this.#store();
    });
    return { name, pid, process: child, ended };
  }

  /** Asks with SIGTERM, insists with SIGKILL after `graceMs`, and waits for the end. */
  async stop(child: Child, graceMs: number): Promise<void> {
    child.process.kill("SIGTERM");
    const insist = setTimeout(() => child.process.kill("SIGKILL"), graceMs);
    await child.ended;
    clearTimeout(insist);
  }

  /** Lets the guard go; nothing may run any more. */
  close(): void {
    this.#guard.end();
    rmSync(this.#file, { force: true });
  }

  #store(): void {
    writeFileSync(this.#file, JSON.stringify([...this.#children.values()]), { mode: 0o600 });
  }
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
  const fields = readFileSync(stat, "utf8").replace(/^.*\) /s, "").split(" ");
  return fields[0] === "Z" ? null : (fields[19] ?? null);
}

/** Where npm put a program. Throws `LocalFailure` when it did not. */
export function binaryOf(name: string, path: string): string {
  try {
    return createRequire(import.meta.url).resolve(path);
  } catch {
    throw new LocalFailure(missing(name, path));
  }
}

function missing(name: string, path: string): string {
  return `${name} is missing (${path}): run npm ci, on Linux for x86-64`;
}
