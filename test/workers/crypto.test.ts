/** The WebAssembly twins inside workerd, from modules that the runtime compiled (I2, P§2.1). */

import { describe, expect, test } from "vitest";
import keccakModule from "../../build/wasm/keccak.wasm";
import secp256k1Module from "../../build/wasm/secp256k1.wasm";
import { fromHex, parseAddress, toHex } from "../../src/core/types/hex.ts";
import { recoverAddress as reference } from "../../src/core/wire/signature.ts";
import { userOpDigest } from "../../src/core/wire/user-op.ts";
import { createKeccak256 } from "../../src/crypto/keccak.ts";
import { createRecoverAddress } from "../../src/crypto/secp256k1.ts";
import eip712 from "../vectors/eip712.json" with { type: "json" };

// At module scope on purpose: nothing may be computed before the first request.
const keccak = createKeccak256(keccakModule);
const recover = createRecoverAddress(secp256k1Module, keccak);
const separator = fromHex(eip712.domainSeparator);

describe("the vectors of typed data", () => {
  test.each(eip712.cases)("[I2] digest and signer of $digest", ({ message, ...expected }) => {
    const op = {
      nonce: message.nonce,
      maxFee: message.max_fee,
      data: fromHex(message.data),
    };
    const digest = userOpDigest(separator, op, keccak);
    expect(toHex(digest)).toBe(expected.digest);
    const signature = fromHex(expected.signature);
    const answer = { ok: true, value: parseAddress(expected.sender) };
    expect(recover(digest, signature)).toEqual(answer);
    expect(reference(digest, signature)).toEqual(answer);
  });
});

const ZERO_WORD = Array.from({ length: 32 }, () => 0);
const ONES_WORD = Array.from({ length: 32 }, () => 255);

describe("verdicts inside workerd", () => {
  const digest = fromHex(eip712.cases[0]?.digest ?? "0x");
  const signature = fromHex(eip712.cases[0]?.signature ?? "0x");
  const changed = (at: number, bytes: readonly number[]): Uint8Array => {
    const copy = signature.slice();
    copy.set(bytes, at);
    return copy;
  };

  test.each([
    { what: "64 bytes", bytes: signature.subarray(0, 64), error: "length" },
    { what: "v of 2", bytes: changed(64, [2]), error: "parity" },
    { what: "r of zero", bytes: changed(0, ZERO_WORD), error: "signature" },
    { what: "s beyond the order", bytes: changed(32, ONES_WORD), error: "signature" },
    {
      what: "an r that is no point's x",
      bytes: changed(0, [...ZERO_WORD.slice(1), 5]),
      error: "recover",
    },
  ])("[I2] $error: $what", ({ bytes, error }) => {
    expect(recover(digest, bytes)).toEqual({ ok: false, error });
    expect(reference(digest, bytes)).toEqual({ ok: false, error });
  });
});
