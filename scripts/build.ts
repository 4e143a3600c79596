/**
 * `npm run build`: everything that the repository generates in order to run.
 *
 * WebAssembly modules, our contracts, the consensus library, and the Worker's bundle as Cloudflare would
 * take it. What is up to date by the hash of its inputs is left alone, so a build with nothing to do is
 * quick and silent.
 */

import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildContracts } from "./build-contracts.ts";
import { buildLibrary } from "./build-library.ts";
import { buildWasm } from "./build-wasm.ts";
import { hashOfInputs, isBuiltOf, ROOT, replaceFolder, stampOf } from "./inputs.ts";
import { TOOL_ENV } from "./tool-env.ts";

const BUNDLE = join(ROOT, "dist");
/** What the bundle is made of. */
const BUNDLE_INPUTS = [
  "src",
  "migrations",
  "build/wasm",
  "wrangler.toml",
  "tsconfig.json",
  "package-lock.json",
];
/** Node programs, which no Worker imports. */
const NOT_BUNDLED = join("src", "local");

/** Throws, with the output of the tool, when something cannot be built. */
export function buildAll(): Promise<void> {
  buildWasm();
  buildContracts();
  buildLibrary();
  buildBundle();
  return Promise.resolve();
}

function buildBundle(): void {
  const inputs = hashOfInputs(BUNDLE_INPUTS, (path) => path !== NOT_BUNDLED);
  if (isBuiltOf(BUNDLE, inputs)) return;
  const folder = join(ROOT, "build", `bundle-${process.pid}`);
  const bundled = spawnSync(
    join(ROOT, "node_modules", ".bin", "wrangler"),
    ["deploy", "--dry-run", "--outdir", folder, "--minify"],
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
  replaceFolder(folder, BUNDLE, inputs);
}

if (import.meta.main) {
  try {
    await buildAll();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
