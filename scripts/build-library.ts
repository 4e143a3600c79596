/**
 * The package's entries as other programs import them: JavaScript and its types, in `build/library`.
 *
 * Node strips types from a repository's own files only, never inside of `node_modules`.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOfInputs, isBuiltOf, ROOT, replaceFolder, stampOf } from "./inputs.ts";
import { TOOL_ENV } from "./tool-env.ts";

export const LIBRARY: string = join(ROOT, "build", "library");
const PROJECT = "tsconfig.library.json";
const INPUTS = [
  "src/core",
  "src/crypto",
  "src/consensus",
  "src/sdk",
  "src/apps",
  "tsconfig.json",
  PROJECT,
  "package-lock.json",
];

/** Throws, with the compiler's output, when there is an error in it. */
export function buildLibrary(): void {
  const inputs = hashOfInputs(INPUTS);
  if (isBuiltOf(LIBRARY, inputs)) return;
  const folder = join(ROOT, "build", `library-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const compiled = spawnSync("tsc", ["-p", PROJECT, "--outDir", folder], {
    cwd: ROOT,
    encoding: "utf8",
    env: TOOL_ENV,
  });
  if (compiled.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      `the library could not be built\n${compiled.stdout ?? ""}${compiled.error?.message ?? ""}`,
    );
  }
  writeFileSync(stampOf(folder), inputs);
  replaceFolder(folder, LIBRARY, inputs);
}

if (import.meta.main) buildLibrary();
