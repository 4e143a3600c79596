/**
 * The checks that need no test runner: types, lint, dead code and a bundle that Cloudflare would take.
 *
 * Each prints one line with its time, and what the tool said only when it fails. They read generated
 * files, so `prepare.ts` runs first.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { TOOL_ENV } from "./tool-env.ts";

type Check = { readonly name: string; readonly command: string; readonly args: readonly string[] };

const typecheck = (name: string, project: string): Check => ({
  name: `typecheck ${name}`,
  command: "tsc",
  args: ["-p", project],
});

/** Without an environment: the top of wrangler.toml, which the tests run. */
const dryRun = (name: string, environment = ""): Check => ({
  name,
  command: "wrangler",
  args: ["deploy", "--dry-run", "--env", environment, "--outdir", `build/dry-run/${environment}`],
});

const CHECKS: readonly Check[] = [
  typecheck("core", "tsconfig.core.json"),
  typecheck("worker", "tsconfig.json"),
  typecheck("dashboard", "src/worker/dashboard/browser/tsconfig.json"),
  typecheck("node", "tsconfig.node.json"),
  typecheck("tests in workerd", "tsconfig.workers-test.json"),
  { name: "biome", command: "biome", args: ["ci", "--colors=off", "."] },
  { name: "oxlint", command: "oxlint", args: ["--type-aware", "--deny-warnings", "src"] },
  { name: "knip", command: "knip", args: ["--no-progress"] },
  dryRun("wrangler deploy --dry-run"),
  dryRun("wrangler deploy --dry-run, staging", "staging"),
  dryRun("wrangler deploy --dry-run, production", "production"),
];

/** Runs every check, also after one failed, and counts them like tests. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  for (const check of CHECKS) if (await runCheck(check)) passed += 1;
  return { passed, failed: CHECKS.length - passed };
}

async function runCheck(check: Check): Promise<boolean> {
  const start = performance.now();
  const child = spawn(check.command, check.args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...TOOL_ENV, NO_COLOR: "1" },
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => said.push(text));
  }
  const [code] = await once(child, "close").catch((error: Error) => {
    said.push(`${error.message}\n`);
    return [-1];
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"}  ${check.name}  ${seconds} s`);
  if (code !== 0) console.log(said.join("").trimEnd());
  return code === 0;
}
