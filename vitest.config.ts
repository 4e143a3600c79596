/** Pure code in Node, objects in workerd, the whole product on real processes, and its page in a real browser. */

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { bundledWorkers } from "./test/support/bundled-workers.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Full sizes have room on a slow machine; at CI sizes a test that takes a minute is broken. */
const isLong = process.env["BATON_LONG"] === "1";

export default defineConfig({
  test: {
    // Four files at a time on two cores: most of them wait for blocks, timers or processes now and then.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/support/plain-reporter.ts"],
    projects: [
      {
        test: {
          name: "node",
          include: ["consensus", "core", "model", "node", "repo", "sim"].map(
            (folder) => `test/${folder}/**/*.test.ts`,
          ),
          // No file leaves state behind: modules are loaded once for many files.
          isolate: false,
          testTimeout: isLong ? 900_000 : 60_000,
        },
      },
      {
        plugins: [
          bundledWorkers(process.env["BATON_WHOLE"] === "1"),
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            // workerd shows its tests no environment but its bindings (`test/support/size.ts`).
            miniflare: { bindings: { BATON_LONG: process.env["BATON_LONG"] ?? "" } },
          }),
        ],
        test: {
          name: "workers",
          include: ["test/workers/**/*.test.ts"],
          globalSetup: ["./test/support/chains.ts"],
          // What an object logs as its file ends would be cut off on its way to the runner: an error of the run.
          disableConsoleIntercept: true,
          testTimeout: isLong ? 900_000 : 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          // Each file stops what it started: modules are loaded once for many files.
          isolate: false,
          include: ["test/e2e/**/*.test.ts", "examples/**/*.test.ts"],
          // They wait more than others.
          maxWorkers: 5,
          testTimeout: isLong ? 900_000 : 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: ["./test/support/chromium.ts"],
          // Each has a browser and a product beside it.
          maxWorkers: 2,
          testTimeout: isLong ? 900_000 : 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
