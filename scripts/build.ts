/**
 * `npm run build`: everything that the repository generates in order to run.
 *
 * WebAssembly modules, our contracts, the consensus library, the dashboard's files, and the Worker's bundle as Cloudflare would
 * take it. What is up to date by the hash of its inputs is left alone, so a build with nothing to do is
 * quick and silent.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildContracts } from "./build-contracts.ts";
import { buildDashboard } from "./build-dashboard.ts";
import { buildLibrary } from "./build-library.ts";
import { buildWasm } from "./build-wasm.ts";
import { buildWorkerLibrary } from "./build-worker-library.ts";
import { hashOfInputs, isBuiltOf, ROOT, replaceFolder, stampOf } from "./inputs.ts";
import { TOOL_ENV } from "./tool-env.ts";

/** A Worker as Cloudflare would take it. */
export type Bundle = {
  /** The `wrangler.toml` that it was made by. */
  readonly config: string;
  /** Where `index.js` is, with the modules that it imports. */
  readonly folder: string;
};

/** This repository's own rollup. */
export const BUNDLE: Bundle = { config: join(ROOT, "wrangler.toml"), folder: join(ROOT, "dist") };
/** What the bundle is made of. */
const BUNDLE_INPUTS = [
  "src",
  "migrations",
  "build/wasm",
  "build/dashboard",
  "wrangler.toml",
  "tsconfig.json",
  "package-lock.json",
];
const ROLLUP_INPUTS = ["build/library", "package-lock.json"];
/** Node programs, which no Worker imports. */
const NOT_BUNDLED = join("src", "local");

/** Throws, with the output of the tool, when something cannot be built. */
export function buildAll(): Promise<void> {
  buildWasm();
  buildContracts();
  buildLibrary();
  buildDashboard();
  bundle(
    BUNDLE,
    hashOfInputs(BUNDLE_INPUTS, (path) => path !== NOT_BUNDLED),
  );
  return Promise.resolve();
}

/**
 * The Worker of a rollup that has a folder and a `wrangler.toml` of its own, and imports the package.
 * `path` is the folder's, in the repository. Throws as `buildAll`.
 */
export function buildRollup(path: string): Bundle {
  buildWorkerLibrary();
  const config = join(ROOT, path, "wrangler.toml");
  const built = { config, folder: join(ROOT, "build", "rollups", basename(path)) };
  mkdirSync(join(ROOT, "build", "rollups"), { recursive: true });
  bundle(built, hashOfInputs([...ROLLUP_INPUTS, path]));
  return built;
}

function bundle(target: Bundle, inputs: string): void {
  if (isBuiltOf(target.folder, inputs)) return;
  const folder = join(ROOT, "build", `bundle-${process.pid}`);
  const bundled = spawnSync(
    join(ROOT, "node_modules", ".bin", "wrangler"),
    ["deploy", "--dry-run", "--config", target.config, "--outdir", folder, "--minify"],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: TOOL_ENV,
    },
  );
  if (bundled.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    const said = `${bundled.stdout ?? ""}${bundled.stderr ?? ""}`.trim();
    throw new Error(`the Worker could not be bundled\n${said || bundled.error?.message}`);
  }
  writeFileSync(stampOf(folder), inputs);
  replaceFolder(folder, target.folder, inputs);
}

if (import.meta.main) {
  try {
    await buildAll();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
