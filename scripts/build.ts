/**
 * `npm run build`: everything that the repository generates in order to run.
 *
 * WebAssembly modules, our contracts, and the Worker's bundle as Cloudflare would take it. What is up
 * to date by the hash of its inputs is left alone, so a build with nothing to do is quick and silent.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative, resolve } from "node:path";
import { buildContracts } from "./build-contracts.ts";
import { buildWasm } from "./build-wasm.ts";
import { TOOL_ENV } from "./tool-env.ts";

const ROOT = resolve(import.meta.dirname, "..");
const BUNDLE = join(ROOT, "dist");
const STAMP = ".inputs-sha256";
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
  buildBundle();
  return Promise.resolve();
}

function buildBundle(): void {
  const inputs = hashOfInputs();
  if (isBundleOf(inputs)) return;
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
  writeFileSync(join(folder, STAMP), inputs);
  replaceBundle(folder, inputs);
}

/** Two builds may end at once; of equal inputs either result will do. */
function replaceBundle(folder: string, inputs: string): void {
  rmSync(BUNDLE, { recursive: true, force: true });
  try {
    renameSync(folder, BUNDLE);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!isBundleOf(inputs)) throw error;
  }
}

function isBundleOf(inputs: string): boolean {
  const stamp = join(BUNDLE, STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === inputs;
}

function hashOfInputs(): string {
  const hash = createHash("sha256");
  for (const file of BUNDLE_INPUTS.flatMap((input) => filesUnder(join(ROOT, input)))) {
    const bytes = readFileSync(file);
    hash.update(`${relative(ROOT, file)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** `path` itself or the files in it, in one order on every machine. */
function filesUnder(path: string): readonly string[] {
  if (relative(ROOT, path) === NOT_BUNDLED) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
}

if (import.meta.main) {
  try {
    await buildAll();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
