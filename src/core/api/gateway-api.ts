/** What the Worker asks of a gateway, and which gateway it asks (X2). */

import { assert } from "../types/assert.ts";
import type { Address } from "../types/hex.ts";
import type { Result } from "../types/result.ts";
import type { Rejection } from "./rejection.ts";
import type { SignedUserOp, SoftConfirmation } from "./sequencer-api.ts";

/** Most gateways that a deployment may have. */
export const GATEWAYS_MAX: number = 64;

export type GatewayApi = {
  /** As the sequencer's own `submit`, in a call that other ops share; without waiting for a certificate. */
  submit(op: SignedUserOp): Promise<Result<SoftConfirmation, Rejection>>;
};

/**
 * Which of `shards` gateways takes the ops of this sender: 0 to `shards - 1`, the same one every time.
 *
 * By the last 32 bits of the address, which is a hash: addresses that are chosen begin with what was chosen.
 */
export function shardOf(sender: Address, shards: number): number {
  assert(shards >= 1 && shards <= GATEWAYS_MAX, "there are gateways to choose from");
  return Number.parseInt(sender.slice(-8), 16) % shards;
}
