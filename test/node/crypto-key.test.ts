/** Private keys as an operator configures them. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/core/types/hex.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import eip712 from "../vectors/eip712.json" with { type: "json" };

const ORDER = secp256k1.Point.CURVE().n;
const keyOf = (scalar: bigint): string => `0x${scalar.toString(16).padStart(64, "0")}`;

describe("addressOfPrivateKey", () => {
  test("the first development account, in either letter case", () => {
    const expected = parseAddress(eip712.cases[0]?.sender ?? "");
    expect(expected).not.toBeNull();
    expect(addressOfPrivateKey(eip712.privateKey)).toBe(expected);
    expect(addressOfPrivateKey(`0x${eip712.privateKey.slice(2).toUpperCase()}`)).toBe(expected);
  });

  test("scalars at both sides of their bounds", () => {
    expect(addressOfPrivateKey(keyOf(0n))).toBeNull();
    // The address of the generator point itself.
    expect(addressOfPrivateKey(keyOf(1n))).toBe("0x7e5f4552091a69125d5dfcb7b8c2659029395bdf");
    expect(addressOfPrivateKey(keyOf(ORDER - 1n))).toMatch(/^0x[0-9a-f]{40}$/);
    expect(addressOfPrivateKey(keyOf(ORDER))).toBeNull();
    expect(addressOfPrivateKey(keyOf(2n ** 256n - 1n))).toBeNull();
  });

  test.each([
    ["empty", ""],
    ["no prefix", eip712.privateKey.slice(2)],
    ["upper-case prefix", `0X${eip712.privateKey.slice(2)}`],
    ["63 digits", eip712.privateKey.slice(0, -1)],
    ["65 digits", `${eip712.privateKey}0`],
    ["a digit that is none", `${eip712.privateKey.slice(0, -1)}g`],
    ["a blank behind", `${eip712.privateKey} `],
    ["a line end behind", `${eip712.privateKey}\n`],
  ])("not a key: %s", (_, text) => {
    expect(addressOfPrivateKey(text)).toBeNull();
  });
});
