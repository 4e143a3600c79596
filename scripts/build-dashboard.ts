/**
 * Puts the dashboard's script, its verifier and its style sheet into `build/dashboard`, as texts.
 *
 * The Worker embeds them as modules. The bundler is the one that wrangler brings: what it makes of the
 * Worker and of the page is then made by one version.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOfInputs, isBuiltOf, ROOT, replaceFolder, stampOf } from "./inputs.ts";
import { TOOL_ENV } from "./tool-env.ts";

const DASHBOARD = join(ROOT, "build", "dashboard");
const SOURCE = join("src", "worker", "dashboard");
const INPUTS = [SOURCE, "src/core", "src/crypto", "src/sdk", "tsconfig.json", "package-lock.json"];
/** Source and name of what is made of it. */
const FILES = [
  ["browser/main.ts", "main"],
  ["browser/verifier.ts", "verifier"],
  ["style.css", "style"],
] as const;
/** What browsers of the last few years run: the sheet chooses its colours by `light-dark`. */
const TARGET = "es2023";

/** Throws, with the bundler's output, when there is an error in it. */
export function buildDashboard(): void {
  const inputs = hashOfInputs(INPUTS);
  if (isBuiltOf(DASHBOARD, inputs)) return;
  const folder = join(ROOT, "build", `dashboard-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  for (const [source, name] of FILES) {
    const isStyle = source.endsWith(".css");
    const made = join(folder, `${name}.${isStyle ? "css" : "js"}`);
    const target = isStyle ? [] : ["--format=esm", `--target=${TARGET}`];
    const built = spawnSync(
      "esbuild",
      [join(SOURCE, source), "--bundle", "--minify", ...target, `--outfile=${made}`],
      { cwd: ROOT, encoding: "utf8", env: TOOL_ENV },
    );
    if (built.status !== 0) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(
        `the dashboard could not be built\n${built.stderr ?? ""}${built.error?.message ?? ""}`,
      );
    }
    renameSync(made, join(folder, `${name}.txt`));
  }
  writeFileSync(stampOf(folder), inputs);
  replaceFolder(folder, DASHBOARD, inputs);
}
