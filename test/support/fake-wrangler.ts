/**
 * A program in wrangler's place: it writes down how it is called and answers as it is told.
 *
 * Nobody in these tests has an account. The wire is real: arguments, standard input, exit codes, and the
 * file in which wrangler reports to programs.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type WranglerCall = {
  readonly argv: readonly string[];
  readonly stdin: string;
  /** The environment's values that look like secrets of ours. */
  readonly secrets: readonly string[];
};

export type WranglerAnswer = {
  readonly status?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** A line of `WRANGLER_OUTPUT_FILE_PATH`. */
  readonly report?: object;
};

export type FakeWrangler = {
  readonly program: string;
  calls(): readonly WranglerCall[];
};

const PROGRAM = `#!/usr/bin/env node
import { appendFileSync, readFileSync } from "node:fs";
const argv = process.argv.slice(2);
const stdin = readFileSync(0, "utf8");
const secrets = Object.keys(process.env).filter((name) => name.startsWith("SEQ_"));
const here = new URL(".", import.meta.url).pathname;
appendFileSync(here + "calls", JSON.stringify({ argv, stdin, secrets }) + "\\n");
const answers = JSON.parse(readFileSync(here + "answers.json", "utf8"));
const words = argv.filter((word) => !word.startsWith("/"));
const key = Object.keys(answers).find((key) => words.join(" ").startsWith(key));
const { status = 0, stdout = "", stderr = "", report } = answers[key] ?? {};
process.stdout.write(stdout);
process.stderr.write(stderr);
const file = process.env.WRANGLER_OUTPUT_FILE_PATH;
if (report !== undefined) appendFileSync(file, JSON.stringify(report) + "\\n");
process.exitCode = status;
`;

/** `answers` by the words that a call begins with, the longest first; without one it succeeds silently. */
export function fakeWrangler(
  folder: string,
  answers: Readonly<Record<string, WranglerAnswer>>,
): FakeWrangler {
  const program = join(folder, "wrangler.mjs");
  writeFileSync(program, PROGRAM, { mode: 0o755 });
  writeFileSync(join(folder, "answers.json"), JSON.stringify(answers));
  const calls = join(folder, "calls");
  return {
    program,
    calls() {
      if (!existsSync(calls)) return [];
      return readFileSync(calls, "utf8")
        .trim()
        .split("\n")
        .map((line): WranglerCall => JSON.parse(line));
    },
  };
}
