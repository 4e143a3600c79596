/**
 * The wallet under the canonical fold with real signatures: the machine's list of P§11.2.
 *
 * Chain 31337, the zero address as application, keys of one repeated byte. The fold emits what the
 * machine emits as notices and vouchers; `batch-rejected` is what the machine reports.
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { describe, expect, test } from "vitest";
import {
  depositNotice,
  encodeTransfer,
  encodeWithdrawal,
  transferNotice,
  withdrawalVoucher,
} from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { Processed } from "../../src/core/scheduler/outcome.ts";
import { createScheduler } from "../../src/core/scheduler/scheduler.ts";
import { type Address, fromHex, ZERO_ADDRESS } from "../../src/core/types/hex.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { encodeBatch, type WireUserOp } from "../../src/core/wire/batch.ts";
import { addressOfPublicKey, recoverAddress } from "../../src/core/wire/signature.ts";
import { domainSeparator, userOpDigest } from "../../src/core/wire/user-op.ts";
import { BOB, balanceIn, CONFIG, depositPayload, PORTAL, TOKEN } from "../support/wallet.ts";

const CHAIN_ID = 31_337;
const KEY = new Uint8Array(32).fill(7);
const addressOf = (key: Uint8Array): Address =>
  addressOfPublicKey(secp256k1.getPublicKey(key, false));
const USER = addressOf(KEY);
const SEQUENCER = addressOf(new Uint8Array(32).fill(9));
const SEPARATOR = domainSeparator({ chainId: CHAIN_ID, verifyingContract: ZERO_ADDRESS });

function signed(nonce: number, data: Uint8Array, maxFee = 200): WireUserOp {
  const digest = userOpDigest(SEPARATOR, { nonce, maxFee, data });
  const made = secp256k1.sign(digest, KEY, { prehash: false, format: "recovered" });
  const signature = Uint8Array.of(...made.subarray(1), 27 + (made[0] ?? 0));
  return { nonce, maxFee, data, signature };
}

function machine() {
  const state = walletApplication.genesis(CONFIG);
  const config = { sequencer: SEQUENCER };
  const scheduler = createScheduler({ config, state, recover: recoverAddress });
  const advance = (sender: Address, block: number, payload: Uint8Array): Processed => {
    const at = { chainId: CHAIN_ID, app: ZERO_ADDRESS, blockNumber: blockNumber(block) };
    return scheduler.process({ ...at, sender, payload });
  };
  return {
    state,
    deposit: (block: number, value: bigint) =>
      advance(PORTAL, block, depositPayload(TOKEN, USER, value)),
    bytes: (payload: Uint8Array) => advance(SEQUENCER, 1, payload),
    batch: (block: number, safeBlock: number, nonce: bigint, ops: readonly WireUserOp[]) => {
      const frame = { userOps: ops, safeBlock: BigInt(safeBlock), feePrice: 200 };
      return advance(SEQUENCER, block, encodeBatch({ nonce, frames: [frame] }));
    },
  };
}

describe("[S2] the machine", () => {
  test("an invalid payload is reported and the next batch still has nonce 0", () => {
    const { bytes, batch } = machine();
    expect(bytes(fromHex("0xffeedd")).outcome.kind).toBe("batch-rejected");
    expect(batch(2, 1, 0n, []).outcome).toEqual({ kind: "batch-executed", nonce: 0 });
  });

  test("a deposit's notice comes with the batch that drains it", () => {
    const { deposit, batch } = machine();
    expect(deposit(5, 250n).outputs).toEqual([]);
    expect(batch(6, 4, 0n, []).outputs).toEqual([]);
    expect(batch(7, 5, 1n, []).outputs).toEqual([depositNotice(TOKEN, USER, 250n)]);
  });

  test("a transfer emits its notice and a withdrawal its voucher, in order", () => {
    const { deposit, batch, state } = machine();
    deposit(5, 250n);
    const ops = [signed(0, encodeTransfer(100n, BOB)), signed(1, encodeWithdrawal(123n))];
    expect(batch(6, 5, 0n, ops).outputs).toEqual([
      depositNotice(TOKEN, USER, 250n),
      transferNotice(USER, BOB, 100n),
      withdrawalVoucher(TOKEN, USER, 123n),
    ]);
    expect(balanceIn(state, USER)).toBe(250n - 100n - 123n - 2n * 4n);
  });

  // P§2.6: exponent 200 is 4 units.
  test("an op that bids 199 in a frame at 200 is skipped, one that bids 200 pays 4", () => {
    const { deposit, batch, state } = machine();
    deposit(5, 104n);
    const ops = [
      signed(0, encodeTransfer(1n, BOB), 199),
      signed(0, encodeTransfer(100n, BOB)),
      signed(1, encodeTransfer(0n, BOB)),
    ];
    const { executed, outputs } = batch(6, 5, 0n, ops);
    expect(executed.map((entry) => entry.kind)).toEqual(["direct", "user-op"]);
    expect(outputs).toEqual([depositNotice(TOKEN, USER, 104n), transferNotice(USER, BOB, 100n)]);
    expect([balanceIn(state, USER), state.nextNonce(USER)]).toEqual([0n, 1]);
  });

  test("one unit too much is included, pays and moves nothing", () => {
    const { deposit, batch, state } = machine();
    deposit(5, 104n);
    const { executed, outputs } = batch(6, 5, 0n, [signed(0, encodeTransfer(101n, BOB))]);
    expect(executed.map((entry) => entry.kind)).toEqual(["direct", "user-op"]);
    expect(outputs).toEqual([depositNotice(TOKEN, USER, 104n)]);
    expect([balanceIn(state, USER), balanceIn(state, BOB)]).toEqual([100n, null]);
  });
});
