/** `baton doctor`: a deployment looked at from end to end; each check says what is wrong and what to do. */

import { createClient } from "../../sdk/client.ts";
import { isLoopback } from "../account.ts";
import type { Cli } from "../command.ts";
import { connect, hasRpc } from "../connect.ts";
import { checkChain } from "../doctor/chain.ts";
import { type Check, fail, formatCheck } from "../doctor/check.ts";
import { judgeDanger, judgeHeartbeat, judgeMode, judgeSkew } from "../doctor/judge.ts";
import { checkCommittee, checkFeed } from "../doctor/order.ts";
import { checkDomain, checkService, checkToken } from "../doctor/service.ts";
import { CommandFailure, type Io, type Speech, type SpeechOptions } from "../io.ts";
import {
  type RpcFlags,
  type TokenFlags,
  urlOf,
  withProgress,
  withRpc,
  withToken,
  withUrl,
} from "../options.ts";
import { askOverview } from "../overview.ts";
import { SequencerClient } from "../sequencer-client.ts";
import { optionalToken } from "../token.ts";

type Flags = SpeechOptions & RpcFlags & TokenFlags & { readonly strict?: boolean };

const SICK = 2;
const HELP = `
Each check is one line: ok, warn, FAIL, or - where it was not looked at, with the reason and what to do.

  SEQ_ETH_RPC_URL      Ethereum, when there is no --rpc-url: without, L1 is not compared
  SEQ_OPERATOR_TOKEN   the operator's token for a sequencer on this machine: shows why it is misconfigured
`;

export function addDoctor<AppConfig>(cli: Cli<AppConfig>): void {
  const { io } = cli;
  cli.command<Flags>(
    {
      name: "doctor",
      does: "checks a deployment end to end, and says what to do",
      exits: { 0: "nothing failed", 1: "it could not be told", [SICK]: "a check failed" },
      help: HELP,
    },
    (command) =>
      withProgress(withToken(withRpc(withUrl(command)))).option(
        "--strict",
        "a warning is a failure",
      ),
    async ({ args, flags, speech }) => {
      const url = urlOf(io, args[0]);
      const checks = await examine(io, url, flags, speech);
      const count = (verdict: Check["verdict"]) =>
        checks.filter((check) => check.verdict === verdict).length;
      const [warnings, failures] = [count("warn"), count("fail")];
      const isWell = failures === 0 && (flags.strict !== true || warnings === 0);
      const summary = { command: "doctor", url, is_well: isWell, warnings, failures };
      speech.result({ ...summary, checks }, [
        ...checks.map(formatCheck),
        `${isWell ? "well" : "NOT WELL"}: ${failures} failed, ${warnings} to look at`,
      ]);
      return isWell ? 0 : SICK;
    },
  );
}

async function examine(
  io: Io,
  url: string,
  flags: Flags,
  speech: Speech,
): Promise<readonly Check[]> {
  const token = optionalToken(io, flags, { url, speech });
  const sequencer = new SequencerClient(url, token);
  const l1 = hasRpc(io, flags.rpcUrl) ? connect(io, flags.rpcUrl) : null;
  speech.progress("asking the Worker");
  const { checks, clock, isUp } = await checkService(sequencer);
  if (!isUp) return checks;
  const hasToken = await checkToken(sequencer, token !== undefined);
  const sentMs = Date.now();
  const overview = await askOverview(sequencer).catch((error: unknown) => {
    if (error instanceof CommandFailure) return error.message;
    throw error;
  });
  if (typeof overview === "string") {
    return [...checks, hasToken, fail("overview", overview, "look at the Worker's log")];
  }
  const halfMs = (Date.now() - sentMs) / 2;
  const skew = clock ?? judgeSkew(overview.now_ms - sentMs - halfMs, halfMs);
  const lifeS = (overview.now_ms - overview.since_ms) / 1000;
  const client = createClient({ url, retry: { attemptsMax: 3 } });
  const standing = [
    judgeMode(overview.health),
    judgeDanger(overview.health.blocks_to_danger, overview.danger_blocks),
    judgeHeartbeat(overview.heartbeat_age_s, lifeS, isLoopback(url)),
  ];
  const domain = await checkDomain(sequencer, overview);
  speech.progress("asking L1");
  const chain = await checkChain(l1, overview);
  speech.progress("reading the feed");
  const feed = await checkFeed(client, overview);
  speech.progress("verifying epochs and a receipt");
  const committee = await checkCommittee(client, overview);
  return [...checks, skew, hasToken, domain, ...standing, ...chain, ...committee, feed];
}
