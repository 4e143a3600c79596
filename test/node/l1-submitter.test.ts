/** The submitter: what it signs, read back by viem's parser, and that its key cannot be had. */

import { inspect } from "node:util";
import { keccak256, parseTransaction, recoverTransactionAddress } from "viem";
import { describe, expect, test } from "vitest";
import { address } from "../../src/core/types/hex.ts";
import { encodeAddInput } from "../../src/l1/contracts.ts";
import { createSubmitter, submitterAddress } from "../../src/l1/submitter.ts";
import { SUBMITTER_KEY } from "../support/anvil.ts";

const inputBox = address("0x2222222222222222222222222222222222222222");
const app = address("0x1111111111111111111111111111111111111111");
const terms = {
  walletNonce: 7,
  gas: 90_000n,
  maxFeePerGasWei: 204n,
  maxPriorityFeePerGasWei: 4n,
};
const CURVE_ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const BELOW_ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";

describe("createSubmitter", () => {
  const submitter = createSubmitter(SUBMITTER_KEY);

  test("[L2] a batch is an EIP-1559 call of addInput from the submitter", async () => {
    const payload = Uint8Array.of(1, 2, 3);
    const signed = await submitter.sign(31_337, { inputBox, app, payload, ...terms });
    expect(signed.hash).toBe(keccak256(signed.raw));
    expect(parseTransaction(signed.raw)).toMatchObject({
      type: "eip1559",
      chainId: 31_337,
      nonce: 7,
      gas: 90_000n,
      maxFeePerGas: 204n,
      maxPriorityFeePerGas: 4n,
      to: inputBox,
      data: encodeAddInput(app, payload),
    });
    expect(parseTransaction(signed.raw).value ?? 0n).toBe(0n);
    // The cast narrows the text to the transaction type that its first byte says.
    const serializedTransaction = signed.raw as `0x02${string}`;
    const signer = await recoverTransactionAddress({ serializedTransaction });
    expect(signer.toLowerCase()).toBe(submitter.address);
  });

  test("[L2] the same terms sign to the same bytes, so that a row can be sent again", async () => {
    const batch = { inputBox, app, payload: Uint8Array.of(1), ...terms };
    expect(await submitter.sign(1, batch)).toEqual(await submitter.sign(1, batch));
  });

  test("[R2] a no-op is an empty transfer to itself", async () => {
    const signed = await submitter.signNoOp(31_337, terms);
    const transaction = parseTransaction(signed.raw);
    expect(transaction).toMatchObject({ type: "eip1559", to: submitter.address, nonce: 7 });
    expect(transaction.data ?? "0x").toBe("0x");
    expect(transaction.value ?? 0n).toBe(0n);
    expect(signed.hash).toBe(keccak256(signed.raw));
  });

  test("the key is not in anything that can be printed or copied", () => {
    const shown = `${inspect(submitter, { depth: 9, showHidden: true })}${JSON.stringify(submitter)}`;
    expect(shown).toContain(submitter.address);
    expect(shown.toLowerCase()).not.toContain(SUBMITTER_KEY.slice(2, 20));
    expect(submitter.sign.toString()).not.toContain(SUBMITTER_KEY.slice(2, 20));
  });
});

describe("keys", () => {
  test.each([
    { name: "a scalar", key: SUBMITTER_KEY, isKey: true },
    { name: "upper-case digits", key: `0x${SUBMITTER_KEY.slice(2).toUpperCase()}`, isKey: true },
    { name: "one", key: `0x${"1".padStart(64, "0")}`, isKey: true },
    { name: "zero", key: `0x${"00".repeat(32)}`, isKey: false },
    { name: "the curve's order less one", key: `0x${BELOW_ORDER}`, isKey: true },
    { name: "the curve's order", key: `0x${CURVE_ORDER}`, isKey: false },
    { name: "63 digits", key: SUBMITTER_KEY.slice(0, -1), isKey: false },
    { name: "65 digits", key: `${SUBMITTER_KEY}0`, isKey: false },
    { name: "no prefix", key: SUBMITTER_KEY.slice(2), isKey: false },
    { name: "a letter that is no digit", key: `${SUBMITTER_KEY.slice(0, -1)}g`, isKey: false },
    { name: "a line end", key: `${SUBMITTER_KEY}\n`, isKey: false },
    { name: "nothing", key: "", isKey: false },
  ])("$name: accepted $isKey, and never repeated", ({ key, isKey }) => {
    expect(submitterAddress(key) !== null).toBe(isKey);
    if (isKey) {
      expect(createSubmitter(key).address).toBe(submitterAddress(key));
      return;
    }
    const thrown = caught(() => createSubmitter(key));
    expect(thrown.message).toBe("invalid private key");
    expect(thrown.cause).toBeUndefined();
  });

  test("the address is the well-known one of the key", () => {
    expect(submitterAddress(SUBMITTER_KEY)).toBe("0x70997970c51812dc3a010c7d01b50e0d17dc79c8");
  });
});

function caught(act: () => unknown): Error {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
  }
  return expect.unreachable("it throws an Error");
}
