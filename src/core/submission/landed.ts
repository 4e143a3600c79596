/**
 * Which batches the blocks between the safe head and the latest one already hold.
 *
 * A forecast, not acceptance: these blocks may still be reorganised, and the scheduler may skip what
 * lands stale. A wrong forecast costs a tick or a second landing, never a batch (L2, P§6.4).
 */

import { advanceExpectedNonce } from "../scheduler/acceptance.ts";
import type { BatchNonce } from "../types/units.ts";
import { decodeBatch } from "../wire/batch.ts";

/** An input of the batch submitter's own. */
export type LandedInput = { readonly payload: Uint8Array };

/**
 * The first nonce at or above `expected` that is missing after `landed`, which come in chain order.
 * A payload that is no batch is skipped, as the scheduler skips it (P§12.3): whoever has the key can
 * post one, and it must not hold up what follows.
 */
export function foldLandedNonces(expected: BatchNonce, landed: readonly LandedInput[]): BatchNonce {
  let next = expected;
  for (const { payload } of landed) {
    const batch = decodeBatch(payload);
    if (batch.ok) next = advanceExpectedNonce(next, batch.value.nonce);
  }
  return next;
}
