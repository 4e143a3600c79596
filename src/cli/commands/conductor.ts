/** `baton conductor`: what a candidate of the committee says of itself, and its pause, resume and stop (C6). */

import type { Command } from "commander";
import type { Cli } from "../command.ts";
import { ConductorClient } from "../conductor-client.ts";
import type { Io, SpeechOptions } from "../io.ts";
import { type TokenFlags, urlOf, withToken, withUrl } from "../options.ts";
import { SequencerClient } from "../sequencer-client.ts";
import { requiredToken } from "../token.ts";

type Flags = SpeechOptions & TokenFlags & { readonly candidate?: string };

const HELP = `
  SEQ_OPERATOR_TOKEN   the operator's token, when none is named
`;
/** What each does to a candidate; pauses and stops outlive a restart. */
const COMMANDS = {
  pause: "takes no ops and stands for no election; a leader keeps its epoch",
  resume: "ends a pause, and a stop",
  stop: "as a pause, and falls silent, so that the validators elect another one",
} as const;

export function addConductor<AppConfig>(cli: Cli<AppConfig>): void {
  const parent = cli.program
    .command("conductor")
    .description("asks and commands a candidate of the committee");
  parent.addHelpText("after", "\nExit code: 0 it was done, 1 it was not; see each with --help.\n");
  const { io } = cli;
  const exits = { 0: "it was done", 1: "it was refused, or there was no answer" };
  cli.command<Flags>(
    {
      name: "status",
      does: "who leads, and whether this candidate is active and healthy",
      exits: {
        0: "it leads or follows, and is healthy",
        1: "no answer",
        2: "it is paused, stopped or not healthy",
      },
      help: HELP,
    },
    withWords,
    async ({ args, flags, speech }) => {
      const found = await inspect(conductorOf(io, args[0], flags));
      speech.result({ command: "conductor status", ...found }, [
        `leader ${found.leader} of epoch ${found.epoch}${found.is_leader ? ", which is this one" : ""}`,
        `${found.is_stopped ? "stopped" : found.is_paused ? "paused" : "active"}, ${found.is_healthy ? "healthy" : "not healthy"}`,
      ]);
      return found.is_active && found.is_healthy ? 0 : 2;
    },
    parent,
  );
  cli.command<Flags>(
    { name: "members", does: "the candidates, and where each is reached", exits, help: HELP },
    withWords,
    async ({ args, flags, speech }) => {
      const conductor = conductorOf(io, args[0], flags);
      const { servers, version } = await conductor.membership();
      const leader = (await conductor.leader()).id;
      const lines = servers.map(
        ({ id, addr }) => `${id}  ${addr}${id === leader ? "  leads" : ""}`,
      );
      speech.result({ command: "conductor members", epoch: version, leader, servers }, lines);
      return 0;
    },
    parent,
  );
  for (const [name, does] of Object.entries(COMMANDS)) {
    cli.command<Flags>(
      { name, does, exits, help: HELP },
      withWords,
      async ({ args, flags, speech }) => {
        await conductorOf(io, args[0], flags).command(name);
        speech.result({ command: `conductor ${name}`, done: true }, [`done: ${name}`]);
        return 0;
      },
      parent,
    );
  }
}

function withWords(command: Command): Command {
  return withToken(withUrl(command)).option(
    "--candidate <id>",
    "which of the deployment's candidates; the first when not given",
  );
}

function conductorOf(io: Io, url: string | undefined, flags: Flags): ConductorClient {
  const client = new SequencerClient(urlOf(io, url), requiredToken(io, flags));
  return new ConductorClient(client, flags.candidate);
}

async function inspect(conductor: ConductorClient) {
  return {
    leader: (await conductor.leader()).id,
    epoch: (await conductor.membership()).version,
    is_leader: await conductor.is("leader"),
    is_active: await conductor.is("active"),
    is_paused: await conductor.is("paused"),
    is_stopped: await conductor.is("stopped"),
    is_healthy: await conductor.is("sequencerHealthy"),
  };
}
