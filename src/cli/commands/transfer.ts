/** `baton transfer`: hands leadership to another candidate, and waits until it has it (C6). */

import { setTimeout as sleep } from "node:timers/promises";
import type { Cli } from "../command.ts";
import { ConductorClient, type Server } from "../conductor-client.ts";
import { CommandFailure, type Speech, type SpeechOptions } from "../io.ts";
import { countOf, type TokenFlags, urlOf, withProgress, withToken, withUrl } from "../options.ts";
import { SequencerClient } from "../sequencer-client.ts";
import { requiredToken } from "../token.ts";

type Flags = SpeechOptions &
  TokenFlags & { readonly to?: string; readonly wait: boolean; readonly limit: number };

const LIMIT_S = 60;
const LIMIT_S_MAX = 3600;
const POLL_MS = 250;
const HELP = `
Nothing that is certified is lost (C6). The candidate that leads is asked: where it has a deployment of its
own, name its URL. baton conductor members lists the candidates.

  SEQ_OPERATOR_TOKEN   the operator's token, when none is named
`;

export function addTransfer<AppConfig>(cli: Cli<AppConfig>): void {
  const { io } = cli;
  cli.command<Flags>(
    {
      name: "transfer",
      does: "hands leadership to another candidate of the committee",
      exits: {
        0: "another one leads",
        1: "refused, nothing was begun",
        2: "begun, and not ended in time",
      },
      help: HELP,
    },
    (command) =>
      withProgress(withToken(withUrl(command)))
        .option("--to <id>", "the candidate; when not given, whoever's turn it is")
        .option("--no-wait", "do not wait until the other one leads")
        .option("--limit <seconds>", "how long to wait", countOf(LIMIT_S_MAX), LIMIT_S),
    async ({ args, flags, speech }) => {
      const client = new SequencerClient(urlOf(io, args[0]), requiredToken(io, flags));
      return await transfer(client, flags, speech);
    },
  );
}

async function transfer(client: SequencerClient, flags: Flags, speech: Speech): Promise<number> {
  const first = new ConductorClient(client, undefined);
  const [from, { servers, version }] = [await first.leader(), await first.membership()];
  const to = flags.to === undefined ? null : candidateOf(servers, flags.to);
  if (to?.id === from.id) throw new CommandFailure("it leads already");
  const leading = await leaderHere(client, from, first);
  if (to === null) await leading.command("transferLeader");
  else await leading.command("transferLeaderToServer", [to.id, to.addr]);
  const said = { command: "transfer", from: from.id, to: to?.id ?? null };
  if (!flags.wait) {
    speech.result({ ...said, done: false }, [`begun: ${from.id} hands over`]);
    return 0;
  }
  const startMs = performance.now();
  while (performance.now() - startMs < flags.limit * 1000) {
    const now = await askAgain(first);
    if (now !== null && now.leader.id !== from.id && now.epoch > version) {
      const seconds = Number(((performance.now() - startMs) / 1000).toFixed(1));
      speech.result({ ...said, done: true, leader: now.leader.id, epoch: now.epoch, seconds }, [
        `${now.leader.id} leads epoch ${now.epoch}, after ${from.id}: ${seconds} s`,
      ]);
      return 0;
    }
    speech.progress(`${from.id} hands over`);
    await sleep(POLL_MS);
  }
  speech.result({ ...said, done: false }, [
    `begun, and after ${flags.limit} s ${from.id} is still the leader: baton conductor status`,
  ]);
  return 2;
}

function candidateOf(servers: readonly Server[], id: string): Server {
  const found = servers.find((server) => server.id === id);
  if (found !== undefined) return found;
  const names = servers.map((server) => server.id).join(", ");
  throw new CommandFailure(`there is no such candidate: ${names}`);
}

/** Each candidate answers for itself; the one that leads may not be the deployment's first. */
async function leaderHere(
  client: SequencerClient,
  { id, addr }: Server,
  first: ConductorClient,
): Promise<ConductorClient> {
  if (await first.is("leader")) return first;
  const leading = new ConductorClient(client, id);
  if (await leading.is("leader").catch(() => false)) return leading;
  throw new CommandFailure(`${id} leads, from another deployment: name its URL (${addr})`);
}

/** Null while it does not answer, as a candidate may for a moment when leadership moves. */
async function askAgain(
  conductor: ConductorClient,
): Promise<{ readonly leader: Server; readonly epoch: number } | null> {
  try {
    const leader = await conductor.leader();
    return { leader, epoch: (await conductor.membership()).version };
  } catch (error) {
    if (error instanceof CommandFailure) return null;
    throw error;
  }
}
