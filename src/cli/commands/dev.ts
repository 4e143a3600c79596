/**
 * `baton dev`: a whole Baton on this machine, as `npm start` runs it.
 *
 * The stack is built from sources: contracts, WebAssembly, the Worker. So it runs in a checkout of the
 * repository, and the installed package, which brings none of them, says so.
 */

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Cli } from "../command.ts";
import { CommandFailure, type Io, resolvePath, type SpeechOptions } from "../io.ts";
import { parseObject } from "../sequencer-client.ts";

type Flags = SpeechOptions & {
  readonly fresh?: boolean;
  readonly address?: string;
  readonly dataDir?: string;
};

/** Seen from the sources, and from the bundle in a checkout; the package has neither. */
const STARTS = ["../../local/start.ts", "../../src/local/start.ts"].map((path) =>
  join(import.meta.dirname, path),
);
const HELP = `
It runs until Ctrl-C and goes on where it was when it is started again. With --json one object is printed
when it is ready, and what it says otherwise goes to stderr. Needs a checkout of the repository.

  SEQ_HTTP_ADDR   where it listens, when there is no --address
  SEQ_DATA_DIR    where everything is kept, when there is no --data-dir
  SEQ_…           variables of the sequencer (docs/protocol/configuration.md)
`;

export function addDev<AppConfig>(cli: Cli<AppConfig>): void {
  cli.command<Flags>(
    {
      name: "dev",
      does: "runs a development chain and a sequencer on this machine",
      exits: { 0: "it was stopped", 1: "it could not go on" },
      help: HELP,
    },
    (command) =>
      command
        .option("--fresh", "begin anew: forget the chain and everything that was stored")
        .option("--address <host:port>", "where the sequencer listens (default: 127.0.0.1:3000)")
        .option("--data-dir <folder>", "where everything is kept (default: sequencer-data)"),
    ({ flags }) => dev(cli.io, flags),
  );
}

async function dev(io: Io, flags: Flags): Promise<number> {
  const start = STARTS.find((path) => existsSync(path));
  if (start === undefined) {
    throw new CommandFailure(
      "baton dev needs a checkout of the repository: clone it and run npm start there",
    );
  }
  const { address, dataDir, fresh, json } = flags;
  const env = {
    ...io.env,
    ...(address === undefined ? {} : { SEQ_HTTP_ADDR: address }),
    ...(dataDir === undefined ? {} : { SEQ_DATA_DIR: resolvePath(io, dataDir) }),
  };
  const stopping = io.interrupted();
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", start, ...(fresh === true ? ["--fresh"] : [])],
    { env, stdio: ["ignore", json === true ? "pipe" : "inherit", "inherit"] },
  );
  stopping.addEventListener("abort", () => child.kill("SIGINT"));
  if (child.stdout !== null) {
    // Not before it is needed: it brings SQLite, which warns of itself on older Nodes.
    const { dataDirOf, FILES } = await import("../../local/data-dir.ts");
    const folder = resolve(dataDirOf(env));
    const running = join(folder, FILES.running);
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("baton ready at ")) io.stdout(`${describeRunning(running, folder)}\n`);
      else io.stderr(`${line}\n`);
    });
  }
  return await new Promise((resolve, reject) => {
    child.once("error", () => reject(new CommandFailure("Node.js could not be started")));
    child.once("close", (code) => resolve(code === 0 ? 0 : 1));
  });
}

/** What a stack says of itself in its folder. Its chain is a development chain, so its URL is no secret. */
function describeRunning(file: string, folder: string): string {
  const { url, rpcUrl } = parseObject(readFileSync(file, "utf8")) ?? {};
  return JSON.stringify({ command: "dev", url, rpc_url: rpcUrl, data_dir: folder });
}
