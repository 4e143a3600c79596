/**
 * `npm run baton -- <command>`: the composition root of the command line.
 *
 * Another rollup mounts its own application here, as in `src/worker/index.ts` (X4).
 */

import { walletApplication as application } from "../apps/wallet/wallet.ts";
import type { Io } from "./io.ts";
import { runBaton } from "./program.ts";

const io: Io = {
  env: process.env,
  directory: process.env["INIT_CWD"] ?? process.cwd(),
  stdin: () => process.stdin,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

process.exitCode = await runBaton(process.argv.slice(2), io, application);
