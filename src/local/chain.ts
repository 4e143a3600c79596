/** The development chain of a data directory: the one of the last run, or a new one. */

import { readFileSync } from "node:fs";
import type { Address } from "../core/types/hex.ts";
import type { DevAccount } from "./accounts.ts";
import { Anvil } from "./anvil.ts";
import { type DataDir, writeWhole } from "./data-dir.ts";
import { type Devnet, formatDevnet, genesisOf, parseDevnet, prepareDevnet } from "./devnet.ts";
import type { Processes } from "./processes.ts";
import { checkGenesis, decideStart } from "./restore.ts";
import { quantity, type Rpc } from "./rpc.ts";

export type Chain = {
  readonly anvil: Anvil;
  readonly devnet: Devnet;
  /** Whether this run began it. */
  readonly isNew: boolean;
  /** Its newest block, which stays so until mining is started. */
  readonly head: number;
};

export type ChainOptions = {
  readonly dataDir: DataDir;
  readonly processes: Processes;
  readonly accounts: readonly DevAccount[];
  readonly submitter: Address;
  readonly port: number;
  readonly slotsInEpoch: number;
  readonly log: (line: string) => void;
};

const ONE_ETHER = 10n ** 18n;
const SUBMITTER_ETHERS = 10_000n;

/** Throws `LocalFailure` when what is in the directory does not belong together. */
export async function openChain(options: ChainOptions): Promise<Chain> {
  const { dataDir } = options;
  const isNew =
    decideStart({
      hasDevnet: dataDir.has("devnet"),
      hasChain: dataDir.has("chain"),
      hasDatabase: dataDir.hasDatabase(),
    }) === "new";
  const chain = isNew ? await begin(options) : await resume(options);
  await fundSubmitter(chain.anvil.rpc, options.submitter);
  const head = Number(await chain.anvil.rpc<string>("eth_blockNumber"));
  return { ...chain, isNew, head };
}

type Opened = Pick<Chain, "anvil" | "devnet">;

async function begin(options: ChainOptions): Promise<Opened> {
  const { dataDir, log, accounts, slotsInEpoch } = options;
  // An earlier start may have been interrupted before it had a chain to go on with.
  dataDir.clear();
  log("starting a new chain");
  const anvil = await Anvil.start({ ...anvilOptions(options), genesisTimeS: null });
  log("deploying the contracts, depositing for ten accounts");
  const devnet = await prepareDevnet(anvil, accounts, slotsInEpoch);
  await anvil.save();
  await writeWhole(dataDir.file("devnet"), formatDevnet(devnet));
  return { anvil, devnet };
}

async function resume(options: ChainOptions): Promise<Opened> {
  const { dataDir, log } = options;
  const devnet = parseDevnet(readFileSync(dataDir.file("devnet"), "utf8"));
  log("loading the chain of the last run");
  const { genesisTimeS } = devnet;
  const anvil = await Anvil.start({ ...anvilOptions(options), genesisTimeS });
  checkGenesis(devnet.genesisHash, (await genesisOf(anvil.rpc)).hash);
  return { anvil, devnet };
}

function anvilOptions({ dataDir, processes, port, slotsInEpoch, log }: ChainOptions) {
  return { processes, port, slotsInEpoch, log, chainFile: dataDir.file("chain") };
}

/** A submitter of the user's own has nothing on a new chain. */
async function fundSubmitter(rpc: Rpc, submitter: Address): Promise<void> {
  const balance = BigInt(await rpc<string>("eth_getBalance", [submitter, "latest"]));
  if (balance >= ONE_ETHER) return;
  await rpc("anvil_setBalance", [submitter, quantity(SUBMITTER_ETHERS * ONE_ETHER)]);
}
