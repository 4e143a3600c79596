/**
 * `baton-sequencer/worker` for rollups in repositories of their own: the Worker and its objects, beside
 * the rest of the library in `build/library`, so that all entries share one set of types.
 *
 * It is JavaScript as the compiler makes it, with the SQL, the WebAssembly and the texts that it imports: wrangler
 * bundles it with the rollup. The types name the platform's own, which `wrangler types` writes there.
 * It is not checked here, for `npm run check` does: a build is often wanted in the middle of a change.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildDashboard } from "./build-dashboard.ts";
import { buildLibrary, LIBRARY } from "./build-library.ts";
import { buildWasm } from "./build-wasm.ts";
import { generateTypes } from "./generate-types.ts";
import { hashOfInputs, isBuiltOf, ROOT, stampOf } from "./inputs.ts";
import { TOOL_ENV } from "./tool-env.ts";

const PROJECT = "tsconfig.library-worker.json";
const INPUTS = [
  "src",
  "migrations",
  "build/wasm",
  "build/dashboard",
  "types",
  "wrangler.toml",
  "tsconfig.json",
  PROJECT,
  "package-lock.json",
];
const NOT_PART = ["src/local", "src/cli"];
const WORKER = join(LIBRARY, "worker");
/** One step up from where the source has it: `src` is not there between a file and these. */
const ASSET = /"\.\.\/((?:\.\.\/)+(?:migrations|build\/wasm|build\/dashboard)\/)/g;

/** Throws, with the compiler's output, when there is something that it cannot read. */
export function buildWorkerLibrary(): void {
  buildWasm();
  buildDashboard();
  buildLibrary();
  const inputs = hashOfInputs(INPUTS, (path) => !NOT_PART.includes(path));
  if (isBuiltOf(WORKER, inputs)) return;
  generateTypes();
  const folder = mkdtempSync(join(ROOT, "build", "library-worker-"));
  try {
    compile(folder);
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (file.endsWith(".js")) correctAssets(join(folder, file));
    }
    // What the library has already is the same, and may be in use.
    cpSync(folder, LIBRARY, { recursive: true, force: false });
    for (const name of ["worker", "durable-objects", "l1"]) {
      cpSync(join(folder, name), join(LIBRARY, name), { recursive: true });
    }
    for (const name of ["migrations", "build/wasm", "build/dashboard"]) {
      cpSync(join(ROOT, name), join(LIBRARY, name), { recursive: true });
    }
    writeFileSync(stampOf(WORKER), inputs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compile(folder: string): void {
  const compiled = spawnSync("tsc", ["-p", PROJECT, "--outDir", folder], {
    cwd: ROOT,
    encoding: "utf8",
    env: TOOL_ENV,
  });
  if (compiled.status === 0) return;
  const said = `${compiled.stdout ?? ""}${compiled.error?.message ?? ""}`;
  throw new Error(`the Worker's library could not be built\n${said}`);
}

function correctAssets(file: string): void {
  const text = readFileSync(file, "utf8");
  const corrected = text.replaceAll(ASSET, '"$1');
  if (corrected !== text) writeFileSync(file, corrected);
}

if (import.meta.main) buildWorkerLibrary();
