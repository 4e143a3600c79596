/**
 * What is asked of L1 before a transaction of the submitter's is signed: the chain, what its nonces are
 * at, what gas costs.
 *
 * Shared by the sequencer's ticks and by the flush of a rebuild, which decide alike because they see
 * alike.
 */

import { type FlushFacts, flushRange } from "../core/recovery/flush.ts";
import { estimateFees, type Fees } from "../core/submission/fees.ts";
import type { Address } from "../core/types/hex.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import { l1Error } from "./errors.ts";
import type { L1, L1Block, L1Error } from "./l1.ts";

/** What L1 says. `safeNonce` is read before `pendingNonce`, and that before `latestNonce`. */
export type FlushView = Pick<
  FlushFacts,
  "safeNonce" | "pendingNonce" | "latestNonce" | "freshFees" | "gas"
>;

const NO_FEES: Fees = { maxFeePerGasWei: 0n, maxPriorityFeePerGasWei: 0n };

/** Asked by each tick, since a tick may use another endpoint than the last one did. */
export async function verifyChain(l1: L1, expected: number): Promise<Result<null, L1Error>> {
  const chainId = await l1.chainId();
  if (!chainId.ok) return chainId;
  return chainId.value === expected ? ok(null) : err(l1Error("wrong-chain"));
}

/** What a call costs moves with the state between its estimate and its inclusion. */
export function padGas(estimate: bigint): bigint {
  return (estimate * 5n) / 4n;
}

/** All on one endpoint, so that the three nonces are of one node's chain and pool (L1). */
export async function readFlushView(
  l1: L1,
  wallet: {
    readonly chainId: number;
    readonly account: Address;
    readonly watermark: number | null;
  },
): Promise<Result<FlushView, L1Error>> {
  const { chainId, account, watermark } = wallet;
  const verified = await verifyChain(l1, chainId);
  if (!verified.ok) return verified;
  const safe = await l1.transactionCount(account, "safe");
  if (!safe.ok) return safe;
  const pending = await l1.transactionCount(account, "pending");
  if (!pending.ok) return pending;
  const latest = await l1.transactionCount(account, "latest");
  if (!latest.ok) return latest;
  const nonces = {
    safeNonce: safe.value,
    pendingNonce: pending.value,
    latestNonce: latest.value,
  };
  const range = flushRange({ ...nonces, watermark });
  // Everything is mined and only needs depth: most rounds of a flush end here.
  if (range.from >= range.end) return ok({ ...nonces, freshFees: NO_FEES, gas: 0n });
  const history = await l1.feeHistory();
  if (!history.ok) return history;
  const gas = await l1.estimateNoOpGas(account);
  if (!gas.ok) return gas;
  return ok({ ...nonces, freshFees: estimateFees(history.value), gas: padGas(gas.value) });
}

/**
 * The safe block, once its own state holds every wallet nonce below `nonce` as used (R2).
 *
 * Behind one URL there may be several nodes, and one of them may answer with an older safe block than the
 * one that showed the nonces. Whatever landed is at or below the block that is returned, since its state
 * was asked by its number. Errors: `behind` when that node has not come so far.
 */
export async function readSettledBlock(
  l1: L1,
  account: Address,
  nonce: number,
): Promise<Result<L1Block, L1Error>> {
  const safe = await l1.block("safe");
  if (!safe.ok) return safe;
  const settled = await l1.transactionCount(account, safe.value.number);
  if (!settled.ok) return settled;
  return settled.value < nonce ? err(l1Error("behind")) : safe;
}
