/**
 * When a batch or a direct input is too old (S4). Both limits are inclusive: 1199 is young, 1200 old.
 *
 * `maxWaitBlocks` differs from `MAX_WAIT_BLOCKS` only in tests and models.
 */

import { MAX_WAIT_BLOCKS } from "../types/protocol.ts";
import { type BlockNumber, saturatingSub } from "../types/units.ts";

/**
 * S4: `firstSafeBlock` is the first frame's u64 as the wire has it. A clock ahead of the block is no
 * age at all, as the scheduler's subtraction saturates.
 */
export function isStale(
  inclusionBlock: BlockNumber,
  firstSafeBlock: bigint,
  maxWaitBlocks: number = MAX_WAIT_BLOCKS,
): boolean {
  return BigInt(inclusionBlock) - firstSafeBlock >= BigInt(maxWaitBlocks);
}

/** Whether a direct input of block `enqueued` must run before whatever an input of `block` says. */
export function isOverdue(
  block: BlockNumber,
  enqueued: BlockNumber,
  maxWaitBlocks: number = MAX_WAIT_BLOCKS,
): boolean {
  return saturatingSub(block, enqueued) >= maxWaitBlocks;
}
