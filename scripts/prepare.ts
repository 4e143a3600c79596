/** Generates what checks and tests read: the build's output and the types of the Worker's bindings. */

import { spawnSync } from "node:child_process";
import { buildAll } from "./build.ts";

/** No telemetry, no look-ups, no local trace store: wrangler works without a network. */
export const WRANGLER_ENV: Readonly<Record<string, string>> = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  X_LOCAL_OBSERVABILITY: "false",
  X_LOCAL_EXPLORER: "false",
};

/** Throws, with the tool's output, when something cannot be generated. */
export async function prepare(): Promise<void> {
  await buildAll();
  const types = spawnSync("wrangler", ["types"], {
    encoding: "utf8",
    env: { ...process.env, ...WRANGLER_ENV },
  });
  if (types.status !== 0) throw new Error(`wrangler types failed\n${types.stdout}${types.stderr}`);
}
