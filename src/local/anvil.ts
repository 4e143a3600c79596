/**
 * A development chain: anvil, mined and saved by its runner.
 *
 * anvil's own dump is neither atomic nor consistent: a block that is mined while the state is being
 * read leaves a dump with the block's effects and without the block. So the runner mines, by a clock
 * of its own, and saves between two blocks, to a temporary file that replaces the saved chain in one
 * step. `kill -9` of anything at any time leaves a chain that loads.
 *
 * The last save is at most a few seconds old, while the sequencer stores nothing above the safe head,
 * which trails by the blocks of an epoch. A restored chain therefore still holds every block that the
 * sequencer has seen, and only loses newer ones: what was in them happens again.
 */

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ACCOUNTS } from "./accounts.ts";
import { sortStates } from "./chain-file.ts";
import { writeWhole } from "./data-dir.ts";
import { LocalFailure } from "./failure.ts";
import type { Child, Processes } from "./processes.ts";
import { quantity, type Rpc, rpcOf } from "./rpc.ts";

export const CHAIN_ID: number = 31_337;

export type AnvilOptions = {
  /** 0: any free port. */
  readonly port: number;
  readonly slotsInEpoch: number;
  /** The saved chain, replaced by every save. */
  readonly chainFile: string;
  /** Unix seconds of the saved chain's first block: loads it. Null: begins a chain. */
  readonly genesisTimeS: number | null;
  readonly processes: Processes;
  /** Told, in a line, when the clock's saves begin to fail. */
  readonly log?: (line: string) => void;
};

/** How long loading a chain of many hours may take. */
const START_LIMIT_MS = 60_000;
const STOP_GRACE_MS = 3_000;
const SAVE_EVERY_MS = 2_000;
/** Saving takes at most a fifth of the time, until that would make a save too old. */
const SAVE_REST_FACTOR = 4;
const SAVE_REST_MAX_MS = 5_000;
const SAVE_ATTEMPTS = 10;
/**
 * States of this many blocks are kept and saved, so that calls at recent blocks, the safe one among
 * them, work at once after a restart. Each costs memory and time at every save.
 */
const STATES_KEPT = 32;
/** When saving those states takes longer, only the last save before a stop includes them. */
const STATES_SAVE_MS_MAX = 300;

export class Anvil {
  readonly url: string;
  readonly child: Child;
  readonly rpc: Rpc;
  readonly #chainFile: string;
  readonly #log: (line: string) => void;
  #hasToldFailure = false;
  #clock: NodeJS.Timeout | null = null;
  /** Mining and saving take turns here. */
  #turn: Promise<void> = Promise.resolve();
  #nextSaveMs = 0;
  #statesSaveMs = 0;

  private constructor(child: Child, port: number, { chainFile, log }: AnvilOptions) {
    this.child = child;
    this.url = `http://127.0.0.1:${port}`;
    this.rpc = rpcOf(this.url);
    this.#chainFile = chainFile;
    this.#log = log ?? (() => undefined);
  }

  /** Starts with mining off. Throws `LocalFailure` when anvil is missing or does not start. */
  static async start(options: AnvilOptions): Promise<Anvil> {
    const child = await options.processes.spawn({
      name: "anvil",
      program: "@foundry-rs/anvil-linux-amd64/bin/anvil",
      args: [
        ...["--host", "127.0.0.1", "--port", `${options.port}`, "--chain-id", `${CHAIN_ID}`],
        ...["--accounts", `${ACCOUNTS}`, "--slots-in-an-epoch", `${options.slotsInEpoch}`],
        ...["--no-mining", "--no-request-size-limit", "--preserve-historical-states"],
        ...["--prune-history", `${STATES_KEPT}`],
        ...(await loadArgs(options)),
      ],
      env: { NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const anvil = new Anvil(child, await listeningPort(child), options);
    // The genesis time also set anvil's clock.
    if (options.genesisTimeS !== null) {
      await anvil.rpc("evm_setTime", [Math.floor(Date.now() / 1000)]);
    }
    return anvil;
  }

  /** Mines a block every `intervalMs`, and saves the chain every few seconds if asked, until `stop`. */
  startClock(intervalMs: number, saves: boolean): void {
    this.stopClock();
    this.#nextSaveMs = saves ? Date.now() + SAVE_EVERY_MS : Number.POSITIVE_INFINITY;
    this.#clock = setInterval(() => void this.#tick(), intervalMs);
  }

  mine(blocks: number): Promise<void> {
    return this.#inTurn(() => this.rpc("anvil_mine", [quantity(blocks)]));
  }

  /** Saves the chain, with the states of its recent blocks. Throws when others mine all the time. */
  save(): Promise<void> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < SAVE_ATTEMPTS; attempt++) if (await this.#save(true)) return;
      throw new LocalFailure("the chain could not be saved between two blocks");
    });
  }

  /** As `stopClock`; on return no block of the clock's is under way either. */
  pauseClock(): Promise<void> {
    this.stopClock();
    return this.#turn;
  }

  stopClock(): void {
    if (this.#clock !== null) clearInterval(this.#clock);
    this.#clock = null;
  }

  /** Saves the chain, if anvil still runs, and ends it. */
  async stop(processes: Processes): Promise<void> {
    this.stopClock();
    const { exitCode, signalCode } = this.child.process;
    if (exitCode === null && signalCode === null) await this.save();
    await processes.stop(this.child, STOP_GRACE_MS);
  }

  async #tick(): Promise<void> {
    try {
      await this.mine(1);
      if (Date.now() < this.#nextSaveMs) return;
      await this.#inTurn(async () => {
        await this.#save(this.#statesSaveMs <= STATES_SAVE_MS_MAX);
      });
    } catch (error) {
      // Otherwise anvil is ending or ended, which its runner learns from the process itself.
      if (error instanceof LocalFailure && !this.#hasToldFailure) this.#log(error.message);
      this.#hasToldFailure ||= error instanceof LocalFailure;
    }
  }

  /** False when there was no moment between two blocks. */
  async #save(withStates: boolean): Promise<boolean> {
    const startMs = Date.now();
    const head = await this.rpc<string>("eth_blockNumber");
    const dump = await this.rpc<`0x${string}`>("anvil_dumpState", [withStates]);
    // Somebody else mined, over RPC, and this dump may be torn.
    if ((await this.rpc<string>("eth_blockNumber")) !== head) return false;
    const chain = await promisify(gunzip)(Buffer.from(dump.slice(2), "hex"));
    await this.#write(chain);
    const tookMs = Date.now() - startMs;
    if (withStates) this.#statesSaveMs = tookMs;
    const restMs = Math.min(SAVE_REST_MAX_MS, tookMs * SAVE_REST_FACTOR);
    this.#nextSaveMs = Math.max(startMs + SAVE_EVERY_MS, Date.now() + restMs);
    return true;
  }

  async #write(chain: Uint8Array): Promise<void> {
    try {
      await writeWhole(this.#chainFile, chain);
      this.#hasToldFailure = false;
    } catch (error) {
      // A full disk, mostly. What was saved before stays.
      const reason = error instanceof Error ? error.message : String(error);
      throw new LocalFailure(`the chain could not be saved: ${reason}`);
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/**
 * anvil makes a genesis block before it loads one, and would save both from then on, in any order.
 * With the time of the loaded one they are the same block.
 */
async function loadArgs({ chainFile, genesisTimeS }: AnvilOptions): Promise<readonly string[]> {
  if (genesisTimeS === null) return [];
  await writeWhole(chainFile, sortStates(await readFile(chainFile, "utf8")));
  return ["--load-state", chainFile, "--timestamp", `${genesisTimeS}`];
}

/** anvil prints its address once it accepts connections; with port 0 the kernel chose it. */
async function listeningPort(child: Child): Promise<number> {
  const { stdout, stderr } = child.process;
  if (stdout === null || stderr === null) throw new Error("anvil's output is piped");
  let complaint = "";
  stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = text.trim().split("\n")[0] ?? complaint;
  });
  const listening = new Promise<number>((resolve) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const port = /^Listening on .*:([0-9]+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
  const ended = child.ended.then((how) => {
    throw new LocalFailure(`anvil did not start (${how}): ${complaint.slice(0, 300)}`);
  });
  return await withinLimit(Promise.race([listening, ended]), START_LIMIT_MS, "anvil");
}

/** `work`, or a `LocalFailure` that says that `name` took too long. */
export async function withinLimit<T>(work: Promise<T>, limitMs: number, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${name} did not start within ${limitMs / 1000} s`;
    timer = setTimeout(() => reject(new LocalFailure(message)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
