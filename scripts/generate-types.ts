/** `worker-configuration.d.ts`: the platform's types and the Worker's bindings, as wrangler.toml has them. */

import { spawnSync } from "node:child_process";
import { ROOT } from "./inputs.ts";
import { TOOL_ENV } from "./tool-env.ts";

/** Throws, with wrangler's output, when it cannot. */
export function generateTypes(): void {
  // A variable is a text, not the one text that an environment gives it.
  const args = ["types", "--strict-vars", "false"];
  const types = spawnSync("wrangler", args, { cwd: ROOT, encoding: "utf8", env: TOOL_ENV });
  if (types.status !== 0) throw new Error(`wrangler types failed\n${types.stdout}${types.stderr}`);
}
