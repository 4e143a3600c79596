/** Runs a command of `baton` in this process, and keeps what it said. */

import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { runBaton } from "../../src/cli/program.ts";
import type { Application } from "../../src/core/application/application.ts";

export type Ran = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The object that `--json` printed. */
  json(): Readonly<Record<string, unknown>>;
};

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly isTerminal?: boolean;
  readonly stdin?: string;
  /** The wallet when not given. */
  readonly application?: Application;
};

export async function runCommand(
  args: readonly string[],
  {
    env = {},
    directory = "/",
    isTerminal = false,
    stdin = "",
    application = walletApplication,
  }: RunOptions = {},
): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  const io = {
    env,
    directory,
    isTerminal,
    interrupted: () => new AbortController().signal,
    stdin: () => new Blob([stdin]).stream(),
    stdout: (text: string) => {
      said.stdout += text;
    },
    stderr: (text: string) => {
      said.stderr += text;
    },
  };
  const exitCode = await runBaton(args, io, application);
  return { ...said, exitCode, json: () => JSON.parse(said.stdout) };
}
