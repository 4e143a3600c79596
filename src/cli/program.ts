/** `baton` as a whole: its commands, shell completion, and the exit code of whatever happens. */

import tab from "@bomb.sh/tab/commander";
import { Command, CommanderError } from "commander";
import type { Application } from "../core/application/application.ts";
import { BatonError } from "../sdk/errors.ts";
import { Cli } from "./command.ts";
import { addBench } from "./commands/bench.ts";
import { addConductor } from "./commands/conductor.ts";
import { addDeposit } from "./commands/deposit.ts";
import { addDev } from "./commands/dev.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addFlush } from "./commands/flush.ts";
import { addFollow } from "./commands/follow.ts";
import { addRebuild } from "./commands/rebuild.ts";
import { addSend } from "./commands/send.ts";
import { addStatus } from "./commands/status.ts";
import { addTransfer } from "./commands/transfer.ts";
import { addVerify } from "./commands/verify.ts";
import { addVerifyReceipt } from "./commands/verify-receipt.ts";
import { CommandFailure, type Io, Speech } from "./io.ts";

const HELP = `
Each command tells its options and its exit codes with --help.

  BATON_URL          the sequencer, when none is named
  BATON_PRIVATE_KEY  the key of send, deposit and bench, when no other is named

Completion: source <(baton complete bash), or zsh; baton complete fish | source
`;

/** `args` are the words after the program's name. */
export async function runBaton<AppConfig>(
  args: readonly string[],
  io: Io,
  application: Application<AppConfig>,
): Promise<number> {
  const cli = new Cli(io, application, programOf(io));
  addCommands(cli);
  addCompletion(cli.program);
  const { running } = cli;
  try {
    await cli.program.parseAsync(args, { from: "user" });
    return cli.exitCode ?? 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      // The parser has told people already.
      if (args.includes("--json")) {
        const said = { command: running.command, error: "the command line is wrong" };
        io.stdout(`${JSON.stringify(said)}\n`);
      }
      return running.failed;
    }
    const why = error instanceof CommandFailure ? error.message : describe(error);
    new Speech(io, running.speech).failure(running.command, why);
    return running.failed;
  }
}

/** In the order of the help: run it, look at it, use it, lead it, check it, repair it. */
function addCommands<AppConfig>(cli: Cli<AppConfig>): void {
  addDev(cli);
  addStatus(cli);
  addDoctor(cli);
  addSend(cli);
  addDeposit(cli);
  addFollow(cli);
  addBench(cli);
  addTransfer(cli);
  addConductor(cli);
  addVerify(cli);
  addVerifyReceipt(cli);
  addFlush(cli);
  addRebuild(cli);
}

function programOf(io: Io): Command {
  return new Command("baton")
    .description("Runs, uses, checks and repairs a Baton sequencer.")
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      outputError: (text, write) => write(withoutArguments(text)),
    })
    .addHelpText("after", HELP)
    .exitOverride();
}

/** `baton complete <shell>`, and what the shells ask with `baton complete -- …`. */
function addCompletion(program: Command): void {
  tab(program);
  program.commands
    .find((command) => command.name() === "complete")
    ?.addHelpText("after", "\nExit code: 0 it was printed, 1 no such shell.\n");
}

/** What the parser says of a wrong line, without what it repeats of it: an RPC URL, the token, a key. */
function withoutArguments(text: string): string {
  return text
    .replace(/ but got ([0-9]+): .*/s, " but got $1.\n")
    .replace(/ (argument|value) '.*' is invalid/s, " $1 is invalid")
    .replace(/'(--[^'=\s]+)=[^']*'/g, "'$1'")
    .replace(/https?:[^\s']+/gi, "<url>");
}

/** Whatever else was thrown: Ctrl-C, a refusal of the sequencer's, or a bug. */
function describe(error: unknown): string {
  if (error instanceof Error && error.name === "AbortError") return "interrupted";
  if (!(error instanceof BatonError)) return describeBug(error);
  return `${error.code}: ${error.message}`;
}

/** A stack names our own functions and files; the message of a foreign error may repeat a request. */
function describeBug(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown error";
  const own = error.name === "InvariantError" ? `: ${error.message}` : "";
  const at = error.stack?.split("\n").find((line) => /^\s+at /.test(line)) ?? "";
  return `a bug or a broken invariant (${error.name}${own})${at.trimEnd()}`;
}
