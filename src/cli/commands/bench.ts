/** `baton bench`: a closed loop of transfers against a given sequencer, each seen on the feed. */

import type { Command, Option } from "commander";
import { connectEach, connectShared, type RunResult, run } from "../../local/load/load.ts";
import { type Percentiles, table } from "../../local/load/stats.ts";
import { createClient } from "../../sdk/client.ts";
import type { Client } from "../../sdk/client-types.ts";
import { keyOf } from "../account.ts";
import {
  derivedSenders,
  fundSenders,
  mnemonicOf,
  type Sender,
  scriptsOf,
  sendersOfMnemonic,
} from "../bench-senders.ts";
import type { Cli } from "../command.ts";
import { CommandFailure, type Io, type Speech, type SpeechOptions } from "../io.ts";
import {
  type AccountFlags,
  countOf,
  requireOne,
  unitsOf,
  urlOf,
  withAccount,
  withProgress,
  withUrl,
} from "../options.ts";

type Channel = "http" | "ws";
type Flags = SpeechOptions &
  AccountFlags & {
    readonly mnemonicFile?: string;
    readonly workers: number;
    readonly ops: number;
    readonly fund: bigint;
    readonly channel: Channel;
  };

const WORKERS_MAX = 256;
const OPS_MAX = 1_000_000;
/** Covers the default's fees many times over on the wallet's token. */
const FUND_UNITS = 10_000_000n;
const SOCKETS = 4;
const CHANNELS: readonly Channel[] = ["http", "ws"];
const HELP = `
It spends money: every op is a transfer of one unit and pays its fee. With a mnemonic its first accounts send,
and each must have a balance. With one key, that account first pays --fund to each worker's account, which is
derived from the key: the same ones in every run, and nobody else's. Latencies are from the write of a request
to its answer, and to its record on the feed; a run that misses one there fails.

  BATON_MNEMONIC      the senders, when no other is named
  BATON_PRIVATE_KEY   the account that pays them, when no other is named
`;

export function addBench<AppConfig>(cli: Cli<AppConfig>): void {
  const { io } = cli;
  cli.command<Flags>(
    {
      name: "bench",
      does: "loads a sequencer with transfers and measures its answers",
      exits: {
        0: "it was measured",
        1: "it could not be",
        2: "it was measured, and ops were refused",
      },
      help: HELP,
    },
    (command) =>
      withProgress(withAccount(withUrl(command)))
        .option("--mnemonic-file <file>", "the senders are its first accounts")
        .option("--workers <n>", "accounts that send at once", countOf(WORKERS_MAX), 16)
        .option("--ops <n>", "of all workers together", countOf(OPS_MAX), 1_000)
        .addOption(fundOption(command))
        .addOption(
          command
            .createOption("--channel <name>", `a connection each, or ${SOCKETS} submit channels`)
            .choices(CHANNELS)
            .default("http"),
        ),
    async ({ args, flags, speech }) => {
      const url = urlOf(io, args[0]);
      if (flags.workers > flags.ops) throw new CommandFailure("--ops must be at least --workers");
      const client = createClient({ url });
      const senders = await prepareSenders(io, client, flags, speech);
      speech.progress("signing");
      const scripts = await scriptsOf(client, senders, Math.floor(flags.ops / flags.workers));
      speech.progress("running");
      const connect = flags.channel === "http" ? connectEach : connectShared(SOCKETS);
      const result = await measure(() => run(client.url, scripts, connect));
      tell(speech, client.url, flags, result);
      return result.rejected === 0 ? 0 : 2;
    },
  );
}

/** The help cannot print a bigint by itself. */
function fundOption(command: Command): Option {
  return command
    .createOption("--fund <units>", "what each worker's account is paid first")
    .argParser(unitsOf)
    .default(FUND_UNITS, `${FUND_UNITS}`);
}

async function prepareSenders(
  io: Io,
  client: Client,
  flags: Flags,
  speech: Speech,
): Promise<readonly Sender[]> {
  const { workers, fund: units, mnemonicFile, account, privateKeyFile } = flags;
  requireOne([
    ["--mnemonic-file", mnemonicFile !== undefined],
    ["--private-key-file", privateKeyFile !== undefined],
    ["--account", account !== undefined],
  ]);
  const namesKey = account !== undefined || privateKeyFile !== undefined;
  const mnemonic = namesKey ? undefined : await mnemonicOf(io, mnemonicFile);
  if (mnemonic !== undefined) return sendersOfMnemonic(mnemonic, workers);
  const key = await keyOf(io, flags, client.url);
  const senders = derivedSenders(key, workers);
  if (units === 0n) return senders;
  const onPaid = (paid: number) => speech.progress(`paid ${paid} of ${workers} workers`);
  await fundSenders(client, { key, senders, units, onPaid });
  return senders;
}

/** What the load generator throws says what was invalid, or is the network's. */
async function measure(load: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await load();
  } catch (error) {
    const says =
      error instanceof Error && error.message.startsWith("invalid run") ? error.message : null;
    throw new CommandFailure(says ?? "the connection to the sequencer was lost");
  }
}

function tell(speech: Speech, url: string, { channel }: Flags, result: RunResult): void {
  const { workers, accepted, rejected, seconds, ackMs, feedMs, certifiedMs } = result;
  const opsPerSecond = Math.round(accepted / seconds);
  const hasCertificates = Number.isFinite(certifiedMs.p50);
  const said = {
    ...{ command: "bench", url, channel, workers, accepted, rejected },
    ...{ seconds: Number(seconds.toFixed(3)), ops_per_second: opsPerSecond },
    ...{ ack_ms: rounded(ackMs), feed_ms: rounded(feedMs) },
    certified_ms: hasCertificates ? rounded(certifiedMs) : null,
  };
  const row = (name: string, { p50, p95, p99 }: Percentiles) =>
    [name, ...[p50, p95, p99].map((ms) => ms.toFixed(1))] as const;
  speech.result(said, [
    `${accepted} ops in ${seconds.toFixed(1)} s by ${workers} workers over ${channel}: ${opsPerSecond} ops/s, ${rejected} refused`,
    ...table([
      ["ms", "p50", "p95", "p99"],
      row("answer", ackMs),
      row("feed", feedMs),
      ...(hasCertificates ? [row("certified", certifiedMs)] : []),
    ]).split("\n"),
  ]);
}

function rounded({ p50, p95, p99 }: Percentiles): Percentiles {
  const one = (value: number) => Number(value.toFixed(2));
  return { p50: one(p50), p95: one(p95), p99: one(p99) };
}
