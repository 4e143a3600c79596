/**
 * Tests in workerd, bundled together before the first of them runs.
 *
 * Each file has a Worker of its own, which would ask the runner for some 360 modules, one after the other.
 * Bundled, it asks for itself and for one file of everything else: a third of the time of all these tests.
 * A module still runs only where something imports it, and in the order of the imports. The bundle is made
 * once in a run: watching for changes is not for these tests.
 */

import { basename, dirname, join } from "node:path";
import { type OutputChunk, rolldown } from "rolldown";
import type { Plugin } from "vitest/config";
import { ROOT } from "../../scripts/inputs.ts";
import { filesUnder } from "./tree.ts";

const WORKER = join(ROOT, "src/worker/index.ts");
const TESTS = join(ROOT, "test/workers");
const SHARED = ".bundle.js";
const NO_MAP = { mappings: "" };

/**
 * `isWhole`: every test runs, and traces are exact in tests alone. The map of everything else goes to each
 * file anew, which takes most of a minute in all.
 */
export function bundledWorkers(isWhole: boolean): Plugin {
  let bundled: Promise<ReadonlyMap<string, OutputChunk>> | null = null;
  return {
    name: "bundled-workers",
    enforce: "pre",
    resolveId: (source) => (source.endsWith(SHARED) ? join(TESTS, basename(source)) : null),
    load: async (id) => {
      bundled ??= bundle();
      const chunk = (await bundled).get(id);
      if (chunk === undefined) return null;
      return { code: chunk.code, map: isWhole && id.endsWith(SHARED) ? NO_MAP : chunk.map };
    },
  };
}

/** By the ids of their modules. */
async function bundle(): Promise<ReadonlyMap<string, OutputChunk>> {
  const tests = filesUnder("test/workers")
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => join(ROOT, path));
  const build = await rolldown({
    input: [WORKER, ...tests],
    external: [/^cloudflare:/, /^node:/, "vitest"],
    moduleTypes: { ".sql": "text" },
    // As wrangler bundles a Worker.
    platform: "browser",
    resolve: { conditionNames: ["workerd", "worker", "browser"] },
    plugins: [{ name: "wasm", resolveId: keepWasm }],
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
  });
  const { output } = await build.generate({
    dir: TESTS,
    format: "esm",
    sourcemap: "hidden",
    keepNames: true,
    strictExecutionOrder: true,
    codeSplitting: {
      groups: [
        { name: "random", test: /node_modules\/(fast-check|pure-rand)\// },
        { name: "shared", test: (id) => !tests.includes(id) },
      ],
    },
    chunkFileNames: `[name]${SHARED}`,
  });
  const chunks = output.filter((one) => one.type === "chunk");
  return new Map(chunks.map((one) => [one.facadeModuleId ?? join(TESTS, one.fileName), one]));
}

function keepWasm(source: string, importer: string | undefined) {
  if (!source.endsWith(".wasm") || importer === undefined) return null;
  return { id: join(dirname(importer), source), external: "absolute" as const };
}
