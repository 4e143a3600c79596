/** What a process has used so far, NaN elsewhere than on Linux, and where it may run. */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

/** Processor time, of all its threads. */
export function cpuSeconds(pid: number): number {
  try {
    // Fields 14 and 15, in hundredths of a second; the name in field 2 may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

/** Resident memory. */
export function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024;
  } catch {
    return Number.NaN;
  }
}

const LAST_CORE = availableParallelism() - 1;

/** Numbers of cores, as `taskset` writes them; null where there is one core only. */
export const CORES: {
  readonly all: string;
  readonly first: string;
  readonly others: string;
} | null = LAST_CORE < 1 ? null : { all: `0-${LAST_CORE}`, first: "0", others: `1-${LAST_CORE}` };

/** Keeps every thread of the process, and those to come, on these cores. False where that cannot be. */
export function keepOn(cores: string, pid: number): boolean {
  return spawnSync("taskset", ["-a", "-p", "-c", cores, `${pid}`]).status === 0;
}

/** Keeps the process's first thread there; those that it has, V8's compiler and collector, run anywhere. */
export function keepFirstThreadOn(cores: string, pid: number): boolean {
  return spawnSync("taskset", ["-p", "-c", cores, `${pid}`]).status === 0;
}

/** The process runs when nobody else would. */
export function standBack(pid: number): void {
  setPriority(pid, LEAST);
  try {
    // Each child is a session of its own, and the scheduler shares the cores out among sessions first.
    writeFileSync(`/proc/${pid}/autogroup`, `${LEAST}`);
  } catch {
    // A kernel that does not group: the priority says it all.
  }
}

const LEAST = 19;
