/** When a batch or a direct input is too old (S4). */

import { MAX_WAIT_BLOCKS } from "../types/protocol.ts";

/** S4: inclusive at 1200. A clock ahead of the block counts as no age. */
export function isStale(inclusionBlock: number, firstSafeBlock: bigint): boolean {
  const age = BigInt(inclusionBlock) - firstSafeBlock;
  return age >= BigInt(MAX_WAIT_BLOCKS);
}
