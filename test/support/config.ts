/** Parses the variables of a valid deployment with one difference. */

import { expect } from "vitest";
import { type WalletConfig, walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { ConfigProblem } from "../../src/core/application/application.ts";
import { type Config, parseConfig, type Vars } from "../../src/core/config/config.ts";
import type { Result } from "../../src/core/types/result.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { TEST_VARIABLES } from "./variables.ts";

export function parse(
  difference: Vars = {},
): Result<Config<WalletConfig>, readonly ConfigProblem[]> {
  return parseConfig({ ...TEST_VARIABLES, ...difference }, walletApplication, addressOfPrivateKey);
}

export function accepted(difference: Vars = {}): Config<WalletConfig> {
  const parsed = parse(difference);
  return parsed.ok ? parsed.value : expect.fail(JSON.stringify(parsed.error));
}

/** What is wrong with `variable`, whatever else the difference breaks. */
export function problemsWith(variable: string, difference: Vars): readonly string[] {
  const parsed = parse(difference);
  if (parsed.ok) return [];
  return parsed.error.filter((one) => one.variable === variable).map((one) => one.problem);
}
