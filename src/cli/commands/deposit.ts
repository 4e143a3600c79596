/** `baton deposit`: tokens through the portal on L1, until the sequencer has put the deposit in order. */

import { parseAddress } from "../../core/types/hex.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import { chainPortOf } from "../../local/listen-address.ts";
import { createClient } from "../../sdk/client.ts";
import type { Client } from "../../sdk/client-types.ts";
import { isLoopback, keyOf, signerOf } from "../account.ts";
import type { Cli } from "../command.ts";
import { hasRpc, rpcUrlsOf } from "../connect.ts";
import { CommandFailure, type Io, type Speech, type SpeechOptions } from "../io.ts";
import {
  type AccountFlags,
  type RpcFlags,
  unitsOf,
  urlOf,
  withAccount,
  withProgress,
  withRpc,
  withUrl,
} from "../options.ts";
import { type Deposit, type Deposited, depositTokens } from "../token-deposit.ts";

type Flags = SpeechOptions &
  RpcFlags &
  AccountFlags & { readonly amount: bigint; readonly mint?: boolean; readonly wait: boolean };

/** For the safe head to pass the deposit's block: on Ethereum some 13 minutes. */
const ORDERED_LIMIT_MS = 1_800_000;
const HELP = `
  baton deposit --account 0 --amount 1000000 --mint

Sends the wallet's token to the application through the ERC-20 portal, after an allowance where one is
missing. Without --rpc-url, --account 0 to 9 finds the chain that npm start runs beside the sequencer.

  SEQ_ETH_RPC_URL     Ethereum, when there is no --rpc-url
  BATON_PRIVATE_KEY   the depositor's key, when no other is named
`;

export function addDeposit<AppConfig>(cli: Cli<AppConfig>): void {
  const { io } = cli;
  cli.command<Flags>(
    {
      name: "deposit",
      does: "deposits tokens on L1 and waits until the sequencer has put them in order",
      exits: {
        0: "it is in the order, or mined with --no-wait",
        1: "it failed, or the order was not seen",
      },
      help: HELP,
    },
    (command) =>
      withProgress(withAccount(withRpc(withUrl(command))))
        .requiredOption("--amount <units>", "in the token's smallest units", unitsOf)
        .option("--mint", "mint them first, as everybody may on a development chain")
        .option("--no-wait", "end when the deposit is mined"),
    async ({ args, flags, speech }) => {
      const url = urlOf(io, args[0]);
      const account = signerOf(await keyOf(io, flags, url));
      const rpcUrls = rpcUrlsOf(io, rpcUrlFor(io, url, flags));
      const client = createClient({ url });
      const { amount: units, mint: mints = false } = flags;
      const found = { ...(await contractsOf(client)), units, mints };
      const head = (await client.health()).feed_head ?? 0;
      const onStep = (step: string) => speech.progress(step);
      const deposited = await depositTokens(rpcUrls, account, { ...found, onStep });
      const offset = flags.wait ? await orderedAt(io, client, { head, deposited, speech }) : null;
      const by = checksumAddress(parseOwn(account.address));
      const { transactionHash: tx_hash, blockNumber: block_number } = deposited;
      const said = {
        command: "deposit",
        sender: by,
        amount: `${units}`,
        tx_hash,
        block_number,
        offset,
      };
      speech.result(said, [
        `deposited ${units} units by ${by} in L1 block ${block_number}: ${tx_hash}`,
        ...(offset === null ? [] : [`in the order at offset ${offset}`]),
      ]);
      return 0;
    },
  );
}

/** A development chain is where `npm start` puts it, beside its sequencer. */
function rpcUrlFor(io: Io, url: string, { rpcUrl, account }: Flags): string | undefined {
  if (hasRpc(io, rpcUrl) || account === undefined || !isLoopback(url)) return rpcUrl;
  const { hostname, port } = new URL(url);
  return `http://${hostname}:${chainPortOf(Number(port))}`;
}

/** Where the deployment's tokens go. Throws `CommandFailure` for another application than the wallet. */
async function contractsOf(
  client: Client,
): Promise<Pick<Deposit, "chainId" | "app" | "portal" | "token">> {
  const { application, application_config, app, chain_id } = await client.deployment();
  const [portal, token] = ["erc20_portal", "erc20_token"].map((name) =>
    parseAddress(String(application_config[name])),
  );
  if (!portal || !token) {
    throw new CommandFailure(
      `the application ${application} takes no ERC-20 deposits that are known here`,
    );
  }
  return { chainId: chain_id, app: parseOwn(app), portal, token };
}

function parseOwn(text: string) {
  const parsed = parseAddress(text);
  if (parsed === null) throw new CommandFailure("/deployment has not the shape of a deployment");
  return parsed;
}

/** The deposit's feed offset. Throws `CommandFailure` when the feed does not show it in time. */
async function orderedAt(
  io: Io,
  client: Client,
  by: { readonly head: number; readonly deposited: Deposited; readonly speech: Speech },
): Promise<number> {
  const { head, deposited, speech } = by;
  speech.progress("mined; the sequencer reads it when its block is safe");
  const late = AbortSignal.timeout(ORDERED_LIMIT_MS);
  const signal = AbortSignal.any([late, io.interrupted()]);
  try {
    for await (const event of client.follow({ fromOffset: head, signal })) {
      const isOurs =
        event.kind === "direct_input" && event.transactionHash === deposited.transactionHash;
      if (isOurs) return event.offset;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const where = `it is in L1 block ${deposited.blockNumber}: ${deposited.transactionHash}`;
  throw new CommandFailure(`the feed has not shown the deposit yet; ${where}`);
}
