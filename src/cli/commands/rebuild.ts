/** `baton rebuild`: its flags, and what they mean (R5). */

import { batchNonce, blockNumber } from "../../core/types/units.ts";
import type { Cli } from "../command.ts";
import { CommandFailure, type SpeechOptions } from "../io.ts";
import {
  counterOf,
  type RpcFlags,
  type TokenFlags,
  urlOf,
  withProgress,
  withRpc,
  withToken,
  withUrl,
} from "../options.ts";
import { rebuild } from "../rebuild.ts";
import { namedToken } from "../token.ts";

type Flags = SpeechOptions &
  RpcFlags &
  TokenFlags & { readonly snapshot?: string; readonly block?: number; readonly nonce?: number };

const HELP = `
The deployment's own variables say what is rebuilt (docs/protocol/configuration.md): SEQ_CHAIN_ID,
SEQ_APP_ADDRESS, SEQ_BATCH_SUBMITTER_PRIVATE_KEY, SEQ_ETH_RPC_URL, SEQ_OPERATOR_TOKEN, the application's.
`;

export function addRebuild<AppConfig>(cli: Cli<AppConfig>): void {
  const { io, application } = cli;
  cli.command<Flags>(
    {
      name: "rebuild",
      does: "makes a sequencer's lost database anew from L1, in an empty sequencer",
      exits: {
        0: "the sequencer has begun a new era",
        1: "nothing was changed or the message says so",
      },
      help: HELP,
    },
    (command) =>
      withProgress(withToken(withRpc(withUrl(command))))
        .option("--snapshot <file>", "start from this state, which you trust, instead of genesis")
        .option("--block <n>", "the L1 block at whose end the snapshot stands", counterOf)
        .option("--nonce <n>", "the next batch nonce there, as baton verify says it", counterOf),
    ({ args, flags, speech }) => {
      const snapshot = snapshotOf(flags);
      const url = urlOf(io, args[0]);
      const token = namedToken(io, flags);
      return rebuild(io, application, { speech, url, rpcUrl: flags.rpcUrl, token, snapshot });
    },
  );
}

function snapshotOf({ snapshot, block, nonce }: Flags) {
  if (snapshot === undefined && block === undefined && nonce === undefined) return null;
  if (snapshot === undefined || block === undefined || nonce === undefined) {
    throw new CommandFailure("--snapshot, --block and --nonce are given together, or none of them");
  }
  return { path: snapshot, block: blockNumber(block), nextBatchNonce: batchNonce(nonce) };
}
