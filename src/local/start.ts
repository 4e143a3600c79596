/**
 * `npm start`: a whole Baton on this machine, until Ctrl-C.
 *
 * Ctrl-C, and the end of the npm that started it, save the chain and stop everything; exit code 0. What
 * cannot go on says why in a line on stderr; exit code 1.
 */

import { must } from "../core/types/assert.ts";
import { checksumAddress } from "../core/wire/address.ts";
import { watchAncestors } from "./ancestors.ts";
import { dataDirOf } from "./data-dir.ts";
import { DEPOSIT_UNITS } from "./devnet.ts";
import { describeFailure, LocalFailure } from "./failure.ts";
import { chainPortOf, parseListenAddress } from "./listen-address.ts";
import { SequencerClient } from "./sequencer-client.ts";
import { signTransfer } from "./sign-transfer.ts";
import { startStack } from "./stack.ts";
import type { Stack } from "./stack-options.ts";
import { userVariables } from "./variables.ts";

const HELP = `npm start [-- --fresh]

Runs a development chain (anvil with the Cartesi rollups contracts) and the sequencer, until Ctrl-C.
Started again, it goes on from where it was.

  --fresh   begins anew: forgets the chain and everything that the sequencer has stored
  --help    prints this

  SEQ_HTTP_ADDR                          where the sequencer listens (127.0.0.1:3000)
  SEQ_DATA_DIR                           where everything is kept (sequencer-data)
  SEQ_BATCH_SUBMITTER_PRIVATE_KEY_FILE   key of the batch submitter (default: dev account 10)

Other SEQ_ variables go to the sequencer: docs/protocol/configuration.md.
`;
/** C5: four objects of one Worker, and the one that sequences. */
const COMMITTEE = { validators: 4, candidates: 2, isSpread: false };
const UNITS_OF_A_TOKEN = 1_000_000n;

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // npm forwards what the terminal has already sent, so a second one means nothing.
  process.on(signal, () => stopping.abort());
}
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // A start that was given up has nothing to say.
  if (!stopping.signal.aborted || error !== stopping.signal.reason) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = 1;
  }
}
process.exit();

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--fresh" && arg !== "--help");
  if (unknown !== undefined) throw new LocalFailure(`${unknown} is unknown: npm start -- --help`);
  if (args.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  watchAncestors(() => stopping.abort());
  const { overrides, ignored } = userVariables(process.env);
  for (const name of ignored) say(`${name} is ignored: npm start runs a chain of its own`);
  const { host, port } = parseListenAddress(
    process.env["SEQ_HTTP_ADDR"]?.trim() || "127.0.0.1:3000",
  );
  const stack = await startStack({
    dataDir: dataDirOf(process.env),
    httpHost: host,
    httpPort: port,
    anvilPort: port === 0 ? 0 : chainPortOf(port),
    fresh: args.includes("--fresh"),
    // Whoever names another committee has that one, and founds it.
    committee: overrides["SEQ_CANDIDATES"] === undefined ? COMMITTEE : null,
    vars: overrides,
    log: say,
    signal: stopping.signal,
  });
  process.stdout.write(await describe(stack));
  const failure = await Promise.race([stack.failed, aborted(stopping.signal)]);
  if (failure === null) say("saving the chain and stopping");
  else process.stderr.write(`${failure}\n`);
  await stack.stop();
  return failure === null ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`  ${line}\n`);
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}

async function describe(stack: Stack): Promise<string> {
  const labelled: readonly (readonly [string, string])[] = [
    ["URL", stack.url],
    ["chain", `${stack.chainId}`],
    ["app", checksumAddress(stack.app)],
    ["InputBox", checksumAddress(stack.inputBox)],
    ["token", `${checksumAddress(stack.token)} (BTT, 6 decimals)`],
    ["batch submitter", checksumAddress(stack.submitter)],
    ["operator token", stack.operatorToken],
    ...(stack.genesis === null
      ? []
      : [["committee", `4 validators, genesis ${stack.genesis}`] as const]),
    ["L1 URL", stack.rpcUrl],
    ...stack.accounts.map(
      ({ address, privateKey }, i) =>
        [`account ${i}`, `${checksumAddress(address)} key ${privateKey}`] as const,
    ),
    ["balances", `${DEPOSIT_UNITS / UNITS_OF_A_TOKEN} BTT deposited for each account`],
    ["send an op", await curlLine(stack)],
  ];
  const lines = labelled.map(([label, value]) => `${`${label}:`.padEnd(17)}${value}`);
  return `\n${lines.join("\n")}\n\nbaton ready at ${stack.url}\n`;
}

/** A transfer of one token from account 0 to account 1, signed for the next nonce. */
async function curlLine(stack: Stack): Promise<string> {
  const client = new SequencerClient(stack.url);
  const [from, to] = [0, 1].map((i) => must(stack.accounts[i], "there are ten accounts"));
  if (from === undefined || to === undefined) throw new Error("two accounts were asked for");
  const domain = { chainId: stack.chainId, verifyingContract: stack.app };
  const body = signTransfer(domain, {
    from,
    to: to.address,
    units: UNITS_OF_A_TOKEN,
    nonce: await client.nextNonce(from.address),
    maxFee: (await client.fee()).suggested_max_fee,
  });
  return `curl -s -H 'content-type: application/json' -d '${body}' ${stack.url}/tx`;
}
