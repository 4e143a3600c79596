/** `baton verify`: its flags, and what they mean (V4). */

import type { Application } from "../../core/application/application.ts";
import type { Address } from "../../core/types/hex.ts";
import { blockNumber } from "../../core/types/units.ts";
import type { Cli } from "../command.ts";
import type { Given } from "../deployment.ts";
import { CommandFailure, type SpeechOptions } from "../io.ts";
import {
  addressOf,
  counterOf,
  jsonOf,
  type RpcFlags,
  type TokenFlags,
  urlOf,
  withProgress,
  withRpc,
  withToken,
  withUrl,
} from "../options.ts";
import { optionalToken } from "../token.ts";
import { AGREE, DIVERGED, UNKNOWN, verify } from "../verify.ts";

type Flags = SpeechOptions &
  RpcFlags &
  TokenFlags & {
    readonly save?: string;
    readonly chainId?: number;
    readonly app?: Address;
    readonly inputBox?: Address;
    readonly inputBoxBlock?: number;
    readonly submitter?: Address;
    readonly applicationConfig?: Readonly<Record<string, unknown>>;
  };

const HELP = `
With the operator's token the bytes of the states are compared, without it their digests.

  SEQ_ETH_RPC_URL      Ethereum, when there is no --rpc-url
  SEQ_OPERATOR_TOKEN   the operator's token for a sequencer on this machine
`;

export function addVerify<AppConfig>(cli: Cli<AppConfig>): void {
  const { io, application } = cli;
  cli.command<Flags>(
    {
      name: "verify",
      does: "replays L1 through the scheduler and compares the sequencer's finalized state",
      exits: {
        [AGREE]: "they agree",
        [DIVERGED]: "they do not",
        [UNKNOWN]: "it could not be told",
      },
      failed: UNKNOWN,
      help: HELP,
    },
    (command) =>
      withProgress(withToken(withRpc(withUrl(command))))
        .option(
          "--save <file>",
          "write the state there when it agrees, for baton rebuild --snapshot",
        )
        .option("--chain-id <n>", "instead of what /deployment says", counterOf)
        .option("--app <address>", "instead of what /deployment says", addressOf)
        .option("--input-box <address>", "instead of what /deployment says", addressOf)
        .option("--input-box-block <n>", "instead of what /deployment says", counterOf)
        .option("--submitter <address>", "instead of what /deployment says", addressOf)
        .option("--application-config <json>", "instead of what /deployment says", jsonOf),
    ({ args, flags, speech }) => {
      const url = urlOf(io, args[0]);
      return verify(io, application, {
        ...{ speech, url, rpcUrl: flags.rpcUrl, save: flags.save },
        token: optionalToken(io, flags, { url, speech }),
        given: givenOf(flags, application),
      });
    },
  );
}

function givenOf<AppConfig>(flags: Flags, application: Application<AppConfig>): Given<AppConfig> {
  const { chainId, app, inputBox, inputBoxBlock, submitter, applicationConfig } = flags;
  const appConfig =
    applicationConfig === undefined ? undefined : application.parseDescription(applicationConfig);
  if (appConfig === null) {
    throw new CommandFailure(`--application-config is none of the application ${application.name}`);
  }
  const block = inputBoxBlock === undefined ? undefined : blockNumber(inputBoxBlock);
  return { chainId, app, inputBox, inputBoxBlock: block, submitter, appConfig };
}
