/** `npm run deploy -- <staging|production>`: docs/deploy.md says what it asks for, and what comes first. */

import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Argument, Command, Option } from "commander";
import { type Ask, DeployFailure, type DeployIo } from "./deploy/io.ts";
import { deploy, NOT_DEPLOYED } from "./deploy/run.ts";
import { ENVIRONMENTS, type Environment } from "./deploy/target.ts";
import { ROOT } from "./inputs.ts";

const EXITS = `
Exit code: 0 deployed and well, 1 not deployed, 2 deployed and not well.

Secrets that are missing are read from the environment, by their names, else asked for. They go to wrangler
by its standard input. Nobody is asked where there is no terminal: what is missing is listed instead.`;

type Flags = {
  readonly first?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly url?: string;
  readonly change: readonly string[];
  readonly wait: number;
};

const ask: Ask = {
  line: (question) => answerTo(question, process.stdout),
  async secret(question) {
    process.stdout.write(question);
    const answer = await answerTo("", new Writable({ write: (_chunk, _encoding, done) => done() }));
    process.stdout.write("\n");
    return answer;
  },
};

const io: DeployIo = {
  env: process.env,
  wrangler: "wrangler",
  doctor: [process.execPath, join(ROOT, "src/cli/main.ts"), "doctor"],
  manifest: join(ROOT, "wrangler.toml"),
  keep: join(ROOT, ".deploy"),
  ask: process.stdin.isTTY && process.stdout.isTTY ? ask : null,
  say: (line) => process.stdout.write(`${line}\n`),
};

await new Command("npm run deploy --")
  .addArgument(new Argument("<environment>").choices(ENVIRONMENTS))
  .option("--first", "the Worker does not exist yet")
  .option("--yes", "ask no confirmation")
  .option("--dry-run", "check everything, and change nothing at Cloudflare")
  .option("--url <url>", "where it is reached, when that is a domain of your own")
  .addOption(new Option("--change <names...>", "secrets to set anew").default([]))
  .option("--wait <seconds>", "how long it may take until it would take an op", Number, 900)
  .addHelpText("after", EXITS)
  .action(async (environment: Environment, flags: Flags) => {
    process.exitCode = await run(environment, flags);
  })
  .parseAsync();

async function run(environment: Environment, flags: Flags): Promise<number> {
  const { first = false, yes = false, dryRun = false, url = null, change, wait } = flags;
  try {
    return await deploy(io, { environment, first, yes, dryRun, url, change, waitMs: wait * 1000 });
  } catch (error) {
    if (!(error instanceof DeployFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    return NOT_DEPLOYED;
  }
}

async function answerTo(question: string, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  // Ctrl-C and Ctrl-D close it, and the question would stay open for ever.
  const givenUp = once(lines, "close").then(() => {
    throw new DeployFailure("given up");
  });
  try {
    return await Promise.race([lines.question(question), givenUp]);
  } finally {
    givenUp.catch(() => undefined);
    lines.close();
  }
}
