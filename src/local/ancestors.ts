/**
 * Who started this process, so that it ends with them also when they are killed.
 *
 * npm starts a shell, the shell a launcher, the launcher this: when one of them is gone, nobody is left
 * to press Ctrl-C. Known on Linux; elsewhere only the direct parent is.
 */

import { existsSync, readFileSync } from "node:fs";

const POLL_MS = 1_000;
const DEPTH_MAX = 4;

/** Calls `onGone` when the parent ends, or an ancestor up to the npm that ran a script of ours. */
export function watchAncestors(onGone: () => void): void {
  const chain = chainUpToNpm();
  const isWhole = () => {
    const parents = [process.ppid, ...chain.slice(0, -1).map(parentOf)];
    return chain.every((pid, i) => pid === parents[i]);
  };
  const timer = setInterval(() => {
    if (isWhole()) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}

/** The parent, its parent and so on to npm; the parent alone when npm is not among them. */
function chainUpToNpm(): readonly number[] {
  const chain = [process.ppid];
  for (let pid = process.ppid; chain.length <= DEPTH_MAX && !isNpm(pid); ) {
    pid = parentOf(pid) ?? 0;
    if (pid <= 1) return [process.ppid];
    chain.push(pid);
  }
  return isNpm(chain.at(-1) ?? 0) ? chain : [process.ppid];
}

function isNpm(pid: number): boolean {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) && /^npm\b/.test(readFileSync(path, "utf8"));
}

function parentOf(pid: number): number | null {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return null;
  // The name in parentheses may hold spaces; the state and the parent follow the last one.
  const fields = readFileSync(stat, "utf8").replace(/^.*\) /s, "");
  return Number(fields.split(" ")[1]);
}
