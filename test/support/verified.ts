/** The proof at the end: L1, replayed by `baton verify`, gives what the sequencer calls finalized. */

import { expect } from "vitest";
import { type Ran, runCommand } from "./command.ts";
import { type Product, until } from "./product.ts";

const SETTLED_LIMIT_MS = 60_000;

/** Waits until a batch is finalized, then verifies byte for byte. */
export async function expectVerified(product: Product): Promise<Ran> {
  const { url } = product.stack;
  await until(
    async () => {
      const response = await fetch(`${url}/finalized_state/digest`);
      return (await response.json()) as { inclusion_block?: number };
    },
    ({ inclusion_block = 0 }) => inclusion_block > 0,
    SETTLED_LIMIT_MS,
  );
  const ran = await runVerify(product);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  return ran;
}

export function runVerify({ stack }: Product, more: readonly string[] = []): Promise<Ran> {
  const { url, rpcUrl, operatorToken } = stack;
  const args = ["verify", url, "--json", "--token", operatorToken, ...more];
  return runCommand(args, { env: { SEQ_ETH_RPC_URL: rpcUrl } });
}
