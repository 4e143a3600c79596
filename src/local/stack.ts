/**
 * One whole Baton on this machine: a development chain with the real contracts, and the Worker.
 *
 * `npm start`, the end-to-end tests and the benchmark run it. Whoever starts a stack stops it; if it
 * cannot start, nothing of it stays. What it writes is in its data directory and nowhere else.
 */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { buildAll } from "../../scripts/build.ts";
import { must } from "../core/types/assert.ts";
import { type Address, ZERO_ADDRESS } from "../core/types/hex.ts";
import { type DevAccount, devAccounts, USERS } from "./accounts.ts";
import { Anvil, CHAIN_ID } from "./anvil.ts";
import { DataDir, writeWhole } from "./data-dir.ts";
import { type Devnet, formatDevnet, hashOfBlock, parseDevnet, prepareDevnet } from "./devnet.ts";
import { LocalFailure } from "./failure.ts";
import { requireFree, urlOf } from "./listen-address.ts";
import { type Child, Processes, stopLeftovers } from "./processes.ts";
import { waitForDeposits, waitUntilServing } from "./readiness.ts";
import { checkGenesis, checkHead, decideStart, type Match } from "./restore.ts";
import { quantity, type Rpc } from "./rpc.ts";
import { SequencerClient } from "./sequencer-client.ts";
import { checkVariables, NO_DEVNET, splitSecrets, workerVariables } from "./variables.ts";
import { Workerd, type WorkerdOptions } from "./workerd.ts";

export type StackOptions = {
  readonly dataDir: string;
  /** Default 127.0.0.1. */
  readonly httpHost?: string;
  /** 0, the default: any free port. */
  readonly httpPort?: number;
  /** 0, the default: any free port. */
  readonly anvilPort?: number;
  /** Seconds from block to block, default 1; null: blocks come from `mine` only. */
  readonly blockTimeS?: number | null;
  /** Blocks by which the safe head trails, default 8. */
  readonly slotsInEpoch?: number;
  /** Begins anew: forgets the chain, the database and the operator token. */
  readonly fresh?: boolean;
  /** `SEQ_` variables that override the devnet's. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Told what is going on, in a line. */
  readonly log?: (line: string) => void;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
};

export type Stack = {
  /** The sequencer. */
  readonly url: string;
  /** L1. */
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly app: Address;
  readonly inputBox: Address;
  readonly erc20Portal: Address;
  readonly token: Address;
  readonly submitter: Address;
  readonly operatorToken: string;
  /** The ten funded accounts. */
  readonly accounts: readonly DevAccount[];
  readonly pids: { readonly anvil: number; readonly workerd: number };
  /** Resolves, with a line that says so, when a process ends that nobody stopped. */
  readonly failed: Promise<string>;
  mine(blocks: number): Promise<void>;
  /** SIGKILL. */
  killWorkerd(): Promise<void>;
  /** Starts it again, on the same port, and waits until it would take an op. */
  restartWorkerd(): Promise<void>;
  /** Saves the chain and stops everything. May be called twice. */
  stop(): Promise<void>;
};

/**
 * Resolves when the sequencer would take an op and the ten accounts have their balances. Throws
 * `LocalFailure` with what to print when it cannot be.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stack = new LocalStack(options);
  const started = stack.start();
  const died = stack.failed.then((line) => Promise.reject(new LocalFailure(line)));
  died.catch(() => undefined);
  try {
    return await Promise.race([started, died, aborted(options.signal)]);
  } catch (error) {
    // A start that is given up fails once more, in its own way, as its processes end.
    started.catch(() => undefined);
    // Requests to a process that died may fail before its end is known, and say less.
    if (!(error instanceof LocalFailure)) await Promise.race([died, sleep(DEATH_NOTICE_MS)]);
    throw error;
  } finally {
    if (!stack.isStarted) await stack.stop();
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

class LocalStack implements Stack {
  readonly failed: Promise<string>;
  readonly accounts: readonly DevAccount[];
  readonly chainId = CHAIN_ID;
  isStarted = false;
  url = "";
  rpcUrl = "";
  app: Address = ZERO_ADDRESS;
  inputBox: Address = ZERO_ADDRESS;
  erc20Portal: Address = ZERO_ADDRESS;
  token: Address = ZERO_ADDRESS;
  submitter: Address = ZERO_ADDRESS;
  operatorToken = "";
  readonly #options: StackOptions;
  readonly #all: readonly DevAccount[] = devAccounts();
  #fail: (line: string) => void = () => undefined;
  /** Ends of these are somebody's wish. */
  readonly #stopping = new Set<Child>();
  #stopped: Promise<void> | null = null;
  #dataDir: DataDir | null = null;
  #processes: Processes | null = null;
  #anvil: Anvil | null = null;
  #workerd: Workerd | null = null;
  #workerdOptions: WorkerdOptions | null = null;
  /** Whether the chain matches its database, so that it may replace the saved one. */
  #isChainTrusted = false;

  constructor(options: StackOptions) {
    this.#options = options;
    this.accounts = this.#all.slice(0, USERS);
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  get pids(): Stack["pids"] {
    return { anvil: this.#anvil?.child.pid ?? 0, workerd: this.#workerd?.child.pid ?? 0 };
  }

  async start(): Promise<Stack> {
    const { vars = {}, httpHost = "127.0.0.1", httpPort = 0, anvilPort = 0 } = this.#options;
    const submitterKey = this.#all[USERS]?.privateKey ?? "";
    const sources = { submitterKey, secondsPerBlock: this.#blockTimeS ?? 1, overrides: vars };
    this.submitter = checkVariables(
      workerVariables({ ...sources, devnet: NO_DEVNET, rpcUrl: NO_RPC_URL, operatorToken: "-" }),
    );
    const dataDir = await this.#open();
    this.#log("building what changed");
    await build();
    await requireFree({ host: httpHost, port: httpPort }, "choose another SEQ_HTTP_ADDR");
    await requireFree({ host: "127.0.0.1", port: anvilPort }, L1_PORT_ADVICE);
    const { devnet, match } = await this.#startChain(dataDir, anvilPort);
    this.operatorToken = vars["SEQ_OPERATOR_TOKEN"] ?? (await dataDir.operatorToken());
    const { plain, secrets } = splitSecrets(
      workerVariables({
        ...sources,
        devnet,
        rpcUrl: this.rpcUrl,
        operatorToken: this.operatorToken,
      }),
    );
    await this.#startWorkerd({
      ...{ host: httpHost, port: httpPort, variables: plain, secrets, dataDir },
      processes: must(this.#processes, "processes are opened with the data directory"),
    });
    await this.#join(devnet, match, dataDir);
    this.isStarted = true;
    return this;
  }

  mine(blocks: number): Promise<void> {
    return this.#running(this.#anvil).mine(blocks);
  }

  async killWorkerd(): Promise<void> {
    const workerd = this.#running(this.#workerd);
    this.#stopping.add(workerd.child);
    await workerd.kill();
  }

  async restartWorkerd(): Promise<void> {
    const options = this.#running(this.#workerdOptions);
    await this.#startWorkerd({ ...options, port: this.#running(this.#workerd).port });
    await waitUntilServing(new SequencerClient(this.url), options.dataDir.file("workerdLog"));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #open(): Promise<DataDir> {
    const dataDir = DataDir.open(this.#options.dataDir);
    this.#dataDir = dataDir;
    await stopLeftovers(dataDir.file("processes"));
    if (this.#options.fresh === true) dataDir.clear();
    this.#processes = new Processes(dataDir.file("processes"));
    return dataDir;
  }

  /** The chain of the last run, or a new one with everything on it. Mining is off. */
  async #startChain(
    dataDir: DataDir,
    port: number,
  ): Promise<{ readonly devnet: Devnet; readonly match: Match }> {
    const start = decideStart({
      hasDevnet: dataDir.has("devnet"),
      hasChain: dataDir.has("chain"),
      hasDatabase: dataDir.hasDatabase(),
    });
    if (start === "new") dataDir.clear();
    this.#log(start === "new" ? "starting a new chain" : "loading the chain of the last run");
    const { slotsInEpoch = SLOTS_IN_EPOCH } = this.#options;
    const processes = this.#running(this.#processes);
    const chainFile = dataDir.file("chain");
    const anvil = await Anvil.start({ port, slotsInEpoch, chainFile, processes });
    this.#anvil = anvil;
    this.#watch(anvil.child);
    this.rpcUrl = anvil.url;
    if (start === "new") {
      this.#log("deploying the contracts and depositing for ten accounts");
      const prepared = await prepareDevnet(anvil, this.#all, slotsInEpoch);
      await anvil.save();
      await writeWhole(dataDir.file("devnet"), formatDevnet(prepared));
    }
    const devnet = parseDevnet(readFileSync(dataDir.file("devnet"), "utf8"));
    const match = {
      recordedGenesis: devnet.genesisHash,
      loadedGenesis: await hashOfBlock(anvil.rpc, 0),
      loadedHead: Number(await anvil.rpc<string>("eth_blockNumber")),
    };
    checkGenesis(match);
    await fundSubmitter(anvil.rpc, this.submitter);
    this.#adopt(devnet);
    return { devnet, match };
  }

  async #startWorkerd(options: WorkerdOptions): Promise<void> {
    this.#log("starting the sequencer on workerd");
    const workerd = await Workerd.start(options);
    this.#workerdOptions = options;
    this.#workerd = workerd;
    this.#watch(workerd.child);
    this.url = urlOf({ host: options.host, port: workerd.port });
  }

  /** Lets blocks come once chain and database are known to match, and waits for what they bring. */
  async #join(devnet: Devnet, match: Match, dataDir: DataDir): Promise<void> {
    const client = new SequencerClient(this.url);
    checkHead(match, (await client.health()).safe_block);
    this.#isChainTrusted = true;
    const { slotsInEpoch = SLOTS_IN_EPOCH } = this.#options;
    const anvil = this.#running(this.#anvil);
    if (this.#blockTimeS === null) await anvil.mine(slotsInEpoch + 1);
    else anvil.startClock(this.#blockTimeS * 1000);
    this.#log("waiting until the sequencer has read the chain");
    await waitUntilServing(client, dataDir.file("workerdLog"));
    const users = this.accounts.map((account) => account.address);
    await waitForDeposits(client, devnet, users);
    const running = { pid: process.pid, url: this.url, rpcUrl: this.rpcUrl };
    await writeWhole(dataDir.file("running"), JSON.stringify(running));
  }

  async #stop(): Promise<void> {
    const processes = this.#processes;
    const anvil = this.#anvil;
    anvil?.stopClock();
    if (processes !== null && this.#workerd !== null) {
      this.#stopping.add(this.#workerd.child);
      await this.#workerd.stop(processes);
    }
    if (processes !== null && anvil !== null) {
      this.#stopping.add(anvil.child);
      if (this.#isChainTrusted && anvil.isRunning) await anvil.save();
      await anvil.stop(processes);
    }
    processes?.close();
    this.#dataDir?.close();
  }

  /** A process that ends by itself is the end of the stack. */
  #watch(child: Child): void {
    void child.ended.then((how) => {
      if (!this.#stopping.has(child)) this.#fail(`${child.name} ended by itself (${how})`);
    });
  }

  #adopt(devnet: Devnet): void {
    this.app = devnet.app;
    this.inputBox = devnet.inputBox;
    this.erc20Portal = devnet.erc20Portal;
    this.token = devnet.token;
  }

  get #blockTimeS(): number | null {
    return this.#options.blockTimeS === undefined ? 1 : this.#options.blockTimeS;
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }

  #running<T>(part: T | null): T {
    return must(part, "a stack is used between its start and its stop");
  }
}

async function build(): Promise<void> {
  try {
    await buildAll();
  } catch (error) {
    throw new LocalFailure(error instanceof Error ? error.message : String(error));
  }
}

/** A submitter of the user's own has nothing on a new chain. */
async function fundSubmitter(rpc: Rpc, submitter: Address): Promise<void> {
  const balance = BigInt(await rpc<string>("eth_getBalance", [submitter, "latest"]));
  if (balance < ONE_ETHER) {
    await rpc("anvil_setBalance", [submitter, quantity(SUBMITTER_ETHERS * ONE_ETHER)]);
  }
}
