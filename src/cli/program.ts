/** The commands of `baton`, their flags and their help. Answers the exit code, whatever happens. */

import { Command, CommanderError, InvalidArgumentError } from "commander";
import type { Application } from "../core/application/application.ts";
import { type Address, type Hash32, hash32, parseAddress } from "../core/types/hex.ts";
import { batchNonce, blockNumber } from "../core/types/units.ts";
import { type Given, isJson } from "./deployment.ts";
import { CommandFailure, type Io, Speech, type SpeechOptions, variable } from "./io.ts";
import { rebuild } from "./rebuild.ts";
import { DIVERGED, UNKNOWN, verify } from "./verify.ts";
import { PROVEN, REFUTED, UNREADABLE, verifyReceiptFile } from "./verify-receipt.ts";

/** Where `npm start` listens. */
const DEFAULT_URL = "http://127.0.0.1:3000";
const FAILED = 1;

const VERIFY_HELP = `
Exit code: 0 they agree, ${DIVERGED} they do not, ${UNKNOWN} it could not be told.

  SEQ_ETH_RPC_URL      Ethereum, when there is no --rpc-url
  SEQ_OPERATOR_TOKEN   the operator's token, when there is no --token
`;
const REBUILD_HELP = `
Exit code: 0 the sequencer has begun a new era, ${FAILED} nothing was changed or the message says so.

The deployment's own variables say what is rebuilt (docs/protocol/configuration.md): SEQ_CHAIN_ID,
SEQ_APP_ADDRESS, SEQ_BATCH_SUBMITTER_PRIVATE_KEY, SEQ_ETH_RPC_URL, SEQ_OPERATOR_TOKEN, the application's.
`;

const VERIFY_RECEIPT_HELP = `
Exit code: ${PROVEN} proven, ${REFUTED} refuted, ${UNREADABLE} it could not be told.

The file holds a receipt, or an answer of POST /tx or GET /tx/:sender/:nonce; - is stdin. Who pins the
first record's hash, which /deployment shows, has to trust nobody else. The epochs may come from anybody:
save GET /epochs, and nothing is asked of a server.
`;

type CommonFlags = SpeechOptions & { readonly rpcUrl?: string; readonly token?: string };
type VerifyFlags = CommonFlags & {
  readonly save?: string;
  readonly chainId?: number;
  readonly app?: Address;
  readonly inputBox?: Address;
  readonly inputBoxBlock?: number;
  readonly submitter?: Address;
  readonly applicationConfig?: Readonly<Record<string, unknown>>;
};
type VerifyReceiptFlags = SpeechOptions & { readonly epochs: string; readonly genesis?: Hash32 };
type RebuildFlags = CommonFlags & {
  readonly snapshot?: string;
  readonly block?: number;
  readonly nonce?: number;
};

/** `args` are the words after the program's name. */
export async function runBaton<AppConfig>(
  args: readonly string[],
  io: Io,
  application: Application<AppConfig>,
): Promise<number> {
  let exitCode = FAILED;
  /** What runs, whether a program reads its answer, and the exit code when there is none. */
  const running: { command: string; speech: SpeechOptions; failed: number } = {
    command: "baton",
    speech: {},
    failed: FAILED,
  };
  const program = new Command("baton")
    .description("Checks a sequencer and its receipts, and makes a lost one anew from L1.")
    .configureOutput({
      writeOut: io.stdout,
      writeErr: io.stderr,
      outputError: (text, write) => write(withoutArguments(text)),
    })
    .exitOverride();
  addVerify(program, async (url, flags) => {
    Object.assign(running, { command: "verify", speech: speechOf(flags) });
    exitCode = await verify(io, application, {
      ...speechOf(flags),
      url,
      rpcUrl: flags.rpcUrl,
      token: flags.token ?? variable(io, "SEQ_OPERATOR_TOKEN"),
      given: givenOf(flags, application),
      save: flags.save,
    });
  });
  addRebuild(program, async (url, flags) => {
    Object.assign(running, { command: "rebuild", speech: speechOf(flags) });
    const { rpcUrl, token } = flags;
    const snapshot = snapshotOf(flags);
    exitCode = await rebuild(io, application, { ...speechOf(flags), url, rpcUrl, token, snapshot });
  });
  const onUsage = () => Object.assign(running, { failed: UNREADABLE });
  addVerifyReceipt(program, onUsage, async (file, flags) => {
    const speech = speechOf(flags);
    Object.assign(running, { command: "verify-receipt", speech, failed: UNREADABLE });
    const { epochs, genesis } = flags;
    exitCode = await verifyReceiptFile(io, { ...speech, file, epochs, genesis });
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : running.failed;
    const why = error instanceof CommandFailure ? error.message : describeBug(error);
    new Speech(io, running.speech).failure(running.command, why);
    return running.failed;
  }
}

/** What the parser says of a wrong line, without what it repeats of it: an RPC URL, or the token. */
function withoutArguments(text: string): string {
  return text
    .replace(/ but got ([0-9]+): .*/s, " but got $1.\n")
    .replace(/'(--[^'=\s]+)=[^']*'/g, "'$1'")
    .replace(/https?:[^\s']+/gi, "<url>");
}

function addVerify(
  program: Command,
  run: (url: string, flags: VerifyFlags) => Promise<void>,
): void {
  common(program.command("verify"))
    .description("replays L1 through the scheduler and compares the sequencer's finalized state")
    .option("--save <file>", "write the state there when it agrees, for baton rebuild --snapshot")
    .option("--chain-id <n>", "instead of what /deployment says", counterOf)
    .option("--app <address>", "instead of what /deployment says", addressOf)
    .option("--input-box <address>", "instead of what /deployment says", addressOf)
    .option("--input-box-block <n>", "instead of what /deployment says", counterOf)
    .option("--submitter <address>", "instead of what /deployment says", addressOf)
    .option("--application-config <json>", "instead of what /deployment says", jsonOf)
    .addHelpText("after", VERIFY_HELP)
    .action((url: string, flags: VerifyFlags) => run(url, flags));
}

function addRebuild(
  program: Command,
  run: (url: string, flags: RebuildFlags) => Promise<void>,
): void {
  common(program.command("rebuild"))
    .description("makes a sequencer's lost database anew from L1, in an empty sequencer")
    .option("--snapshot <file>", "start from this state, which you trust, instead of genesis")
    .option("--block <n>", "the L1 block at whose end the snapshot stands", counterOf)
    .option("--nonce <n>", "the next batch nonce there, as baton verify says it", counterOf)
    .addHelpText("after", REBUILD_HELP)
    .action((url: string, flags: RebuildFlags) => run(url, flags));
}

function addVerifyReceipt(
  program: Command,
  onUsage: () => void,
  run: (file: string, flags: VerifyReceiptFlags) => Promise<void>,
): void {
  program
    .command("verify-receipt")
    .description("verifies a receipt offline, and says what it proves")
    .argument("<file>", "a receipt, or an answer that holds one; - is stdin")
    .option(
      "--epochs <file|url>",
      "the epoch records: a saved GET /epochs, or a sequencer",
      DEFAULT_URL,
    )
    .option("--genesis <hash>", "the first record's hash, instead of what the epochs say", hashOf)
    .option("--json", "print one JSON object")
    .addHelpText("after", VERIFY_RECEIPT_HELP)
    .exitOverride((error) => {
      onUsage();
      throw error;
    })
    .action((file: string, flags: VerifyReceiptFlags) => run(file, flags));
}

function common(command: Command): Command {
  return command
    .argument("[url]", "the sequencer", DEFAULT_URL)
    .option("--rpc-url <url>", "Ethereum; of a comma list the first")
    .option("--token <token>", "the operator's token")
    .option("--json", "print one JSON object")
    .option("--progress", "tell progress on stderr, also when it is no terminal");
}

function speechOf({ json, progress }: SpeechOptions): SpeechOptions {
  return {
    ...(json === undefined ? {} : { json }),
    ...(progress === undefined ? {} : { progress }),
  };
}

function givenOf<AppConfig>(
  flags: VerifyFlags,
  application: Application<AppConfig>,
): Given<AppConfig> {
  const { chainId, app, inputBox, inputBoxBlock, submitter, applicationConfig } = flags;
  const appConfig =
    applicationConfig === undefined ? undefined : application.parseDescription(applicationConfig);
  if (appConfig === null) {
    throw new CommandFailure(`--application-config is none of the application ${application.name}`);
  }
  const block = inputBoxBlock === undefined ? undefined : blockNumber(inputBoxBlock);
  return { chainId, app, inputBox, inputBoxBlock: block, submitter, appConfig };
}

function snapshotOf({ snapshot, block, nonce }: RebuildFlags) {
  if (snapshot === undefined && block === undefined && nonce === undefined) return null;
  if (snapshot === undefined || block === undefined || nonce === undefined) {
    throw new CommandFailure("--snapshot, --block and --nonce are given together, or none of them");
  }
  return { path: snapshot, block: blockNumber(block), nextBatchNonce: batchNonce(nonce) };
}

function counterOf(text: string): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
  if (value === null) throw new InvalidArgumentError("expected a number.");
  return value;
}

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new InvalidArgumentError("expected 0x and 40 hex digits.");
  return parsed;
}

function hashOf(text: string): Hash32 {
  if (!/^0x[0-9a-f]{64}$/.test(text))
    throw new InvalidArgumentError("expected 0x and 64 hex digits.");
  return hash32(text);
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  if (!isJson(value)) throw new InvalidArgumentError("expected a JSON object.");
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller says so.
    return null;
  }
}

/** A stack names our own functions and files; the message of a foreign error may repeat a request. */
function describeBug(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown error";
  const own = error.name === "InvariantError" ? `: ${error.message}` : "";
  const at = error.stack?.split("\n").find((line) => /^\s+at /.test(line)) ?? "";
  return `a bug or a broken invariant (${error.name}${own})${at.trimEnd()}`;
}
