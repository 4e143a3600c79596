/**
 * `baton flush`: which of the submitter's wallet nonces are still open, and closing them (R2, R5).
 *
 * A sequencer flushes by itself when a recovery needs it; this shows how far it is, from L1's side.
 * `--execute` is for the wallet of a sequencer that is gone or frozen: it takes the same decisions as the
 * sequencer would, with the deployment's variables. It refuses while one that has a history answers, since
 * a live sequencer still needs its nonces.
 */

import type { Config } from "../../core/config/config.ts";
import type { Address } from "../../core/types/hex.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import type { L1 } from "../../l1/l1.ts";
import type { Cli } from "../command.ts";
import { connect, connectOne, describeL1Error } from "../connect.ts";
import { readConfig } from "../deployed-config.ts";
import { CommandFailure, type Io, type Speech, type SpeechOptions, variable } from "../io.ts";
import { addressOf, type RpcFlags, urlOf, withProgress, withRpc, withUrl } from "../options.ts";
import { retrying } from "../read-inputs.ts";
import { runFlush } from "../run-flush.ts";
import { SequencerClient } from "../sequencer-client.ts";

type Flags = SpeechOptions &
  RpcFlags & { readonly submitter?: Address; readonly execute?: boolean; readonly gone?: boolean };

const OPEN = 2;
const HELP = `
--execute sends no-ops from the submitter's account until none of its wallet nonces can land any more, which
voids the batches that are under way. It takes the deployment's variables, as baton rebuild does, and runs
where the sequencer is frozen or empty, or with --gone (docs/operations.md).

  SEQ_ETH_RPC_URL   Ethereum, when there is no --rpc-url
`;

export function addFlush<AppConfig>(cli: Cli<AppConfig>): void {
  const { io, application } = cli;
  cli.command<Flags>(
    {
      name: "flush",
      does: "shows which wallet nonces of the submitter are open on L1, and closes them",
      exits: { 0: "none is open", 1: "it could not be told", [OPEN]: "some are open" },
      help: HELP,
    },
    (command) =>
      withProgress(withRpc(withUrl(command)))
        .option("--submitter <address>", "instead of what the sequencer says", addressOf)
        .option("--execute", "close them")
        .option("--gone", "the sequencer is gone for good: nobody has to answer"),
    async ({ args, flags, speech }) => {
      const client = new SequencerClient(urlOf(io, args[0]), undefined);
      if (flags.execute !== true) return await show(io, client, flags, speech);
      const config = readConfig(io, application, flags);
      if (flags.gone !== true) await requireFrozen(client, args[0] ?? variable(io, "BATON_URL"));
      return await execute(io, config, flags, speech);
    },
  );
}

async function show(
  io: Io,
  client: SequencerClient,
  flags: Flags,
  speech: Speech,
): Promise<number> {
  const health = flags.submitter === undefined ? await client.get("/healthz") : null;
  const submitter = flags.submitter ?? (await askSubmitter(client));
  const nonces = await readNonces(connect(io, flags.rpcUrl), submitter);
  const recovery: unknown = health?.body["recovery"] ?? null;
  const { safe, latest, pending } = nonces;
  const open = Math.max(latest, pending) - safe;
  const account = checksumAddress(submitter);
  speech.result({ command: "flush", submitter: account, ...nonces, open, recovery }, [
    `submitter ${account}`,
    `wallet nonces used: ${pending} with what is pending, ${latest} mined, ${safe} at safe depth`,
    open === 0 ? "none is open" : `${open} open: ${safe} to ${safe + open - 1}`,
    ...(recovery === null ? [] : [`the sequencer recovers: ${JSON.stringify(recovery)}`]),
  ]);
  return open === 0 ? 0 : OPEN;
}

async function execute(io: Io, config: Config, flags: Flags, speech: Speech): Promise<number> {
  if (flags.submitter !== undefined && flags.submitter !== config.submitter) {
    throw new CommandFailure("the configured key is not that submitter's");
  }
  const block = await runFlush(await connectOne(io, flags.rpcUrl), config, speech);
  const account = checksumAddress(config.submitter);
  speech.result({ command: "flush", submitter: account, done: true, safe_block: block }, [
    `done: at safe block ${block} no wallet nonce of ${account} that the endpoint knows is open`,
  ]);
  return 0;
}

async function askSubmitter(client: SequencerClient): Promise<Address> {
  const answer = await client.get("/deployment");
  const said: unknown = answer.body["submitter"];
  if (answer.status === 200 && typeof said === "string") return addressOf(said);
  throw new CommandFailure("the sequencer does not say its submitter: give --submitter");
}

async function readNonces(l1: L1, account: Address) {
  const at = async (tag: "safe" | "latest" | "pending"): Promise<number> => {
    const count = await retrying(() => l1.transactionCount(account, tag));
    if (count.ok) return count.value;
    throw new CommandFailure(describeL1Error(count.error));
  };
  // In this order, so that what lands meanwhile is seen as open and not as settled.
  return { safe: await at("safe"), latest: await at("latest"), pending: await at("pending") };
}

/**
 * A history that answers is a sequencer that lives. One that is misconfigured on purpose is frozen; one that
 * cannot be reached may live, and so may any other than the one that was meant.
 */
async function requireFrozen(client: SequencerClient, named: string | undefined): Promise<void> {
  if (named === undefined) throw new CommandFailure("name the sequencer, or say --gone");
  const { body } = await client.get("/healthz");
  if (body["code"] === "MISCONFIGURED" || body["era"] === null) return;
  throw new CommandFailure(
    "the sequencer lives, and flushes by itself when it must: freeze it first (docs/operations.md)",
  );
}
