/** The deployment's own variables, for a command that acts in its place; flags come before them. */

import type { Application } from "../core/application/application.ts";
import { type Config, parseConfig } from "../core/config/config.ts";
import { addressOfPrivateKey } from "../crypto/key.ts";
import { CommandFailure, type Io } from "./io.ts";

/** Throws `CommandFailure` with every problem, one a line, and no value. */
export function readConfig<AppConfig>(
  io: Io,
  application: Application<AppConfig>,
  { rpcUrl, token }: { readonly rpcUrl?: string | undefined; readonly token?: string | undefined },
): Config<AppConfig> {
  const flags = {
    ...(rpcUrl === undefined ? {} : { SEQ_ETH_RPC_URL: rpcUrl }),
    ...(token === undefined ? {} : { SEQ_OPERATOR_TOKEN: token }),
  };
  const config = parseConfig({ ...io.env, ...flags }, application, addressOfPrivateKey);
  if (config.ok) return config.value;
  throw new CommandFailure(
    config.error.map(({ variable, problem }) => `${variable} ${problem}`).join("\n"),
  );
}
