/**
 * A second rollup beside a running stack: its own contract and submitter on the same chain, its own
 * Worker process and databases.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../src/core/types/assert.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { DataDir } from "../../src/local/data-dir.ts";
import { deployRollups } from "../../src/local/deploy.ts";
import { parseDevnet } from "../../src/local/devnet.ts";
import { Processes } from "../../src/local/processes.ts";
import { waitUntilServing } from "../../src/local/readiness.ts";
import { quantity, rpcOf } from "../../src/local/rpc.ts";
import { SequencerClient } from "../../src/local/sequencer-client.ts";
import type { Rollup } from "../../src/local/stack-options.ts";
import { splitSecrets, workerVariables } from "../../src/local/variables.ts";
import { Workerd } from "../../src/local/workerd.ts";
import type { Product } from "./product.ts";

export type Beside = {
  readonly url: string;
  readonly app: Address;
  readonly submitter: Address;
  readonly operatorToken: string;
  stop(): Promise<void>;
};

const SUBMITTER_KEY = `0x${"5b".repeat(32)}` as const;
const OPERATOR_TOKEN = "the operator of the second rollup";
const HUNDRED_ETHER = 10n ** 20n;

/** Resolves when it serves. Blocks must be coming. */
export async function startBeside(product: Product, rollup: Rollup): Promise<Beside> {
  const { stack } = product;
  const submitter = must(addressOfPrivateKey(SUBMITTER_KEY), "the key is one");
  await rpcOf(stack.rpcUrl)("anvil_setBalance", [submitter, quantity(HUNDRED_ETHER)]);
  const deployer = must(stack.accounts[0], "there are ten accounts");
  const { app } = await deployRollups(stack.rpcUrl, {
    chainId: stack.chainId,
    deployerKey: deployer.privateKey,
    appSalt: 1,
  });
  const folder = mkdtempSync(join(tmpdir(), "baton-beside-"));
  const dataDir = DataDir.open(folder);
  const processes = new Processes(dataDir.file("processes"));
  const devnet = parseDevnet(readFileSync(join(product.dataDir, "devnet.json"), "utf8"));
  const variables = workerVariables({
    devnet: { ...devnet, app },
    rpcUrl: stack.rpcUrl,
    secondsPerBlock: 1,
    submitterKey: SUBMITTER_KEY,
    operatorToken: OPERATOR_TOKEN,
    overrides: {},
  });
  const workerd = await Workerd.start({
    ...{ dataDir, processes, bundle: rollup.bundle, host: "127.0.0.1", port: 0 },
    ...splitSecrets(variables),
  });
  const url = `http://127.0.0.1:${workerd.port}`;
  await waitUntilServing(new SequencerClient(url), dataDir.file("workerdLog"), () => undefined);
  return {
    ...{ url, app, submitter, operatorToken: OPERATOR_TOKEN },
    async stop() {
      await workerd.stop(processes);
      await processes.close();
      dataDir.close();
      rmSync(folder, { recursive: true });
    },
  };
}
