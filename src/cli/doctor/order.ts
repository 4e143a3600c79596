/** `baton doctor` and the order: the feed catches up over a socket, epochs and a receipt verify. */

import type { OverviewBody } from "../../core/api/overview.ts";
import type { EpochChain } from "../../core/consensus/epoch-chain.ts";
import type { UserOpRecord } from "../../core/feed/record.ts";
import { LocalFailure } from "../../local/failure.ts";
import { FeedReader } from "../../local/feed-reader.ts";
import type { Client } from "../../sdk/client-types.ts";
import { BatonError } from "../../sdk/errors.ts";
import { isSignedBySender } from "../../sdk/held-receipt.ts";
import { verifyEpochs, verifyReceipt } from "../../sdk/verify-receipt.ts";
import { type Check, fail, ok, skip } from "./check.ts";
import { judgeCommittee } from "./judge.ts";

/** Newest records that are read again: enough to find an op among direct inputs. */
const RECORDS = 100;
const LIVE_LIMIT_MS = 10_000;

/** One socket, from a little behind the head up to it. */
export async function checkFeed(client: Client, { health }: OverviewBody): Promise<Check> {
  const head = health.feed_head;
  if (head === null) return skip("feed", "the sequencer has no history yet");
  const startMs = performance.now();
  let reader: FeedReader | null = null;
  try {
    const from = await cursorOf(client, head);
    reader = await inTime(FeedReader.open(client.url, from));
    if (head > from) await inTime(reader.find(({ offset }) => offset >= head));
    const ms = (performance.now() - startMs).toFixed(0);
    return ok("feed", `subscribed and caught up to offset ${head} in ${ms} ms`);
  } catch (error) {
    if (!(error instanceof LocalFailure || error instanceof BatonError)) throw error;
    return fail("feed", error.message, "do WebSockets pass what stands before the Worker?");
  } finally {
    reader?.close();
  }
}

/** Offsets have holes, so a few records behind the head may be many offsets behind it. */
async function cursorOf(client: Client, head: number): Promise<number> {
  const { availableFrom } = await client.feed({ fromOffset: head, limit: 1 });
  return Math.max(availableFrom, head - RECORDS, 0);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const failure = new LocalFailure(`no record within ${LIVE_LIMIT_MS / 1000} s`);
    timer = setTimeout(() => reject(failure), LIVE_LIMIT_MS);
  });
  // Whichever loses the race may still fail, with nothing to add.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The committee's own numbers, its epochs from the pinned record on, and a receipt of an op. */
export async function checkCommittee(
  client: Client,
  overview: OverviewBody,
): Promise<readonly Check[]> {
  const { committee } = overview.health;
  if (committee === null)
    return [skip("committee", "there is none"), skip("receipt", "no committee")];
  const checks = judgeCommittee(committee, overview.members);
  const pinned = overview.deployment?.committee?.genesis;
  if (pinned === undefined) return [...checks, skip("epochs", "the committee is not founded")];
  const chain = await readChain(client, pinned);
  if (typeof chain === "string") {
    return [...checks, fail("epochs", chain, "do not trust receipts; see docs/operations.md")];
  }
  const epochs = ok("epochs", `the records verify from ${pinned.slice(0, 10)}… on`);
  return [...checks, epochs, await checkReceipt(client, overview, chain)];
}

/** Or what is wrong with it. */
async function readChain(client: Client, genesis: string): Promise<EpochChain | string> {
  try {
    const { records } = await client.epochs();
    const chain = await verifyEpochs({ genesis, records });
    return chain.ok ? chain.value : `the records are no chain: ${chain.error.problem}`;
  } catch (error) {
    if (error instanceof BatonError) return error.message;
    throw error;
  }
}

async function checkReceipt(
  client: Client,
  { health }: OverviewBody,
  chain: EpochChain,
): Promise<Check> {
  try {
    const op = await newestOp(client, health.feed_head ?? 0);
    if (op === undefined) return skip("receipt", "no op among the newest records");
    const { receipt } = await client.transaction(op.sender, op.nonce);
    if (receipt === null) return skip("receipt", "the newest op's is not kept");
    const proof = await verifyReceipt(receipt, chain);
    if (proof.ok && isSignedBySender(proof.value)) {
      return ok("receipt", `the op at offset ${op.offset} is proven to be ${proof.value.tier}`);
    }
    const problem = proof.ok ? "op-signature" : proof.error.problem;
    return fail("receipt", `refuted: ${problem}`, "keep it, and see docs/operations.md");
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    return fail("receipt", error.message, "ask again; when it stays, report it");
  }
}

async function newestOp(client: Client, head: number): Promise<UserOpRecord | undefined> {
  const { records } = await client.feed({ fromOffset: await cursorOf(client, head) });
  return records.findLast((record) => record.kind === "user_op");
}
