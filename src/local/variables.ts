/**
 * The variables of the local Worker: the devnet's values, what the environment overrides, and secrets.
 *
 * The runner owns what follows from its chain. Everything is checked by the same function as in the
 * Worker, before a process is started.
 */

import { existsSync, readFileSync } from "node:fs";
import { walletApplication } from "../apps/wallet/wallet.ts";
import type { Application } from "../core/application/application.ts";
import { parseConfig } from "../core/config/config.ts";
import { type Address, ZERO_ADDRESS } from "../core/types/hex.ts";
import { addressOfPrivateKey } from "../crypto/key.ts";
import { CHAIN_ID } from "./anvil.ts";
import type { Devnet } from "./devnet.ts";
import { LocalFailure } from "./failure.ts";

export type Variables = Readonly<Record<string, string>>;

/** Variables that reach workerd through its environment only. An RPC URL may carry an API key. */
const SECRET_NAMES = [
  ...["SEQ_BATCH_SUBMITTER_PRIVATE_KEY", "SEQ_OPERATOR_TOKEN", "SEQ_ETH_RPC_URL"],
  ...["SEQ_VALIDATOR_KEK", "SEQ_METRICS_TOKEN"],
];
/** They follow from the chain that the runner starts. */
const OWNED_NAMES = ["SEQ_ETH_RPC_URL", "SEQ_CHAIN_ID", "SEQ_APP_ADDRESS"];
/** They configure the runner itself. */
const RUNNER_NAMES = ["SEQ_HTTP_ADDR", "SEQ_DATA_DIR"];
const KEY = "SEQ_BATCH_SUBMITTER_PRIVATE_KEY";
/** They are checked together. */
const TIMING_NAMES = [
  "SEQ_SECONDS_PER_BLOCK",
  "SEQ_BATCH_LINGER_SECONDS",
  "SEQ_MAX_BATCH_OPEN_SECONDS",
];
/** They configure the wallet: another value is another state. */
const APPLICATION_NAMES = [
  "SEQ_ERC20_PORTAL_ADDRESS",
  "SEQ_ERC20_TOKEN_ADDRESS",
  "SEQ_FEE_RECIPIENT",
];

/** Decisions section 9, last line. */
const DEVNET_DEFAULTS: Variables = {
  SEQ_SECONDS_PER_BLOCK: "1",
  SEQ_BATCH_LINGER_SECONDS: "2",
  SEQ_MAX_BATCH_OPEN_SECONDS: "300",
  SEQ_SNAPSHOT_SECONDS: "1",
  SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "500",
  SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH: "0",
};

export type UserVariables = {
  /** Overrides for the Worker. */
  readonly overrides: Variables;
  /** Names that were set but have no say here. */
  readonly ignored: readonly string[];
};

/** The `SEQ_` variables of an environment, with the key file read. */
export function userVariables(environment: NodeJS.ProcessEnv): UserVariables {
  const overrides: Record<string, string> = {};
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("SEQ_") || value === undefined || value.trim() === "") continue;
    if (OWNED_NAMES.includes(name)) ignored.push(name);
    else if (!RUNNER_NAMES.includes(name)) overrides[name] = value.trim();
  }
  return { overrides: withKeyFile(overrides), ignored };
}

/** The key stands on the first line of the file. */
function withKeyFile(variables: Record<string, string>): Variables {
  const { [`${KEY}_FILE`]: file, ...rest } = variables;
  if (file === undefined) return rest;
  if (rest[KEY] !== undefined) throw new LocalFailure(`set ${KEY} or ${KEY}_FILE, not both`);
  return { ...rest, [KEY]: readText(file).split("\n")[0]?.trim() ?? "" };
}

function readText(file: string): string {
  if (!existsSync(file)) throw new LocalFailure(`${KEY}_FILE: there is no such file`);
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new LocalFailure(`${KEY}_FILE: the file cannot be read`);
  }
}

export type VariableSources = {
  readonly devnet: Devnet;
  readonly rpcUrl: string;
  readonly secondsPerBlock: number;
  readonly submitterKey: string;
  readonly operatorToken: string;
  readonly overrides: Variables;
};

/** Everything that the Worker is given. Overrides win. */
export function workerVariables(sources: VariableSources): Variables {
  const { devnet, rpcUrl, secondsPerBlock, submitterKey, operatorToken, overrides } = sources;
  return {
    ...DEVNET_DEFAULTS,
    SEQ_SECONDS_PER_BLOCK: `${Math.max(1, Math.floor(secondsPerBlock))}`,
    SEQ_CHAIN_ID: `${devnet.chainId}`,
    SEQ_APP_ADDRESS: devnet.app,
    SEQ_ERC20_PORTAL_ADDRESS: devnet.erc20Portal,
    SEQ_ERC20_TOKEN_ADDRESS: devnet.token,
    SEQ_ETH_RPC_URL: rpcUrl,
    [KEY]: submitterKey,
    SEQ_OPERATOR_TOKEN: operatorToken,
    ...overrides,
  };
}

/** Answers the batch submitter. Throws `LocalFailure` with every problem, one a line. */
export function checkVariables(
  variables: Variables,
  application: Application = walletApplication,
): Address {
  const config = parseConfig(variables, application, addressOfPrivateKey);
  if (config.ok) return config.value.submitter;
  throw new LocalFailure(
    config.error.map(({ variable, problem }) => `${variable} ${problem}`).join("\n"),
  );
}

/** Stands for a chain in a check that is made before there is one. */
export const NO_CHAIN = {
  devnet: {
    chainId: CHAIN_ID,
    genesisHash: "",
    genesisTimeS: 0,
    inputBox: ZERO_ADDRESS,
    erc20Portal: ZERO_ADDRESS,
    app: ZERO_ADDRESS,
    token: ZERO_ADDRESS,
  },
  rpcUrl: "http://127.0.0.1:8545",
  operatorToken: "",
} as const;

/** What `baton rebuild` is to be given of a Worker's variables. Secrets are named, not said. */
export function rebuildVariables(variables: Variables): Variables {
  const names = [...APPLICATION_NAMES, "SEQ_CHAIN_ID", "SEQ_APP_ADDRESS", ...TIMING_NAMES];
  const said = names.flatMap((name) => {
    const value = variables[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries([...said, [KEY, "…"], ["SEQ_OPERATOR_TOKEN", "…"]]);
}

export function splitSecrets(variables: Variables): {
  readonly variables: Variables;
  readonly secrets: Variables;
} {
  const isSecret = ([name]: readonly [string, string]) => SECRET_NAMES.includes(name);
  const all = Object.entries(variables);
  return {
    variables: Object.fromEntries(all.filter((entry) => !isSecret(entry))),
    secrets: Object.fromEntries(all.filter(isSecret)),
  };
}
