/** The example application: what each input does to balances, nonces and outputs (P§7.2, P§11.1). */

import { describe, expect, test } from "vitest";
import {
  decodeMethod,
  encodeTransfer,
  encodeWithdrawal,
  METHOD_BYTES_MAX,
} from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { executeUserOp, validateUserOp } from "../../src/core/application/execute.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import { address, fromHex, toHex, ZERO_ADDRESS } from "../../src/core/types/hex.ts";
import { STATE_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { feeExponent, U32_MAX } from "../../src/core/types/units.ts";
import {
  ALICE,
  BOB,
  balanceIn,
  CONFIG,
  DEPOSIT,
  depositPayload,
  direct,
  funded,
  LOWEST_FEE,
  PORTAL,
  RECIPIENT,
  restored,
  run,
  TOKEN,
  walletBytes,
} from "../support/wallet.ts";
import vectors from "../vectors/wallet.json" with { type: "json" };

const UINT256_MAX = 2n ** 256n - 1n;
const hex = (output: { readonly payload: Uint8Array }): string => toHex(output.payload);

test("[V4] a configuration is read back from its description, and from nothing less", () => {
  const description = walletApplication.describeConfig(CONFIG);
  expect(walletApplication.parseDescription(description)).toEqual(CONFIG);
  for (const name of Object.keys(description)) {
    for (const other of [undefined, 7, null, "0x12"]) {
      expect(walletApplication.parseDescription({ ...description, [name]: other })).toBeNull();
    }
  }
});

describe("methods", () => {
  test.each(vectors.methods)("a $method of $amount is the pinned bytes", (vector) => {
    const amount = BigInt(vector.amount);
    const to = vector.to === undefined ? null : address(vector.to.toLowerCase());
    const bytes = to === null ? encodeWithdrawal(amount) : encodeTransfer(amount, to);
    expect(toHex(bytes)).toBe(vector.bytes);
    const method = to === null ? { kind: "withdrawal", amount } : { kind: "transfer", amount, to };
    expect(decodeMethod(bytes)).toEqual(method);
  });

  test.each([0n, 1n, 255n, 256n, 1n << 64n, 1n << 192n, UINT256_MAX])(
    "an amount of %s survives both methods",
    (amount) => {
      expect(decodeMethod(encodeWithdrawal(amount))).toEqual({ kind: "withdrawal", amount });
      expect(decodeMethod(encodeTransfer(amount, BOB))).toMatchObject({ amount, to: BOB });
    },
  );

  test.each([-1n, UINT256_MAX + 1n])("an amount of %s is a bug, not other money", (amount) => {
    expect(() => encodeWithdrawal(amount)).toThrow(InvariantError);
    expect(() => encodeTransfer(amount, BOB)).toThrow(InvariantError);
  });

  test("the longest method is what ingress is told", () => {
    expect(walletApplication).toMatchObject({
      name: "wallet",
      maxMethodPayloadBytes: 53,
      stateBytesMax: STATE_BYTES_MAX,
    });
    expect(METHOD_BYTES_MAX).toBe(53);
  });

  test.each([32, 34, 52, 54])("%i bytes are no method of either kind", (length) => {
    for (const selector of [0, 1]) {
      const data = new Uint8Array(length);
      data[0] = selector;
      expect(decodeMethod(data)).toBeNull();
    }
  });
});

describe("validation", () => {
  test("a max fee below the frame's fee is refused before anything else", () => {
    const op = { nonce: 7, maxFee: feeExponent(1059), data: new Uint8Array() };
    const frame = { fee: feeExponent(1060), safeBlock: LOWEST_FEE.safeBlock };
    expect(validateUserOp(funded(0n), ALICE, op, frame)).toEqual({
      reason: "max-fee-too-low",
      maxFee: 1059,
      baseFee: 1060,
    });
  });

  test("the nonce is asked before the balance", () => {
    const state = restored({ balances: [], nonces: [[ALICE, 3]] });
    const op = { nonce: 4, maxFee: feeExponent(200), data: new Uint8Array() };
    const wrong = { reason: "invalid-nonce", expected: 3, got: 4 };
    expect(state.validateUserOp(ALICE, op, feeExponent(200))).toEqual(wrong);
  });

  test.each([
    { balance: 3n, invalid: { reason: "insufficient-balance", required: 4n, available: 3n } },
    { balance: 4n, invalid: null },
  ])("a balance of $balance against a fee of 4: $invalid.reason", ({ balance, invalid }) => {
    const op = { nonce: 0, maxFee: feeExponent(200), data: new Uint8Array() };
    expect(funded(balance).validateUserOp(ALICE, op, feeExponent(200))).toEqual(invalid);
  });

  test.each([
    { used: U32_MAX - 1, nonce: U32_MAX - 1, reason: undefined },
    { used: U32_MAX, nonce: U32_MAX, reason: "nonce-exhausted" },
    { used: U32_MAX, nonce: 0, reason: "invalid-nonce" },
  ])("op $nonce of an account at $used: $reason", ({ used, nonce, reason }) => {
    const state = restored({ balances: [[ALICE, 10n]], nonces: [[ALICE, used]] });
    const op = { nonce, maxFee: feeExponent(0), data: new Uint8Array() };
    expect(state.validateUserOp(ALICE, op, feeExponent(0))?.reason).toBe(reason);
  });

  test("[N19] validation can be repeated and changes nothing", () => {
    const state = funded(10n);
    const before = toHex(state.snapshot());
    const op = { nonce: 0, maxFee: feeExponent(0), data: encodeTransfer(5n, BOB) };
    for (const nonce of [0, 0, 1]) {
      const invalid = state.validateUserOp(ALICE, { ...op, nonce }, feeExponent(0));
      expect(invalid === null).toBe(nonce === 0);
    }
    expect(state.validateUserOp(BOB, op, feeExponent(0))).not.toBeNull();
    expect(toHex(state.snapshot())).toBe(before);
  });
});

describe("user ops", () => {
  test("an account starts with nothing", () => {
    const state = walletApplication.genesis(CONFIG);
    expect(state.nextNonce(ALICE)).toBe(0);
    expect(balanceIn(state, ALICE)).toBeNull();
    expect(state.progress()).toEqual({ executedInputCount: 0, lastExecutedSafeBlock: 0 });
  });

  test("the fee is the frame's and goes to the recipient; the clock is the frame's", () => {
    const state = funded(10_000n);
    run(state, ALICE, encodeTransfer(100n, BOB), { fee: 1060, safeBlock: 77 });
    // P§2.6: exponent 1060 is 3824.
    expect(balanceIn(state, ALICE)).toBe(10_000n - 3824n - 100n);
    expect(balanceIn(state, RECIPIENT)).toBe(3824n);
    expect(balanceIn(state, BOB)).toBe(100n);
    expect(state.nextNonce(ALICE)).toBe(1);
    expect(state.progress()).toEqual({ executedInputCount: 2, lastExecutedSafeBlock: 77 });
  });

  test("the zero address as recipient burns the fee into its own balance", () => {
    const state = funded(10n, { ...CONFIG, feeRecipient: ZERO_ADDRESS });
    run(state, ALICE, new Uint8Array());
    expect(balanceIn(state, ZERO_ADDRESS)).toBe(1n);
  });

  test("a recipient that sends gets its fee back before the method runs", () => {
    const state = funded(4n, { ...CONFIG, feeRecipient: ALICE });
    const outputs = run(state, ALICE, encodeTransfer(4n, BOB), { fee: 200 });
    expect(outputs).toHaveLength(1);
    expect(balanceIn(state, ALICE)).toBe(0n);
    expect(balanceIn(state, BOB)).toBe(4n);
  });

  test("a transfer says so in a notice", () => {
    const { sender, recipient, amount, payload } = vectors.transferNotice;
    const from = address(sender);
    const state = restored({ balances: [[from, 6n]] });
    const outputs = run(state, from, encodeTransfer(BigInt(amount), address(recipient)));
    expect(outputs).toEqual([{ kind: "notice", payload: fromHex(payload) }]);
  });

  test("a withdrawal is a voucher on the token", () => {
    const { sender, amount, destination, payload } = vectors.withdrawalVoucher;
    const from = address(sender);
    const token = address(destination.toLowerCase());
    const state = restored({ balances: [[from, 124n]] }, { ...CONFIG, token });
    const outputs = run(state, from, encodeWithdrawal(BigInt(amount)));
    const voucher = { kind: "voucher", destination: token, value: 0n, payload: fromHex(payload) };
    expect(outputs).toEqual([voucher]);
    expect(balanceIn(state, from)).toBe(0n);
  });

  // P§11.2: at exponent 200 the fee is 4.
  test.each([
    { amount: 96n, outputs: 1, left: 0n },
    { amount: 97n, outputs: 0, left: 96n },
  ])("moving $amount of 100 at a fee of 4 emits $outputs", ({ amount, outputs, left }) => {
    for (const data of [encodeTransfer(amount, BOB), encodeWithdrawal(amount)]) {
      const state = funded(100n);
      expect(run(state, ALICE, data, { fee: 200 })).toHaveLength(outputs);
      expect(balanceIn(state, ALICE)).toBe(left);
      expect(balanceIn(state, RECIPIENT)).toBe(4n);
      expect(state.nextNonce(ALICE)).toBe(1);
    }
  });

  test("a transfer to oneself nets nothing and still says so", () => {
    const state = funded(10n);
    expect(run(state, ALICE, encodeTransfer(9n, ALICE))).toHaveLength(1);
    expect(balanceIn(state, ALICE)).toBe(9n);
  });

  test("a transfer of nothing makes the recipient known", () => {
    const state = funded(10n);
    expect(run(state, ALICE, encodeTransfer(0n, BOB))).toHaveLength(1);
    expect(balanceIn(state, BOB)).toBe(0n);
  });

  test.each(vectors.includedNoOps)(
    "the bytes %s pay the fee, use the nonce, do no more",
    (data) => {
      const state = funded(10n);
      expect(run(state, ALICE, fromHex(data))).toEqual([]);
      const after = { balances: [[ALICE, 9n] as const, [RECIPIENT, 1n] as const] };
      expect(toHex(state.snapshot())).toBe(
        toHex(walletBytes({ ...after, nonces: [[ALICE, 1]], count: 2 })),
      );
    },
  );

  test("an op whose sender cannot pay any more is a bug", () => {
    const op = { sender: ALICE, fee: feeExponent(200), data: new Uint8Array() };
    expect(() => executeUserOp(funded(3n), op, LOWEST_FEE.safeBlock)).toThrow(InvariantError);
  });

  test("an exponent without a value is fatal", () => {
    const op = { nonce: 0, maxFee: feeExponent(17_102), data: new Uint8Array() };
    const ask = (fee: number) => funded(3n).validateUserOp(ALICE, op, feeExponent(fee));
    expect(() => ask(17_102)).toThrow(InvariantError);
    expect(ask(17_101)?.reason).toBe("insufficient-balance");
  });
});

describe("direct inputs", () => {
  test("a deposit credits the depositor and says so in the pinned bytes", () => {
    const { token, sender, value, payload, notice } = vectors.deposit;
    const config = { ...CONFIG, token: address(token.toLowerCase()) };
    const state = walletApplication.genesis(config);
    const outputs = state.applyDirectInput(direct(PORTAL, fromHex(payload), 42));
    expect(outputs.map(hex)).toEqual([notice]);
    expect(balanceIn(state, address(sender))).toBe(BigInt(value));
    expect(state.progress()).toEqual({ executedInputCount: 1, lastExecutedSafeBlock: 42 });
  });

  test("what follows the 72 bytes is the depositor's own", () => {
    const state = walletApplication.genesis(CONFIG);
    const payload = Uint8Array.of(...depositPayload(TOKEN, ALICE, 5n), 1, 2, 3);
    expect(state.applyDirectInput(direct(PORTAL, payload))).toHaveLength(1);
    expect(balanceIn(state, ALICE)).toBe(5n);
  });

  test("a deposit of nothing makes the account known", () => {
    const state = walletApplication.genesis(CONFIG);
    state.applyDirectInput(direct(PORTAL, depositPayload(TOKEN, ALICE, 0n)));
    expect(balanceIn(state, ALICE)).toBe(0n);
  });

  test.each([
    { what: "another sender", sender: BOB, payload: DEPOSIT },
    { what: "another token", sender: PORTAL, payload: depositPayload(BOB, ALICE, 5n) },
    { what: "71 bytes", sender: PORTAL, payload: DEPOSIT.subarray(0, 71) },
    { what: "no bytes", sender: PORTAL, payload: new Uint8Array() },
    { what: "10 bytes of 0xaa", sender: PORTAL, payload: new Uint8Array(10).fill(0xaa) },
  ])("$what: counts and does nothing", ({ sender, payload }) => {
    const state = walletApplication.genesis(CONFIG);
    expect(state.applyDirectInput(direct(sender, payload, 9))).toEqual([]);
    expect(toHex(state.snapshot())).toBe(toHex(walletBytes({ count: 1, clock: 9 })));
  });

  test("[N19] the clock never goes back", () => {
    const state = walletApplication.genesis(CONFIG);
    for (const block of [9, 4]) state.applyDirectInput(direct(BOB, DEPOSIT, block));
    expect(state.progress()).toEqual({ executedInputCount: 2, lastExecutedSafeBlock: 9 });
  });

  test("a balance may reach 2^256 - 1 and not one more", () => {
    const state = walletApplication.genesis(CONFIG);
    state.applyDirectInput(direct(PORTAL, depositPayload(TOKEN, ALICE, UINT256_MAX)));
    expect(balanceIn(state, ALICE)).toBe(UINT256_MAX);
    const more = direct(PORTAL, depositPayload(TOKEN, ALICE, 1n));
    expect(() => state.applyDirectInput(more)).toThrow(InvariantError);
  });
});
