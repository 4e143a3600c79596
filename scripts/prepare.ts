/** Generates what checks and tests read: the build's output and the types of the Worker's bindings. */

import { spawnSync } from "node:child_process";
import { buildAll } from "./build.ts";
import { TOOL_ENV } from "./tool-env.ts";

/** Throws, with the tool's output, when something cannot be generated. */
export async function prepare(): Promise<void> {
  await buildAll();
  const types = spawnSync("wrangler", ["types"], { encoding: "utf8", env: TOOL_ENV });
  if (types.status !== 0) throw new Error(`wrangler types failed\n${types.stdout}${types.stderr}`);
}
