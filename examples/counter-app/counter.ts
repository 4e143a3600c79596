/**
 * A rollup in one file: a number that everybody may raise, by a signed op or by an input on L1.
 *
 * Either holds the amount, a u32 in 4 bytes, big-endian; other bytes are included and raise nothing. Ops
 * cost nothing here: a rollup with money charges `feeToLinear(op.fee)`, as the wallet does.
 */

import {
  type Application,
  type ApplicationState,
  err,
  Journal,
  type Output,
  ok,
  viewOf,
} from "baton-sequencer/application";

const TOTAL_BYTES = 8;

export const counter: Application<object> = {
  name: "counter",
  maxMethodPayloadBytes: 4,
  stateBytesMax: 32 * 1024 * 1024,
  parseConfig: () => ok({}),
  describeConfig: () => ({}),
  parseDescription: () => ({}),
  genesis: () => counterState(0n, new Journal()),
  restore: (_config, snapshot) => {
    if (snapshot.length < TOTAL_BYTES) return err("shorter than the total");
    const journal = Journal.decode(snapshot.slice(TOTAL_BYTES));
    return journal.ok ? ok(counterState(totalIn(snapshot), journal.value)) : journal;
  },
};

/** An op's data, or an input's payload. */
export function encodeRaise(amount: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, amount);
  return bytes;
}

/** The number that a snapshot begins with. */
export function totalIn(snapshot: Uint8Array): bigint {
  return viewOf(snapshot).getBigUint64(0);
}

function counterState(start: bigint, journal: Journal): ApplicationState {
  let total = start;
  const raise = (bytes: Uint8Array): readonly Output[] => {
    if (bytes.length !== 4) return [];
    // 2^32 inputs of 2^32 - 1 do not overflow, and no chain holds as many.
    total += BigInt(viewOf(bytes).getUint32(0));
    return [{ kind: "notice", payload: snapshot().slice(0, TOTAL_BYTES) }];
  };
  const snapshot = (): Uint8Array => {
    const bytes = Uint8Array.of(...new Uint8Array(TOTAL_BYTES), ...journal.encode());
    viewOf(bytes).setBigUint64(0, total);
    return bytes;
  };
  return {
    snapshot,
    progress: () => journal.progress(),
    nextNonce: (sender) => journal.nextNonce(sender),
    validateUserOp: (sender, op) => journal.refuseNonce(sender, op.nonce),
    applyUserOp: (op, safeBlock) => {
      journal.useNonce(op.sender);
      journal.advance(safeBlock);
      return raise(op.data);
    },
    applyDirectInput: (input) => {
      journal.advance(input.blockNumber);
      return raise(input.payload);
    },
  };
}
