/** Waits until a sequencer serves, and until it has seen what L1 holds for it. */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeDeposit } from "../apps/wallet/method.ts";
import type { Mode } from "../core/api/rejection.ts";
import type { FeedRecord } from "../core/feed/record.ts";
import type { Address } from "../core/types/hex.ts";
import { DEPOSIT_UNITS, type Devnet } from "./devnet.ts";
import { LocalFailure } from "./failure.ts";
import { describeRefusal, describeStall } from "./restore.ts";
import { poll, type SequencerClient } from "./sequencer-client.ts";

const READY_LIMIT_MS = 60_000;
/** A refusal may pass, as when L1 has just become reachable; one that stays does not. */
const REFUSED_LIMIT_MS = 15_000;
/** Nothing that happens on this chain ends these. */
const LASTING: ReadonlySet<string | null> = new Set(["identity-mismatch", "canonical-divergence"]);
const DEPOSITS_LIMIT_MS = 60_000;
const POLL_MS = 50;

/**
 * `logFile` tells why a sequencer refuses. One that waits for a rebuild is waited for without a limit,
 * and `onRebuildAwaited` is told once (R5). Throws `LocalFailure` with what to do.
 */
export async function waitUntilServing(
  client: SequencerClient,
  logFile: string,
  onRebuildAwaited: () => void,
): Promise<void> {
  let startMs = Date.now();
  let refusedSinceMs: number | null = null;
  let isTold = false;
  for (let mode: Mode = "starting"; !(await client.isReady()); await sleep(POLL_MS)) {
    mode = (await client.health()).mode;
    const nowMs = Date.now();
    refusedSinceMs = mode === "refused" ? (refusedSinceMs ?? nowMs) : null;
    if (refusedSinceMs !== null) {
      const refusal = lastRefusal(readFileSync(logFile, "utf8"));
      if (refusal === "previous-instance") {
        if (!isTold) onRebuildAwaited();
        isTold = true;
        refusedSinceMs = null;
        startMs = nowMs;
        continue;
      }
      if (LASTING.has(refusal) || nowMs - refusedSinceMs > REFUSED_LIMIT_MS) {
        throw new LocalFailure(describeRefusal(refusal));
      }
    }
    if (nowMs - startMs > READY_LIMIT_MS) {
      throw new LocalFailure(describeStall(mode, READY_LIMIT_MS / 1000));
    }
  }
}

/** Why the newest refusal in the Worker's log happened; null when none is logged. */
export function lastRefusal(log: string): string | null {
  return [...log.matchAll(/"refusal":"([a-z0-9-]+)"/g)].at(-1)?.[1] ?? null;
}

/** Until the feed has shown the deposit of every account. */
export async function waitForDeposits(
  client: SequencerClient,
  devnet: Devnet,
  accounts: readonly Address[],
): Promise<void> {
  const missing = new Set(accounts);
  let cursor = 0;
  const isDone = await poll(
    async () => {
      const page = await client.feed(cursor);
      cursor = page.nextOffset;
      for (const record of page.records) {
        const depositor = depositorOf(record, devnet);
        if (depositor !== null) missing.delete(depositor);
      }
      return missing.size === 0 ? true : null;
    },
    { everyMs: POLL_MS, limitMs: DEPOSITS_LIMIT_MS },
  );
  if (isDone === null) {
    throw new LocalFailure(
      `the sequencer has not seen ${missing.size} of the deposits within ${DEPOSITS_LIMIT_MS / 1000} s`,
    );
  }
}

/** Whose devnet deposit a record is; null when it is none. */
function depositorOf(record: FeedRecord, devnet: Devnet): Address | null {
  if (record.kind !== "direct_input" || record.sender !== devnet.erc20Portal) return null;
  const deposit = decodeDeposit(record.payload);
  const isDevnets = deposit?.token === devnet.token && deposit.value === DEPOSIT_UNITS;
  return isDevnets ? deposit.sender : null;
}
