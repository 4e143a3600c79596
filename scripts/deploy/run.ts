/**
 * A deployment, step by step: nothing is changed before everything that can be checked is.
 *
 * Configuration, login, secrets, a dry run; then what is missing, the upload, and the proof that it
 * serves. Answers the exit code: 0 deployed and well, 1 not deployed, 2 deployed and not well.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { TOOL_ENV } from "../tool-env.ts";
import { DeployFailure, type DeployIo } from "./io.ts";
import { waitUntilReady } from "./ready.ts";
import {
  keepMade,
  missingSecrets,
  notInEnvironment,
  type Obtained,
  obtainSecrets,
  refuseChange,
  SECRET_NAMES,
  standIns,
  withoutSecrets,
} from "./secrets.ts";
import { type Environment, formatProblems, readTarget, type Target } from "./target.ts";
import { correctVars, problemsOf, problemsOfVars } from "./variables.ts";
import { type Ran, runWrangler } from "./wrangler.ts";

export type DeployOptions = {
  readonly environment: Environment;
  /** The Worker does not exist yet. */
  readonly first: boolean;
  /** Asks no confirmation. */
  readonly yes: boolean;
  /** Ends before anything is changed at Cloudflare. */
  readonly dryRun: boolean;
  /** Where it will be reached, when wrangler does not know: behind a domain of one's own. */
  readonly url: string | null;
  /** Secrets that are set anew. */
  readonly change: readonly string[];
  readonly waitMs: number;
  readonly pollMs?: number;
};

export const WELL = 0;
export const NOT_DEPLOYED = 1;
export const NOT_WELL = 2;

export async function deploy(io: DeployIo, options: DeployOptions): Promise<number> {
  const { environment } = options;
  const target = readTarget(io.manifest, environment);
  if (target.faults.length > 0) {
    throw new DeployFailure(
      `[env.${environment}] of wrangler.toml:\n  ${target.faults.join("\n  ")}`,
    );
  }
  io.say(`${target.workerName}, from [env.${environment}]`);
  await step(
    io,
    "login",
    ["whoami", "--json"],
    "log in: wrangler login, or set CLOUDFLARE_API_TOKEN",
  );
  const held = await heldSecrets(io, target, options.first);
  const obtained = await prepare(io, target, held, options.change);
  const inEnvironment = ["--env", environment];
  await step(io, "dry run", ["deploy", "--dry-run", ...inEnvironment]);
  if (options.dryRun) {
    io.say("dry run: nothing was changed");
    return WELL;
  }
  await confirm(io, target, options.yes);
  await putSecrets(io, environment, obtained);
  // By default an object runs its old code for minutes while the Worker is new already.
  const update = ["--durable-objects-code-update-mode", "immediate"];
  const deployed = await step(io, "deploy", ["deploy", ...inEnvironment, ...update]);
  return await prove(io, options, options.url ?? urlIn(deployed), obtained);
}

/** Names of the secrets that Cloudflare holds. */
async function heldSecrets(
  io: DeployIo,
  target: Target,
  isFirst: boolean,
): Promise<readonly string[]> {
  const list = await runWrangler(io, ["secret", "list", "--env", target.environment]);
  if (list.status === 0) {
    if (isFirst)
      throw new DeployFailure(`${target.workerName} is there already: leave --first out`);
    const secrets: readonly { readonly name: string }[] = JSON.parse(list.stdout);
    return secrets.map(({ name }) => name);
  }
  if (isFirst) return [];
  throw new DeployFailure(
    `${list.said}\n\nwrangler secret list failed. If ${target.workerName} is deployed for the first time, say --first`,
  );
}

/** Obtains what is missing; afterwards the Worker would take the configuration. */
async function prepare(
  io: DeployIo,
  target: Target,
  held: readonly string[],
  change: readonly string[],
): Promise<Obtained> {
  for (const name of change) {
    const refused = refuseChange(name, held);
    if (refused !== null) throw new DeployFailure(`${name} ${refused}`);
  }
  // Whether a secret is needed may follow from a variable, so the variables come first.
  const { ask } = io;
  const anySecrets = standIns(SECRET_NAMES);
  if (ask === null) refuseWhatIsMissing(io, target, held, change);
  const vars =
    ask === null
      ? target.vars
      : await correctVars({ ...io, ask }, target.environment, target.vars, anySecrets);
  const obtained = await obtainSecrets(io, missingSecrets(vars, held, change));
  const problems = problemsOf(vars, { ...standIns(held), ...obtained.values });
  if (problems.length > 0) throw new DeployFailure(formatProblems(problems).join("\n"));
  const names = Object.keys(obtained.values);
  io.say(
    names.length === 0 ? "configuration and secrets are complete" : `to set: ${names.join(", ")}`,
  );
  return obtained;
}

/** Nobody can be asked: everything that is missing is told at once. */
function refuseWhatIsMissing(
  io: DeployIo,
  { environment, vars }: Target,
  held: readonly string[],
  change: readonly string[],
): void {
  const wrong = formatProblems(problemsOfVars(vars, standIns(SECRET_NAMES)));
  const missing = notInEnvironment(io, missingSecrets(vars, held, change));
  const lists = [
    ...(wrong.length === 0 ? [] : [`[env.${environment}.vars] of wrangler.toml:`, ...wrong]),
    ...(missing.length === 0 ? [] : ["secrets that the environment must have:", ...missing]),
  ];
  if (lists.length > 0) throw new DeployFailure(lists.join("\n  "));
}

async function confirm(io: DeployIo, target: Target, isYes: boolean): Promise<void> {
  if (isYes) return;
  if (io.ask === null) throw new DeployFailure("nobody is there to confirm: say --yes");
  const answer = await io.ask.line(`deploy ${target.workerName}? type its name: `);
  if (answer.trim() !== target.workerName)
    throw new DeployFailure("not confirmed: nothing was changed");
}

/** What is made here is on disk before it is in use: nobody else could say it again. */
async function putSecrets(
  io: DeployIo,
  environment: Environment,
  obtained: Obtained,
): Promise<void> {
  if (obtained.made.length > 0) {
    const folder = keepMade(io, environment, obtained);
    io.say(`made ${obtained.made.join(", ")}: in ${folder}, move them to where you keep secrets`);
  }
  for (const [name, input] of Object.entries(obtained.values)) {
    await step(
      io,
      `secret ${name}`,
      ["secret", "put", name, "--env", environment],
      undefined,
      input,
    );
  }
}

/** Throws `DeployFailure` with what wrangler said, which holds no secret of ours: it got them by its input. */
async function step(
  io: DeployIo,
  what: string,
  args: readonly string[],
  hint = "",
  input = "",
): Promise<Ran> {
  const ran = await runWrangler(io, args, { input });
  if (ran.status !== 0) throw new DeployFailure(`${what} failed\n${ran.said}\n${hint}`.trimEnd());
  io.say(`${what}: done`);
  return ran;
}

function urlIn({ reports }: Ran): string | null {
  const targets = reports.find(({ type }) => type === "deploy")?.["targets"];
  if (!Array.isArray(targets)) return null;
  return targets.find((one) => typeof one === "string" && /^https?:\/\/\S+$/.test(one)) ?? null;
}

async function prove(
  io: DeployIo,
  { waitMs, pollMs }: DeployOptions,
  found: string | null,
  { values }: Obtained,
): Promise<number> {
  if (found === null) {
    io.say("deployed. wrangler named no URL: say --url next time, and run baton doctor now");
    return NOT_WELL;
  }
  const url = found.replace(/\/$/, "");
  io.say(`deployed at ${url}, waiting until it would take an op`);
  if (!(await waitUntilReady(io, url, waitMs, pollMs))) {
    io.say(
      `it is not ready after ${waitMs / 1000} s: docs/operations.md says what each reason means`,
    );
    return NOT_WELL;
  }
  const [program = "", ...args] = io.doctor;
  // L1 is compared when its URL is at hand; it is not asked for a second time.
  const known = { ...io.env, ...values };
  const env = { ...withoutSecrets(TOOL_ENV), SEQ_ETH_RPC_URL: known["SEQ_ETH_RPC_URL"] };
  const doctor = spawn(program, [...args, url], { stdio: "inherit", env });
  const [code] = await once(doctor, "close").catch(() => [-1]);
  io.say(code === 0 ? "deployed, and well" : "deployed, and the doctor found something");
  return code === 0 ? WELL : NOT_WELL;
}
