/** The environment in which every script runs its tools. */

import { delimiter, resolve } from "node:path";

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
