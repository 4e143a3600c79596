/**
 * An application that only remembers what was executed, in order: nonces count, fees cost nothing.
 *
 * Any data is a valid op and any payload a valid direct input, so that whatever a test sees is the
 * order that somebody chose and never a business rule.
 */

import type {
  Application,
  ApplicationState,
  DirectInput,
  ValidUserOp,
} from "../../src/core/application/application.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { err, ok } from "../../src/core/types/result.ts";
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
  return stateOf([], new Map());
}

/** For whoever mounts an application; a snapshot is the log as JSON. */
export const recordingApplication: Application<null> = {
  name: "recording",
  maxMethodPayloadBytes: 64,
  stateBytesMax: 32 * 1024 * 1024,
  parseConfig: () => ok(null),
  describeConfig: () => ({}),
  genesis: () => recordingState(),
  restore: (_config, snapshot) => {
    const log = parseLog(new TextDecoder().decode(snapshot));
    return log === null ? err("not a log") : ok(stateOf(log, noncesOf(log)));
  },
};

function stateOf(log: Recorded[], nonces: Map<Address, number>): RecordingState {
  let clock = log.reduce((last, entry) => Math.max(last, blockOf(entry)), 0);
  const nextNonce = (sender: Address): number => nonces.get(sender) ?? 0;
  const record = (entry: Recorded): readonly [] => {
    log.push(entry);
    clock = Math.max(clock, blockOf(entry));
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
      return record({ kind: "user-op", sender, nonce, fee, safeBlock, data });
    },
    applyDirectInput: (input) => record({ kind: "direct", input }),
    snapshot: () => new TextEncoder().encode(formatLog(log)),
  };
}

function blockOf(entry: Recorded): number {
  return entry.kind === "direct" ? entry.input.blockNumber : entry.safeBlock;
}

function noncesOf(log: readonly Recorded[]): Map<Address, number> {
  const nonces = new Map<Address, number>();
  for (const entry of log) {
    if (entry.kind === "user-op") nonces.set(entry.sender, entry.nonce + 1);
  }
  return nonces;
}

function formatLog(log: readonly Recorded[]): string {
  return JSON.stringify(log, (_key, value) =>
    value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("hex") } : value,
  );
}

function parseLog(text: string): Recorded[] | null {
  const log: unknown = JSON.parse(text, (_key, value) =>
    typeof value?.bytes === "string" ? Uint8Array.from(Buffer.from(value.bytes, "hex")) : value,
  );
  return Array.isArray(log) ? log : null;
}
