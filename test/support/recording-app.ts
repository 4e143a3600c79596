/**
 * An application that only remembers what was executed, in order: nonces count, fees cost nothing.
 *
 * Any data is a valid op and any payload a valid direct input, so that whatever a test sees is the
 * order that somebody chose and never a business rule.
 */

import type {
  ApplicationState,
  DirectInput,
  ValidUserOp,
} from "../../src/core/application/application.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../../src/core/types/units.ts";

export type Recorded =
  | { readonly kind: "direct"; readonly input: DirectInput }
  | {
      readonly kind: "user-op";
      readonly sender: Address;
      readonly nonce: number;
      readonly fee: number;
      readonly safeBlock: number;
      readonly data: Uint8Array;
    };

export type RecordingState = ApplicationState & { readonly log: readonly Recorded[] };

export function recordingState(): RecordingState {
  const log: Recorded[] = [];
  const nonces = new Map<Address, number>();
  let clock = 0;
  const nextNonce = (sender: Address): number => nonces.get(sender) ?? 0;
  const record = (entry: Recorded, block: BlockNumber): readonly [] => {
    log.push(entry);
    clock = Math.max(clock, block);
    return [];
  };
  return {
    log,
    progress: () => ({ executedInputCount: log.length, lastExecutedSafeBlock: blockNumber(clock) }),
    nextNonce,
    validateUserOp: (sender, op) => {
      const expected = nextNonce(sender);
      return op.nonce === expected ? null : { reason: "invalid-nonce", expected, got: op.nonce };
    },
    applyUserOp: ({ sender, fee, data }: ValidUserOp, safeBlock: BlockNumber) => {
      const nonce = nextNonce(sender);
      nonces.set(sender, nonce + 1);
      return record({ kind: "user-op", sender, nonce, fee, safeBlock, data }, safeBlock);
    },
    applyDirectInput: (input) => record({ kind: "direct", input }, input.blockNumber),
    snapshot: () => new TextEncoder().encode(JSON.stringify(log)),
  };
}
