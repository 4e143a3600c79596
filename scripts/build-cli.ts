/**
 * `baton` as an installed package has it: JavaScript in `build/cli`, which is all that `npx baton` needs.
 *
 * Node strips types from a repository's own files only, never inside of `node_modules`. One bundle also
 * starts in a fifth of a second, which completion asks for at every key.
 */

import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { hashOfInputs, isBuiltOf, ROOT, replaceFolder, stampOf } from "./inputs.ts";

const TARGET = join(ROOT, "build", "cli");
const INPUTS = ["src", "scripts/build-cli.ts", "tsconfig.json", "package-lock.json"];
/** Packages that are CommonJS ask for Node's modules with `require`, which an ES module has not. */
const BANNER = [
  "#!/usr/bin/env node",
  'import { createRequire as createRequireOfBundle } from "node:module";',
  "const require = createRequireOfBundle(import.meta.url);",
].join("\n");

/** Throws, with the bundler's output, when there is an error in it. */
export async function buildCli(): Promise<void> {
  const inputs = hashOfInputs(INPUTS);
  if (isBuiltOf(TARGET, inputs)) return;
  const folder = join(ROOT, "build", `cli-${process.pid}`);
  try {
    await build({
      absWorkingDir: ROOT,
      entryPoints: { baton: "src/cli/main.ts" },
      outdir: folder,
      ...{ bundle: true, splitting: true, minifySyntax: true, minifyWhitespace: true },
      ...{ format: "esm", platform: "node", target: "node22.12", logLevel: "silent" },
      banner: { js: BANNER },
      legalComments: "none",
      // What `ws` can do without.
      external: ["bufferutil", "utf-8-validate"],
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  chmodSync(join(folder, "baton.js"), 0o755);
  // The nearest package.json decides what `.js` is, and this one stays with the files.
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(stampOf(folder), inputs);
  replaceFolder(folder, TARGET, inputs);
}

if (import.meta.main) await buildCli();
