/** `baton send`: signs an op, submits it, and waits for what becomes of it. */

import { writeFileSync } from "node:fs";
import { encodeTransfer, encodeWithdrawal } from "../../apps/wallet/method.ts";
import { type Address, fromHex } from "../../core/types/hex.ts";
import { U16_MAX, U32_MAX } from "../../core/types/units.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import { createClient } from "../../sdk/client.ts";
import type { SentOp, Transaction } from "../../sdk/client-types.ts";
import { OpVoidedError } from "../../sdk/errors.ts";
import { keyOf, signerOf } from "../account.ts";
import type { Cli } from "../command.ts";
import { CommandFailure, type Io, resolvePath, type Speech, type SpeechOptions } from "../io.ts";
import {
  type AccountFlags,
  addressOf,
  counterOf,
  hexOf,
  requireOne,
  unitsOf,
  urlOf,
  withAccount,
  withProgress,
  withUrl,
} from "../options.ts";

type Stage = "ordered" | "certified" | "posted" | "settled";
type Flags = SpeechOptions &
  AccountFlags & {
    readonly to?: Address;
    readonly amount?: bigint;
    readonly withdraw?: bigint;
    readonly data?: string;
    readonly nonce?: number;
    readonly maxFee?: number;
    readonly wait: Stage;
    readonly receipt?: string;
  };

const VOIDED = 2;
const STAGES: readonly Stage[] = ["ordered", "certified", "posted", "settled"];
const HELP = `
  baton send --account 0 --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --amount 1000000

Nonce and fee are asked for. An op that got no answer is sent again, which is safe. Amounts are in the token's
smallest units. What an application other than the wallet takes is given with --data.

  BATON_PRIVATE_KEY   the sender's key, when no other is named
`;

export function addSend<AppConfig>(cli: Cli<AppConfig>): void {
  const { io } = cli;
  cli.command<Flags>(
    {
      name: "send",
      does: "signs an op, submits it, and waits for what becomes of it",
      exits: {
        0: "it came as far as --wait says",
        1: "refused, or no answer",
        [VOIDED]: "it was voided",
      },
      help: HELP,
    },
    (command) =>
      withProgress(withAccount(withUrl(command)))
        .option("--to <address>", "transfer to this account, with --amount", addressOf)
        .option("--amount <units>", "what --to gets", unitsOf)
        .option("--withdraw <units>", "withdraw to L1", unitsOf)
        .option("--data <hex>", "an op in the application's own encoding", hexOf)
        .option("--nonce <n>", "instead of the sender's next", counterOf)
        .option("--max-fee <exponent>", "instead of what is suggested", counterOf)
        .addOption(
          command
            .createOption("--wait <stage>", "until it has come so far")
            .choices(STAGES)
            .default("ordered"),
        )
        .option("--receipt <file>", "write the receipt there, for baton verify-receipt"),
    async ({ args, flags, speech }) => {
      const data = dataOf(flags);
      const url = urlOf(io, args[0]);
      const signer = signerOf(await keyOf(io, flags, url));
      const { nonce, maxFee } = flags;
      if ((nonce ?? 0) > U32_MAX) throw new CommandFailure("a nonce has 32 bits");
      if ((maxFee ?? 0) > U16_MAX) throw new CommandFailure("a fee has 16 bits");
      const op = {
        data,
        ...(nonce === undefined ? {} : { nonce }),
        ...(maxFee === undefined ? {} : { maxFee }),
      };
      const startMs = performance.now();
      const sent = await createClient({ url }).send(op, signer, { signal: io.interrupted() });
      return await report(io, sent, { flags, speech, startMs });
    },
  );
}

/** The one op that the flags describe. Throws `CommandFailure`. */
function dataOf({ to, amount, withdraw, data }: Flags): Uint8Array {
  requireOne([
    ["--to", to !== undefined],
    ["--withdraw", withdraw !== undefined],
    ["--data", data !== undefined],
  ]);
  if ((to === undefined) !== (amount === undefined)) {
    throw new CommandFailure("--to and --amount are given together");
  }
  if (to !== undefined && amount !== undefined) return encodeTransfer(amount, to);
  if (withdraw !== undefined) return encodeWithdrawal(withdraw);
  if (data !== undefined) return fromHex(data);
  throw new CommandFailure("say what to send: --to and --amount, --withdraw, or --data");
}

async function report(
  io: Io,
  sent: SentOp,
  by: { readonly flags: Flags; readonly speech: Speech; readonly startMs: number },
): Promise<number> {
  const { flags, speech, startMs } = by;
  const timings: Record<string, number> = {};
  const took = (stage: Stage): void => {
    timings[stage] = Math.round(performance.now() - startMs);
  };
  took("ordered");
  const sender = checksumAddress(sent.sender);
  const { nonce, offset, batchNonce, frameFee } = sent;
  const said = {
    command: "send",
    sender,
    nonce,
    offset,
    batch_nonce: batchNonce,
    frame_fee: frameFee,
  };
  const lines = [
    `ordered at offset ${offset}, in batch ${batchNonce}: nonce ${nonce} of ${sender}, ${timings["ordered"]} ms`,
  ];
  let last: Transaction | null = null;
  try {
    for (const stage of STAGES.slice(1, STAGES.indexOf(flags.wait) + 1)) {
      speech.progress(`ordered at offset ${offset}; waiting until it is ${stage}`);
      const reached = await stageOf(sent, stage);
      if (reached === null) {
        if (flags.wait !== "certified") continue;
        throw new CommandFailure(
          `ordered at offset ${offset}; there is no committee to certify it`,
        );
      }
      last = reached;
      took(stage);
      lines.push(`${stage} after ${timings[stage]} ms${describeL1(last)}`);
    }
  } catch (error) {
    if (!(error instanceof OpVoidedError)) throw error;
    const rollback = error.rollback?.offset ?? null;
    const voided = `VOIDED${rollback === null ? "" : ` by the rollback at offset ${rollback}`}`;
    speech.result({ ...said, state: "voided", rollback_offset: rollback, ms: timings }, [
      ...lines,
      voided,
    ]);
    return VOIDED;
  }
  const receipt = last?.receipt ?? sent.receipt;
  if (flags.receipt !== undefined) saveReceipt(io, flags.receipt, receipt);
  const state = last?.state ?? "ordered";
  const parsed: unknown = receipt === null ? null : JSON.parse(receipt);
  speech.result({ ...said, state, l1: last?.l1 ?? null, ms: timings, receipt: parsed }, lines);
  return 0;
}

function stageOf(sent: SentOp, stage: Stage): Promise<Transaction | null> {
  if (stage === "certified") return sent.certified;
  return stage === "posted" ? sent.posted : sent.settled;
}

function describeL1({ l1 }: Transaction): string {
  if (l1 === null) return "";
  return `, L1 transaction ${l1.tx_hash}${l1.block_number === null ? "" : ` in block ${l1.block_number}`}`;
}

function saveReceipt(io: Io, path: string, receipt: string | null): void {
  if (receipt === null)
    throw new CommandFailure("it was sent; there is no receipt without a committee");
  try {
    writeFileSync(resolvePath(io, path), `${receipt}\n`);
  } catch {
    throw new CommandFailure("it was sent, and the receipt's file cannot be written");
  }
}
