/**
 * `npm run baton -- <command>`: the composition root of the command line.
 *
 * Another rollup mounts its own application here, as in `src/worker/index.ts` (X4).
 */

import { walletApplication as application } from "../apps/wallet/wallet.ts";
import type { Io } from "./io.ts";
import { runBaton } from "./program.ts";

/** A second Ctrl-C ends the process, as the first one does for commands that do not listen. */
function interrupted(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stopping.abort());
  }
  return stopping.signal;
}

const io: Io = {
  env: process.env,
  directory: process.env["INIT_CWD"] ?? process.cwd(),
  stdin: () => process.stdin,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  interrupted,
  isTerminal: process.stderr.isTTY,
};

/** What is older lacks WebSocket and what else is taken for granted here. */
const NODE_MAJOR_MIN = 22;

if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(`baton needs Node.js ${NODE_MAJOR_MIN}.12 or newer\n`);
  process.exitCode = 1;
} else {
  process.exitCode = await runBaton(process.argv.slice(2), io, application);
}
