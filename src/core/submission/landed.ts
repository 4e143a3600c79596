/**
 * Which batches the blocks between the safe head and the latest one already hold.
 *
 * A forecast, not acceptance: these blocks may still be reorganised, and the scheduler may skip what
 * lands stale. A wrong forecast costs a tick or a second landing, never a batch (L2, P§6.4).
 */

import { advanceExpectedNonce } from "../scheduler/acceptance.ts";
import type { BatchNonce } from "../types/units.ts";
import { decodeBatch } from "../wire/batch.ts";

/** The nonce of a batch that landed; null for bytes that are no batch. */
export function landedNonce(payload: Uint8Array): bigint | null {
  const batch = decodeBatch(payload);
  return batch.ok ? batch.value.nonce : null;
}

/**
 * The first nonce at or above `expected` that is missing after `nonces`, which come in chain order.
 * Null, a payload that is no batch, is skipped, as the scheduler skips it (P§12.3): whoever has the key
 * can post one, and it must not hold up what follows.
 */
export function foldLandedNonces(
  expected: BatchNonce,
  nonces: readonly (bigint | null)[],
): BatchNonce {
  let next = expected;
  for (const nonce of nonces) if (nonce !== null) next = advanceExpectedNonce(next, nonce);
  return next;
}
