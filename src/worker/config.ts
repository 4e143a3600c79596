/**
 * The deployment that a Worker serves, read from its variables once per isolate (decisions
 * section 9).
 */

import type { Application, ConfigProblem } from "../core/application/application.ts";
import { type Config, parseConfig } from "../core/config/config.ts";
import type { Result } from "../core/types/result.ts";
import { domainSeparator } from "../core/wire/user-op.ts";
import { addressOfPrivateKey } from "../crypto/key.ts";
import { log } from "../durable-objects/shared/log.ts";

/** What every request needs, computed once. */
export type Deployment = {
  readonly config: Config;
  /** EIP-712 domain separator of the application's user ops. */
  readonly domainSeparator: Uint8Array;
  /** Longest `data` that ingress takes. */
  readonly maxMethodPayloadBytes: number;
};

export type Configured = Result<Deployment, readonly ConfigProblem[]>;

/**
 * Reads and remembers the variables of an environment. The platform hands every request of an
 * isolate the same object, so problems are logged once: names and reasons, never values.
 */
export function createConfigure(application: Application): (env: Env) => Configured {
  const known = new WeakMap<Env, Configured>();
  return (env) => {
    const before = known.get(env);
    if (before !== undefined) return before;
    const configured = configure(env, application);
    if (!configured.ok) logProblems(configured.error);
    known.set(env, configured);
    return configured;
  };
}

function configure(env: Env, application: Application): Configured {
  const config = parseConfig({ ...env }, application, addressOfPrivateKey);
  if (!config.ok) return config;
  const { chainId, app } = config.value;
  return {
    ok: true,
    value: {
      config: config.value,
      domainSeparator: domainSeparator({ chainId, verifyingContract: app }),
      maxMethodPayloadBytes: application.maxMethodPayloadBytes,
    },
  };
}

function logProblems(problems: readonly ConfigProblem[]): void {
  for (const { variable, problem } of problems) {
    log("error", "misconfigured", { variable, problem });
  }
}
