/**
 * One whole Baton on this machine: a development chain with the real contracts, and the Worker.
 *
 * `npm start`, the end-to-end tests and the benchmark run it. Whoever starts a stack stops it; if it
 * cannot start, nothing of it stays. What it writes is in its data directory and nowhere else.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { buildAll } from "../../scripts/build.ts";
import { must } from "../core/types/assert.ts";
import type { Address } from "../core/types/hex.ts";
import { type DevAccount, devAccounts, USERS } from "./accounts.ts";
import type { Anvil } from "./anvil.ts";
import { type Chain, openChain } from "./chain.ts";
import {
  type CommitteePlan,
  committeeVariables,
  foundCommittee,
  planCommittee,
} from "./committee.ts";
import { DataDir, writeWhole } from "./data-dir.ts";
import type { Devnet } from "./devnet.ts";
import { LocalFailure } from "./failure.ts";
import { HeldPorts } from "./held-ports.ts";
import { urlOf } from "./listen-address.ts";
import { Members } from "./members.ts";
import { Processes, stopLeftovers } from "./processes.ts";
import { waitForDeposits, waitUntilServing } from "./readiness.ts";
import { checkHead, describeRebuild } from "./restore.ts";
import { SequencerClient } from "./sequencer-client.ts";
import { DEFAULTS, type Settings, type Stack, type StackOptions } from "./stack-options.ts";
import {
  checkVariables,
  NO_CHAIN,
  rebuildVariables,
  splitSecrets,
  type Variables,
  workerVariables,
} from "./variables.ts";
import { Workerd, type WorkerdOptions } from "./workerd.ts";

/** What the parts of a start work on. */
type Start = {
  readonly settings: Settings;
  readonly accounts: readonly DevAccount[];
  readonly submitter: Address;
  readonly dataDir: DataDir;
  readonly processes: Processes;
  readonly ports: HeldPorts;
};

/** A process that dies is known by its end this long after its last request fails. */
const DEATH_NOTICE_MS = 300;

/**
 * Resolves when the sequencer would take an op and the ten accounts have their balances. Throws
 * `LocalFailure` with what to print when it cannot be.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const settings: Settings = { ...DEFAULTS, ...options };
  const accounts = devAccounts();
  const submitter = checkVariables(
    variablesOf(settings, accounts, NO_CHAIN),
    settings.rollup.application,
  );
  const dataDir = DataDir.open(settings.dataDir);
  const processes = new Processes(dataDir.file("processes"));
  const died = processes.failed.then((line) => Promise.reject(new LocalFailure(line)));
  const ports = new HeldPorts();
  const starting = start({ settings, accounts, submitter, dataDir, processes, ports });
  // Whichever loses the race below may still fail, with nothing to add.
  for (const late of [died, starting]) late.catch(() => undefined);
  try {
    return await Promise.race([starting, died, aborted(settings.signal)]);
  } catch (error) {
    try {
      // A request to a process that died may fail before that end is known, and says less.
      if (!(error instanceof LocalFailure)) await Promise.race([died, sleep(DEATH_NOTICE_MS)]);
      throw error;
    } finally {
      await processes.close();
      await ports.releaseAll();
      dataDir.close();
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

async function start(parts: Start): Promise<Stack> {
  const { settings, accounts, submitter, dataDir, processes, ports } = parts;
  const { httpHost, slotsInEpoch, log, committee } = settings;
  await stopLeftovers(dataDir.file("processes"));
  if (settings.fresh) dataDir.clear();
  const { httpPort, anvilPort } = await holdPorts(parts);
  log("building what changed");
  await build();
  await ports.release(anvilPort);
  const chain = await openChain({
    ...{ dataDir, processes, accounts, submitter, log, slotsInEpoch },
    port: anvilPort,
  });
  const operatorToken = settings.vars["SEQ_OPERATOR_TOKEN"] ?? (await dataDir.operatorToken());
  const { devnet, anvil } = chain;
  const rpcUrl = await settings.l1Url(anvil.url);
  const leaderUrl = urlOf({ host: httpHost, port: httpPort });
  const plan = committee === null ? [] : await planCommittee(committee, leaderUrl, ports);
  const variables = {
    ...(plan.length === 0 ? {} : committeeVariables(plan, await dataDir.validatorKek())),
    ...(committee?.isSpread === true ? { SEQ_COMMITTEE_URL: leaderUrl } : {}),
    ...variablesOf(settings, accounts, { devnet, rpcUrl, operatorToken }),
  };
  const { bundle } = settings.rollup;
  const given = { processes, bundle, ...splitSecrets(variables) };
  const workerdOptions: WorkerdOptions = { ...given, dataDir, host: httpHost, port: httpPort };
  const members = await Members.start(plan, dataDir.file("members"), ports, given);
  log("starting the sequencer on workerd");
  await ports.release(httpPort);
  const workerd = await Workerd.start(workerdOptions);
  const client = new SequencerClient(urlOf({ host: httpHost, port: workerd.port }));
  const sequencer = { client, plan, operatorToken, rebuildVariables: rebuildVariables(variables) };
  const genesis = await join(parts, chain, sequencer);
  const running = { chain, workerd, workerdOptions, client, operatorToken, members, genesis };
  return assemble(parts, running);
}

async function holdPorts({ settings, ports }: Start) {
  const { httpHost: host, httpPort, anvilPort } = settings;
  if (httpPort !== 0) await ports.hold({ host, port: httpPort }, "stop it, or set SEQ_HTTP_ADDR");
  if (anvilPort !== 0) {
    const advice = "L1's port follows from SEQ_HTTP_ADDR, choose another";
    await ports.hold({ host: "127.0.0.1", port: anvilPort }, advice);
  }
  return {
    httpPort: httpPort || (await ports.holdAny()),
    anvilPort: anvilPort || (await ports.holdAny()),
  };
}

/**
 * Lets blocks come once chain and database are known to match, and waits for what they bring. Answers the
 * committee's genesis; null without a committee.
 */
async function join(
  parts: Start,
  chain: Chain,
  sequencer: {
    readonly client: SequencerClient;
    readonly plan: CommitteePlan;
    readonly operatorToken: string;
    readonly rebuildVariables: Variables;
  },
): Promise<string | null> {
  const { settings, accounts, dataDir } = parts;
  const { client, plan, operatorToken, rebuildVariables } = sequencer;
  const seenBlock = (await client.health()).safe_block;
  checkHead(chain.head, seenBlock);
  // Blocks that were lost with the last save are made up for, so that nobody waits for the safe head.
  const lostBlocks = (seenBlock ?? 0) + settings.slotsInEpoch - chain.head;
  if (lostBlocks > 0) await chain.anvil.mine(lostBlocks);
  startClock(settings, chain.anvil);
  settings.log("waiting until the sequencer has read the chain");
  const served = new AbortController();
  // Under a committee nothing is served before it is founded, so both are waited for together.
  const founded =
    plan.length === 0
      ? Promise.resolve(null)
      : foundCommittee({ url: client.url, operatorToken, plan, signal: served.signal });
  try {
    await waitUntilServing(client, dataDir.file("workerdLog"), () =>
      settings.log(describeRebuild(client.url, chain.anvil.url, rebuildVariables)),
    );
  } finally {
    served.abort();
  }
  const users = accounts.slice(0, USERS).map((account) => account.address);
  // Later the feed need not begin with them: history is deleted (F8), and a rebuilt one begins behind.
  if (chain.isNew) await waitForDeposits(client, chain.devnet, users);
  const running = { pid: process.pid, url: client.url, rpcUrl: chain.anvil.url };
  await writeWhole(dataDir.file("running"), JSON.stringify(running));
  return await founded;
}

function startClock({ blockTimeS, savesChain }: Settings, anvil: Anvil): void {
  if (blockTimeS !== null) anvil.startClock(blockTimeS * 1000, savesChain);
}

function assemble(
  { settings, accounts, submitter, dataDir, processes }: Start,
  parts: {
    readonly chain: Chain;
    readonly workerd: Workerd;
    readonly workerdOptions: WorkerdOptions;
    readonly client: SequencerClient;
    readonly operatorToken: string;
    readonly members: Members;
    readonly genesis: string | null;
  },
): Stack {
  const { chain, client, operatorToken, workerdOptions, members, genesis } = parts;
  const { anvil, devnet } = chain;
  const { app, inputBox, erc20Portal, token, chainId } = devnet;
  let workerd = parts.workerd;
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    anvil.stopClock();
    try {
      await members.stop();
      await workerd.stop(processes);
      await anvil.stop(processes);
    } finally {
      // Also when the chain could not be saved: nothing of the stack stays.
      dataDir.remove("running");
      await processes.close();
      dataDir.close();
    }
  };
  const startWorkerd = async () => {
    workerd = await Workerd.start({ ...workerdOptions, port: workerd.port });
  };
  return {
    ...{ chainId, app, inputBox, erc20Portal, token, submitter, operatorToken, genesis },
    url: client.url,
    rpcUrl: anvil.url,
    accounts: accounts.slice(0, USERS),
    members: members.all,
    get pids() {
      return { anvil: anvil.child.pid, workerd: workerd.child.pid };
    },
    failed: processes.failed,
    mine: (blocks) => anvil.mine(blocks),
    pauseBlocks: () => anvil.pauseClock(),
    resumeBlocks: () => startClock(settings, anvil),
    killWorkerd: () => processes.kill(workerd.child),
    startWorkerd,
    restartWorkerd: async () => {
      await startWorkerd();
      await waitUntilServing(client, dataDir.file("workerdLog"), () => undefined);
      settings.log("the sequencer serves again");
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

async function build(): Promise<void> {
  try {
    await buildAll();
  } catch (error) {
    throw new LocalFailure(error instanceof Error ? error.message : String(error));
  }
}

function variablesOf(
  { blockTimeS, vars }: Settings,
  accounts: readonly DevAccount[],
  chain: { readonly devnet: Devnet; readonly rpcUrl: string; readonly operatorToken: string },
): Variables {
  return workerVariables({
    ...chain,
    secondsPerBlock: blockTimeS ?? 1,
    submitterKey: must(accounts[USERS], "the account after the users submits").privateKey,
    overrides: vars,
  });
}
