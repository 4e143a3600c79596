/**
 * The plain variables of an environment: checked as the Worker checks them, asked for, and written where
 * the next deployment finds them.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { ConfigProblem } from "../../src/core/application/application.ts";
import { parseConfig } from "../../src/core/config/config.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { type Ask, DeployFailure, type DeployIo } from "./io.ts";
import type { Secrets } from "./secrets.ts";
import type { Environment } from "./target.ts";

type Vars = Readonly<Record<string, unknown>>;

/** Their defaults are the development chain's. */
const NO_DEFAULT = ["SEQ_ERC20_PORTAL_ADDRESS", "SEQ_ERC20_TOKEN_ADDRESS"];
const DEVELOPMENT_CHAINS = ["31337", "1337"];

/** Everything that the Worker would refuse, and what only a deployment must not have. */
export function problemsOf(vars: Vars, secrets: Secrets): readonly ConfigProblem[] {
  const config = parseConfig({ ...vars, ...secrets }, walletApplication, addressOfPrivateKey);
  const problems = config.ok ? [] : [...config.error];
  const add = (variable: string, problem: string) => problems.push({ variable, problem });
  for (const variable of NO_DEFAULT) {
    if (textOf(vars[variable]) === "") add(variable, "is required");
  }
  if (DEVELOPMENT_CHAINS.includes(textOf(vars["SEQ_CHAIN_ID"]))) {
    add("SEQ_CHAIN_ID", "is a development chain's");
  }
  return problems;
}

/** Trimmed; empty for what is no text, which is a problem of its own. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

/** The problems of the plain variables: those that no secret has. */
export function problemsOfVars(vars: Vars, secrets: Secrets): readonly ConfigProblem[] {
  return problemsOf(vars, secrets).filter(({ variable }) => secrets[variable] === undefined);
}

/** `vars` with every problem corrected by somebody who is asked. Throws `DeployFailure` for who gives up. */
export async function correctVars(
  io: DeployIo & { readonly ask: Ask },
  environment: Environment,
  vars: Vars,
  secrets: Secrets,
): Promise<Vars> {
  const answers: Record<string, string> = {};
  for (;;) {
    const [first] = problemsOfVars({ ...vars, ...answers }, secrets);
    if (first === undefined) break;
    const { variable, problem } = first;
    const answer = await io.ask.line(`${variable} (${problem}), empty gives up: `);
    if (answer.trim() === "") throw new DeployFailure("given up: nothing was changed");
    answers[variable] = answer.trim();
  }
  if (Object.keys(answers).length > 0) {
    writeVars(io.manifest, environment, answers);
    io.say(`wrote ${Object.keys(answers).join(", ")} to wrangler.toml: commit it`);
  }
  return { ...vars, ...answers };
}

/** Puts them below the table's header, in place of lines that gave them before. */
function writeVars(
  manifest: string,
  environment: Environment,
  answers: Readonly<Record<string, string>>,
): void {
  const header = `[env.${environment}.vars]`;
  const lines = readFileSync(manifest, "utf8").split("\n");
  const start = lines.indexOf(header);
  if (start === -1) throw new DeployFailure(`wrangler.toml has no ${header}`);
  const end = lines.findIndex((line, i) => i > start && line.startsWith("["));
  const table = lines.slice(start + 1, end === -1 ? lines.length : end);
  const kept = table.filter((line) => {
    const name = /^\s*([A-Z0-9_]+)\s*=/.exec(line)?.[1];
    return name === undefined || answers[name] === undefined;
  });
  const added = Object.entries(answers).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`,
  );
  const after = end === -1 ? [] : lines.slice(end);
  const text = [...lines.slice(0, start + 1), ...added, ...kept, ...after].join("\n");
  writeFileSync(manifest, text);
}
