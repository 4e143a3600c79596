/** Generates what checks and tests read: the build's output and the types of the Worker's bindings. */

import { spawnSync } from "node:child_process";
import { delimiter, resolve } from "node:path";
import { buildAll } from "./build.ts";

const BIN = resolve(import.meta.dirname, "../node_modules/.bin");

/**
 * The environment of every tool: the pinned binaries first, Node among them; no telemetry, no
 * look-ups and no local trace store, so that wrangler works without a network.
 */
export const TOOL_ENV: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${BIN}${delimiter}${process.env["PATH"] ?? ""}`,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  X_LOCAL_OBSERVABILITY: "false",
  X_LOCAL_EXPLORER: "false",
};

/** Throws, with the tool's output, when something cannot be generated. */
export async function prepare(): Promise<void> {
  await buildAll();
  const types = spawnSync("wrangler", ["types"], { encoding: "utf8", env: TOOL_ENV });
  if (types.status !== 0) throw new Error(`wrangler types failed\n${types.stdout}${types.stderr}`);
}
