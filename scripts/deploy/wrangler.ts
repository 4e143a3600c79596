/**
 * wrangler as a process: secrets go in by its standard input, and what it did comes back as it writes it
 * for programs, never read out of its words.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TOOL_ENV } from "../tool-env.ts";
import type { DeployIo } from "./io.ts";
import { withoutSecrets } from "./secrets.ts";

export type Ran = {
  readonly status: number;
  readonly stdout: string;
  /** All that it said, for people. */
  readonly said: string;
  /** What it reported for programs, one object a line. */
  readonly reports: readonly Readonly<Record<string, unknown>>[];
};

export type RunOptions = {
  /** Its whole standard input. */
  readonly input?: string;
};

/** A status of -1: it could not be started. */
export async function runWrangler(
  io: DeployIo,
  args: readonly string[],
  { input = "" }: RunOptions = {},
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), "baton-deploy-"));
  const reportFile = join(folder, "reports");
  try {
    const child = spawn(io.wrangler, [...args, "--config", io.manifest], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...withoutSecrets(TOOL_ENV), NO_COLOR: "1", WRANGLER_OUTPUT_FILE_PATH: reportFile },
    });
    const said: string[] = [];
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      said.push(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
    // Whoever does not read its input closes it, and says by its status whether that was right.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, "close").catch((error: Error) => {
      said.push(error.message);
      return [-1];
    });
    const status = typeof code === "number" ? code : -1;
    return { status, stdout, said: said.join("").trim(), reports: reportsIn(reportFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function reportsIn(file: string): Ran["reports"] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // A command that reports nothing writes no file.
    return [];
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
