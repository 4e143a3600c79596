/**
 * How a command of `baton` is declared: what it is called, how it ends, which words it takes.
 *
 * Every command has `--json`, exit codes in its help, and one exit code for a line that is wrong or an
 * answer that could not be had.
 */

import type { Command } from "commander";
import type { Application } from "../core/application/application.ts";
import { type Io, Speech, type SpeechOptions } from "./io.ts";

export type About = {
  readonly name: string;
  /** What it does, in one line. */
  readonly does: string;
  /** Each exit code and what it means. */
  readonly exits: Readonly<Record<number, string>>;
  /** The exit code when there is no answer; 1 when not given. */
  readonly failed?: number;
  /** What the help says after the exit codes: variables, remarks. */
  readonly help?: string;
};

/** One run of a command: what was typed, and how to speak. */
export type Call<Flags> = {
  /** Positional words, as typed. */
  readonly args: readonly string[];
  readonly flags: Flags;
  readonly speech: Speech;
};

/** What a failure is reported with: kept while a command runs. */
export type Running = { command: string; failed: number; speech: SpeechOptions };

export class Cli<AppConfig = unknown> {
  readonly io: Io;
  readonly application: Application<AppConfig>;
  readonly program: Command;
  readonly running: Running = { command: "baton", failed: 1, speech: {} };
  exitCode: number | null = null;

  constructor(io: Io, application: Application<AppConfig>, program: Command) {
    this.io = io;
    this.application = application;
    this.program = program;
  }

  /** Adds a command to `parent`. `shape` adds its words, `run` answers the exit code. */
  command<Flags extends SpeechOptions>(
    about: About,
    shape: (command: Command) => Command,
    run: (call: Call<Flags>) => Promise<number>,
    parent: Command = this.program,
  ): void {
    const { name, does, failed = 1 } = about;
    const fullName = parent === this.program ? name : `${parent.name()} ${name}`;
    shape(parent.command(name).description(does))
      .option("--json", "print JSON for programs")
      .addHelpText("after", `\n${formatExits(about)}${about.help ?? ""}`)
      .exitOverride((error) => {
        Object.assign(this.running, { command: fullName, failed });
        throw error;
      })
      .action(async (...given: unknown[]) => {
        const command = given.at(-1) as Command;
        const flags = command.opts<Flags>();
        Object.assign(this.running, { command: fullName, failed, speech: flags });
        const speech = new Speech(this.io, flags);
        this.exitCode = await run({ args: command.args, flags, speech });
      });
  }
}

function formatExits({ exits }: About): string {
  const all = Object.entries(exits).map(([code, means]) => `${code} ${means}`);
  return `Exit code: ${all.join(", ")}.\n`;
}
