/** An environment of `wrangler.toml`, as wrangler itself reads it, and what a deployment asks of it. */

import { unstable_readConfig } from "wrangler";
import type { ConfigProblem } from "../../src/core/application/application.ts";
import { DeployFailure } from "./io.ts";
import { isSecret } from "./secrets.ts";

export const ENVIRONMENTS = ["staging", "production"] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export type Target = {
  readonly environment: Environment;
  readonly workerName: string;
  readonly vars: Readonly<Record<string, unknown>>;
  /** What is wrong with everything but the variables. */
  readonly faults: readonly string[];
};

/** What is used of wrangler's own reading, which has every default filled in. */
type Settings = {
  readonly name?: string | undefined;
  readonly definedEnvironments?: readonly string[] | undefined;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly triggers: { readonly crons: readonly string[] | undefined };
  readonly durable_objects: { readonly bindings: readonly Binding[] };
  readonly migrations: readonly { readonly new_sqlite_classes?: readonly string[] }[];
};
type Binding = { readonly name: string; readonly class_name: string };

/** Throws `DeployFailure` when there is no such environment. */
export function readTarget(manifest: string, environment: Environment): Target {
  const quiet = { hideWarnings: true };
  const top: Settings = unstable_readConfig({ config: manifest }, quiet);
  if (top.definedEnvironments?.includes(environment) !== true) {
    throw new DeployFailure(`wrangler.toml has no [env.${environment}]`);
  }
  const settings: Settings = unstable_readConfig({ config: manifest, env: environment }, quiet);
  return {
    environment,
    workerName: settings.name ?? "",
    vars: settings.vars,
    faults: [...faultsOf(settings, top), ...secretsAmong(settings.vars)],
  };
}

/** Bindings are not inherited by an environment, so one that is forgotten there is missed in production only. */
function faultsOf(settings: Settings, top: Settings): readonly string[] {
  const faults: string[] = [];
  if (settings.name === top.name) faults.push("it needs a name of its own");
  if ((settings.triggers.crons ?? []).length === 0) faults.push("it needs the cron: the heartbeat");
  const bound = settings.durable_objects.bindings.map(({ name }) => name);
  for (const { name } of top.durable_objects.bindings) {
    if (!bound.includes(name)) faults.push(`it does not bind ${name}`);
  }
  const migrated = settings.migrations.flatMap((step) => step.new_sqlite_classes ?? []);
  for (const { class_name: className } of settings.durable_objects.bindings) {
    if (!migrated.includes(className)) faults.push(`no migration makes ${className}`);
  }
  return faults;
}

function secretsAmong(vars: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(vars)
    .filter(isSecret)
    .map((name) => `${name} is a secret: take it out of wrangler.toml, and change it`);
}

/** As the list of a refused configuration is told. */
export function formatProblems(problems: readonly ConfigProblem[]): readonly string[] {
  return problems.map(({ variable, problem }) => `${variable} ${problem}`);
}
