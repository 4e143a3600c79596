/**
 * The secrets of a deployment: which there are, where a missing one comes from, and which may change.
 *
 * A value is read from the environment or from a terminal, or made here; it goes to wrangler through a
 * pipe, never into arguments or onto the screen. What is made here is kept in a file for its owner,
 * because Cloudflare does not give it back.
 */

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DeployFailure, type DeployIo } from "./io.ts";

type Secret = {
  readonly name: string;
  /** Told when it is asked for. */
  readonly is: string;
  /** Whether a configuration without it is refused, or can do too little to be operated. */
  readonly isNeeded: (vars: Readonly<Record<string, unknown>>) => boolean;
  /** Null: only its owner has it. */
  readonly make: (() => string) | null;
  /** Null: it may be changed at any time. */
  readonly fixed: string | null;
  /** Stands for one that is already there, where a configuration is checked. */
  readonly standIn: string;
};

const ANY_KEY = `0x${"01".repeat(32)}`;

const SECRETS: readonly Secret[] = [
  {
    name: "SEQ_ETH_RPC_URL",
    is: "URLs of Ethereum nodes, separated by commas",
    isNeeded: () => true,
    make: null,
    fixed: null,
    standIn: "https://set.invalid",
  },
  {
    name: "SEQ_BATCH_SUBMITTER_PRIVATE_KEY",
    is: "key of an account that this deployment alone uses, 0x and 64 digits",
    isNeeded: () => true,
    make: null,
    fixed: "the rollup takes batches of this account only: another key is another rollup",
    standIn: ANY_KEY,
  },
  {
    name: "SEQ_OPERATOR_TOKEN",
    is: "the operator's token",
    isNeeded: () => true,
    make: () => randomBytes(32).toString("hex"),
    fixed: null,
    standIn: "set",
  },
  {
    name: "SEQ_VALIDATOR_KEK",
    is: "seals the keys of the committee's members, 0x and 64 digits",
    isNeeded: (vars) => isGiven(vars["SEQ_CANDIDATES"]) || isGiven(vars["SEQ_VALIDATORS"]),
    make: () => `0x${randomBytes(32).toString("hex")}`,
    fixed: "it opens the members' keys: with another one they are lost",
    standIn: ANY_KEY,
  },
  {
    name: "SEQ_METRICS_TOKEN",
    is: "the token of GET /metrics",
    isNeeded: () => false,
    make: () => randomBytes(32).toString("hex"),
    fixed: null,
    standIn: "set",
  },
];

export const SECRET_NAMES: readonly string[] = SECRETS.map(({ name }) => name);

export type Secrets = Readonly<Record<string, string>>;

export function isSecret(name: string): boolean {
  return SECRET_NAMES.includes(name);
}

/** What other programs are given of an environment: a secret goes to whoever asks for it, and by a pipe. */
export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSecret(name)));
}

/** Values that stand for what Cloudflare holds, where only their presence counts. */
export function standIns(names: readonly string[]): Secrets {
  const there = SECRETS.filter(({ name }) => names.includes(name));
  return Object.fromEntries(there.map(({ name, standIn }) => [name, standIn]));
}

/** Why `name` cannot be set anew; null when it can. */
export function refuseChange(name: string, held: readonly string[]): string | null {
  const secret = SECRETS.find((one) => one.name === name);
  if (secret === undefined) return `is no secret of a deployment`;
  return held.includes(name) && secret.fixed !== null ? `is not changed: ${secret.fixed}` : null;
}

/** Names that must be obtained: what is needed and not held, and what is to be changed. */
export function missingSecrets(
  vars: Readonly<Record<string, unknown>>,
  held: readonly string[],
  changed: readonly string[],
): readonly string[] {
  return SECRETS.filter(
    (secret) =>
      changed.includes(secret.name) || (secret.isNeeded(vars) && !held.includes(secret.name)),
  ).map(({ name }) => name);
}

export type Obtained = {
  readonly values: Secrets;
  /** Which of them were made here: to be kept, once they are used. */
  readonly made: readonly string[];
};

/** Which of `names` the environment does not have. */
export function notInEnvironment(io: DeployIo, names: readonly string[]): readonly string[] {
  return names.filter((name) => !isGiven(io.env[name]));
}

/** From the environment, else from the terminal, which must be there then. */
export async function obtainSecrets(io: DeployIo, names: readonly string[]): Promise<Obtained> {
  const values: Record<string, string> = {};
  const made: string[] = [];
  for (const secret of SECRETS.filter(({ name }) => names.includes(name))) {
    const given = io.env[secret.name]?.trim() || (await askFor(io, secret));
    if (given !== "") values[secret.name] = given;
    else if (secret.make === null) {
      throw new DeployFailure(`${secret.name} was not given: nothing was changed`);
    } else {
      values[secret.name] = secret.make();
      made.push(secret.name);
    }
  }
  return { values, made };
}

/** Empty when nobody is there, or for one that shall be made. */
async function askFor({ ask }: DeployIo, { name, is, make }: Secret): Promise<string> {
  if (ask === null) return "";
  const otherwise = make === null ? "" : "; empty makes one";
  return (await ask.secret(`${name} (${is}${otherwise}): `)).trim();
}

/** Answers the folder. */
export function keepMade(io: DeployIo, environment: string, { values, made }: Obtained): string {
  const folder = join(io.keep, environment);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of made) {
    writeFileSync(join(folder, name), values[name] ?? "", { mode: 0o600 });
  }
  return folder;
}

function isGiven(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}
