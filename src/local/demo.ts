/**
 * `npm run demo`: the life of an op, shown against a running `npm start`.
 *
 * A deposit on L1 becomes money in the rollup, a signed transfer gets its soft confirmation, and the
 * batch that holds it lands on L1 and is accepted. Exit code 0 when all of that was seen, 1 otherwise.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OpState, TransactionBody } from "../core/api/sequencer-api.ts";
import { feeToLinear } from "../core/fee/log-fee.ts";
import type { Address } from "../core/types/hex.ts";
import { feeExponent } from "../core/types/units.ts";
import { type DevAccount, devAccounts } from "./accounts.ts";
import { dataDirOf, FILES } from "./data-dir.ts";
import { type Devnet, deposit, parseDevnet } from "./devnet.ts";
import { describeFailure, LocalFailure } from "./failure.ts";
import { FeedReader } from "./feed-reader.ts";
import { type Rpc, rpcOf } from "./rpc.ts";
import { poll, SequencerClient } from "./sequencer-client.ts";
import { signTransfer } from "./sign-transfer.ts";
import { Timeline } from "./timeline.ts";

const UNITS = 1_000_000n;
const DEPOSIT_TOKENS = 250n;
const TRANSFER_TOKENS = 100n;
const SENDER = 7;
const RECIPIENT = 8;
const LIMIT_MS = 120_000;
const NOT_RUNNING = "no devnet is running here: start one with npm start, in another terminal";

type World = {
  readonly devnet: Devnet;
  readonly client: SequencerClient;
  readonly rpc: Rpc;
  readonly timeline: Timeline;
  readonly from: DevAccount;
  readonly to: Address;
};

try {
  await demo(await connect());
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = 1;
}
process.exit();

async function connect(): Promise<World> {
  const dataDir = dataDirOf(process.env);
  const running = join(dataDir, FILES.running);
  if (!existsSync(running)) throw new LocalFailure(NOT_RUNNING);
  const { url, rpcUrl }: { url: string; rpcUrl: string } = JSON.parse(
    readFileSync(running, "utf8"),
  );
  const client = new SequencerClient(url);
  // What a killed runner left there leads nowhere.
  const isReady = await client.isReady().catch(() => null);
  if (isReady === null) throw new LocalFailure(NOT_RUNNING);
  if (!isReady) throw new LocalFailure(`the sequencer at ${url} is not ready: try again shortly`);
  const [from, to] = [devAccounts()[SENDER], devAccounts()[RECIPIENT]];
  if (from === undefined || to === undefined) throw new Error("there are ten accounts");
  return {
    devnet: parseDevnet(readFileSync(join(dataDir, FILES.devnet), "utf8")),
    client,
    rpc: rpcOf(rpcUrl),
    timeline: new Timeline(process.stdout),
    from,
    to: to.address,
  };
}

async function demo(world: World): Promise<void> {
  const { client, timeline } = world;
  timeline.title(`The life of an op, at ${client.url}`);
  const head = (await client.health()).feed_head ?? 0;
  const feed = await FeedReader.open(client.url, head);
  try {
    await showDeposit(world, feed);
    await showTransfer(world, feed);
  } finally {
    feed.close();
  }
}

async function showDeposit(world: World, feed: FeedReader): Promise<void> {
  const { devnet, rpc, timeline, from } = world;
  const units = DEPOSIT_TOKENS * UNITS;
  const hash = await deposit(rpc, { ...devnet, from: from.address, units });
  const blockNumber = await timeline.during(
    "the deposit waits for a block",
    required(() => minedIn(rpc, hash), "the deposit was not mined"),
  );
  timeline.done(
    "deposited",
    `${DEPOSIT_TOKENS} BTT by account ${SENDER}, in L1 block ${blockNumber}`,
    [`${hash}, through the ERC-20 portal`],
  );
  const record = await timeline.during(
    "the deposit's block becomes safe, and the sequencer puts it in order",
    inTime(feed.find((one) => one.kind === "direct_input" && one.transactionHash === hash)),
  );
  timeline.done("ordered", `the sequencer has seen the deposit: feed offset ${record.offset}`, [
    "L1 decides that it counts, the sequencer only when",
  ]);
}

async function showTransfer(world: World, feed: FeedReader): Promise<void> {
  const { devnet, client, timeline, from, to } = world;
  const nonce = await client.nextNonce(from.address);
  const maxFee = (await client.fee()).suggested_max_fee;
  const domain = { chainId: devnet.chainId, verifyingContract: devnet.app };
  const transfer = { from, to, units: TRANSFER_TOKENS * UNITS, nonce, maxFee };
  const body = signTransfer(domain, transfer);
  timeline.done(
    "signed",
    `account ${SENDER} sends ${TRANSFER_TOKENS} BTT to account ${RECIPIENT}`,
    [
      `nonce ${nonce}, at most fee exponent ${maxFee}: ${formatTokens(feeToLinear(feeExponent(maxFee)))} BTT`,
    ],
  );
  const sentMs = performance.now();
  const seen = feed
    .find((one) => one.kind === "user_op" && one.sender === from.address && one.nonce === nonce)
    .then((record) => ({ record, ms: performance.now() - sentMs }));
  seen.catch(() => undefined);
  const { status, body: answer } = await client.submit(body);
  const ackMs = performance.now() - sentMs;
  if (status !== 200) throw new LocalFailure(`the op was refused: ${String(answer["message"])}`);
  timeline.done(
    "confirmed",
    `softly, in ${ackMs.toFixed(1)} ms: feed offset ${String(answer["offset"])}`,
    ["written to disk before the answer: a crash does not undo it"],
  );
  const { record, ms } = await inTime(seen);
  timeline.done("on the feed", `${ms.toFixed(1)} ms after it was sent: offset ${record.offset}`, [
    "every reader sees this order, and so will L1",
  ]);
  await showLanding(world, nonce);
}

async function showLanding({ client, rpc, timeline, from }: World, nonce: number): Promise<void> {
  const reached = (...states: readonly OpState[]) =>
    required(async () => {
      const op = await client.transaction(from.address, nonce);
      if (op.state === "voided") throw new LocalFailure("the op was voided by a recovery");
      return states.includes(op.state) ? op : null;
    }, "the batch did not land in time");
  const posted: TransactionBody = await timeline.during(
    "its batch closes and is sent to L1",
    reached("posted", "settled"),
  );
  const hash = posted.l1?.tx_hash ?? "";
  const blockNumber = await timeline.during(
    "the batch waits for a block",
    required(() => minedIn(rpc, hash), "the batch was not mined"),
  );
  timeline.done("posted", `batch ${posted.batch_nonce} in L1 block ${blockNumber}`, [
    `${hash}, to the InputBox`,
  ]);
  const settled = await timeline.during("the batch's block becomes safe", reached("settled"));
  timeline.done("settled", `batch ${settled.batch_nonce} is safe, and the scheduler accepts it`, [
    "anyone who replays L1 finds the transfer at this place",
  ]);
}

/** Null while there is no receipt. */
async function minedIn(rpc: Rpc, hash: string): Promise<number | null> {
  const receipt = await rpc<{ blockNumber: string; status: string } | null>(
    "eth_getTransactionReceipt",
    [hash],
  );
  if (receipt === null) return null;
  if (receipt.status !== "0x1") throw new LocalFailure(`L1 transaction ${hash} reverted`);
  return Number(receipt.blockNumber);
}

async function required<T>(ask: () => Promise<T | null>, problem: string): Promise<T> {
  const answer = await poll(ask, { everyMs: 50, limitMs: LIMIT_MS });
  if (answer === null) throw new LocalFailure(`${problem} (${LIMIT_MS / 1000} s)`);
  return answer;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `the feed did not show it within ${LIMIT_MS / 1000} s`;
    timer = setTimeout(() => reject(new LocalFailure(message)), LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Six decimals. */
function formatTokens(units: bigint): string {
  return `${units / UNITS}.${(units % UNITS).toString().padStart(6, "0")}`;
}
