/**
 * `npm test` and `npm run test:long`: checks, then every test project, then one line of totals.
 *
 * The projects run one after the other, since the end-to-end tests have deadlines and share the machine.
 * `BATON_SKIP_CHECK=1` leaves the checks out; arguments other than `--long` go to vitest, so
 * `npm test -- test/core/fee.test.ts` runs one file.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Totals } from "../test/support/plain-reporter.ts";
import { runChecks } from "./checks.ts";
import { prepare } from "./prepare.ts";
import { TOOL_ENV } from "./tool-env.ts";

const PROJECTS = ["node", "workers", "e2e", "browser"] as const;

const isLong = process.argv.includes("--long");
const vitestArgs = process.argv.slice(2).filter((arg) => arg !== "--long");
const scratch = mkdtempSync(join(tmpdir(), "baton-test-"));

const totals: Totals[] = [];
try {
  await runAll();
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  totals.push({ passed: 0, failed: 1 });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
finish();

async function runAll(): Promise<void> {
  console.log(`sizes: ${isLong ? "full" : "CI"}`);
  await prepare();
  if (process.env["BATON_SKIP_CHECK"] === undefined) totals.push(await runChecks());
  for (const project of PROJECTS) totals.push(await runProject(project));
}

async function runProject(project: string): Promise<Totals> {
  console.log(`\ntests: ${project}`);
  const file = join(scratch, project);
  // A file filter may match nothing in one project; without a filter every project has tests.
  const mayBeEmpty = vitestArgs.length > 0 ? ["--passWithNoTests"] : [];
  const child = spawn("vitest", ["run", "--project", project, ...mayBeEmpty, ...vitestArgs], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...TOOL_ENV,
      BATON_TOTALS: file,
      BATON_LONG: isLong ? "1" : "0",
      BATON_WHOLE: vitestArgs.length === 0 ? "1" : "0",
    },
  });
  const [code] = await once(child, "close");
  const found = existsSync(file) ? readTotals(file) : { passed: 0, failed: 0 };
  // A runner that ends badly without a failed test has failed as a whole.
  return code !== 0 && found.failed === 0 ? { passed: found.passed, failed: 1 } : found;
}

function readTotals(file: string): Totals {
  return add(
    readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line): Totals => JSON.parse(line)),
  );
}

function add(parts: readonly Totals[]): Totals {
  return parts.reduce(
    (sum, part) => ({ passed: sum.passed + part.passed, failed: sum.failed + part.failed }),
    { passed: 0, failed: 0 },
  );
}

/** Nothing at all is a failure too: a filter that matches no test proves nothing. */
function finish(): void {
  const sum = add(totals);
  const failed = sum.passed + sum.failed === 0 ? 1 : sum.failed;
  console.log(`\nsizes: ${isLong ? "full" : "CI"}`);
  console.log(`${sum.passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
