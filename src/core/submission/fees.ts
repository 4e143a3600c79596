/**
 * What a batch transaction offers for its gas: a fresh estimate, and the raise of a replacement.
 *
 * Amounts are wei per gas. Nodes accept a replacement only when both components rise by at least a
 * tenth; raising by an eighth leaves room for how each of them rounds (P§6.4, L2).
 */

/** Invariant: 0 <= priority <= max. */
export type Fees = {
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
};

export type FeeHistory = {
  /** Base fee of the next block. */
  readonly baseFeeWei: bigint;
  /** 20th percentile priority fee of recent blocks; zero means that a block tells nothing. */
  readonly rewardsWei: readonly bigint[];
};

/** `capped`: the cap leaves no room for a valid replacement, and `fees` are the previous ones. */
export type Escalation = { readonly fees: Fees; readonly capped: boolean };

/** Offered where recent blocks tell nothing: some nodes refuse a transaction without any tip. */
const PRIORITY_FEE_WEI_MIN = 1n;

/**
 * The median of the positive rewards as priority, and twice the base fee on top of it, which
 * outlasts five full blocks. Of an even number the median is the mean of the middle two, rounded
 * down. P§6.4: base 100 and rewards 0, 2, 10, 4 give priority 4 and maximum 204.
 */
export function estimateFees(history: FeeHistory): Fees {
  const positive = history.rewardsWei.filter((reward) => reward > 0n).toSorted(ascending);
  const median = medianDown(positive);
  const priority = median > PRIORITY_FEE_WEI_MIN ? median : PRIORITY_FEE_WEI_MIN;
  return {
    maxFeePerGasWei: 2n * history.baseFeeWei + priority,
    maxPriorityFeePerGasWei: priority,
  };
}

/** `fees` cut down to `capWei`: what a first send offers when the market is above the cap. */
export function capFees(fees: Fees, capWei: bigint): Fees {
  const maxFeePerGasWei = lesser(fees.maxFeePerGasWei, capWei);
  return {
    maxFeePerGasWei,
    maxPriorityFeePerGasWei: lesser(fees.maxPriorityFeePerGasWei, maxFeePerGasWei),
  };
}

/** Fees of a replacement: at least an eighth above `previous`, at least `fresh`, at most `capWei`. */
export function escalateFees(previous: Fees, fresh: Fees, capWei: bigint): Escalation {
  const required = {
    maxFeePerGasWei: raise(previous.maxFeePerGasWei),
    maxPriorityFeePerGasWei: raise(previous.maxPriorityFeePerGasWei),
  };
  if (required.maxFeePerGasWei > capWei) return { fees: previous, capped: true };
  const wanted = {
    maxFeePerGasWei: greater(required.maxFeePerGasWei, fresh.maxFeePerGasWei),
    maxPriorityFeePerGasWei: greater(
      required.maxPriorityFeePerGasWei,
      fresh.maxPriorityFeePerGasWei,
    ),
  };
  return { fees: capFees(wanted, capWei), capped: false };
}

function raise(feeWei: bigint): bigint {
  return feeWei + feeWei / 8n + 1n;
}

function medianDown(sorted: readonly bigint[]): bigint {
  const upper = sorted[sorted.length >> 1];
  if (upper === undefined) return 0n;
  const lower = sorted.length % 2 === 0 ? sorted[(sorted.length >> 1) - 1] : upper;
  return (upper + (lower ?? upper)) / 2n;
}

function ascending(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
