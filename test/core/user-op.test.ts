/** The digest under a user's signature: pinned values, and viem as a second implementation. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { hashTypedData } from "viem";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/core/types/assert.ts";
import { address, addressFromBytes, fromHex, toHex } from "../../src/core/types/hex.ts";
import {
  DOMAIN_NAME,
  DOMAIN_VERSION,
  type Domain,
  domainSeparator,
  userOpDigest,
} from "../../src/core/wire/user-op.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

const domain: Domain = {
  chainId: vectors.domain.chainId,
  verifyingContract: address(vectors.domain.verifyingContract),
};
const separator = domainSeparator(domain);

describe("[S1] EIP-712", () => {
  test("the domain", () => {
    expect([DOMAIN_NAME, DOMAIN_VERSION]).toEqual([vectors.domain.name, vectors.domain.version]);
    expect(toHex(separator)).toBe(vectors.domainSeparator);
  });

  test.each(vectors.cases)("digest $digest", ({ message, digest, structHash }) => {
    const op = { nonce: message.nonce, maxFee: message.max_fee, data: fromHex(message.data) };
    expect(toHex(userOpDigest(separator, op))).toBe(digest);
    const typed = Uint8Array.of(0x19, 0x01, ...separator, ...fromHex(structHash));
    expect(toHex(keccak_256(typed))).toBe(digest);
  });

  test("viem computes the same digest for every op and domain", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.uint8Array({ maxLength: 200 }),
        (chainId, contract, nonce, maxFee, data) => {
          const verifyingContract = addressFromBytes(contract);
          const expected = hashTypedData({
            domain: { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract },
            types: {
              UserOp: [
                { name: "nonce", type: "uint32" },
                { name: "max_fee", type: "uint16" },
                { name: "data", type: "bytes" },
              ],
            },
            primaryType: "UserOp",
            message: { nonce, max_fee: maxFee, data: toHex(data) },
          });
          const own = domainSeparator({ chainId, verifyingContract });
          expect(toHex(userOpDigest(own, { nonce, maxFee, data }))).toBe(expected);
        },
      ),
      { numRuns: size(100, 5000) },
    );
  });

  test("one call leaves nothing behind for the next", () => {
    const large = { nonce: 0xffff_ffff, maxFee: 0xffff, data: new Uint8Array(200).fill(0xff) };
    const small = { nonce: 0, maxFee: 0, data: new Uint8Array() };
    const first = userOpDigest(separator, small);
    const text = toHex(first);
    userOpDigest(new Uint8Array(32).fill(0xff), large);
    expect(toHex(userOpDigest(separator, small))).toBe(text);
    expect(toHex(first)).toBe(text);
  });

  test("the hash function is the caller's", () => {
    const lengths: number[] = [];
    const op = { nonce: 1, maxFee: 2, data: new Uint8Array(7) };
    const digest = userOpDigest(separator, op, (bytes) => {
      lengths.push(bytes.length);
      return keccak_256(bytes);
    });
    expect(lengths).toEqual([7, 128, 66]);
    expect(toHex(digest)).toBe(toHex(userOpDigest(separator, op)));
    expect(toHex(userOpDigest(separator, op, () => new Uint8Array(32)))).toBe(
      `0x${"00".repeat(32)}`,
    );
  });

  test("a domain without a name is another domain", () => {
    const type = "EIP712Domain(uint256 chainId,address verifyingContract)";
    const words = new Uint8Array(96);
    words.set(keccak_256(utf8ToBytes(type)), 0);
    new DataView(words.buffer).setUint32(60, domain.chainId);
    words.set(fromHex(domain.verifyingContract), 76);
    expect(toHex(keccak_256(words))).not.toBe(vectors.domainSeparator);
  });

  const op = { nonce: 0, maxFee: 0, data: new Uint8Array() };
  test.each([
    ["a nonce above u32", separator, { ...op, nonce: 2 ** 32 }],
    ["a negative nonce", separator, { ...op, nonce: -1 }],
    ["a fee above u16", separator, { ...op, maxFee: 0x1_0000 }],
    ["a separator of 31 bytes", separator.subarray(1), op],
  ])("%s is a bug", (_what, own, message) => {
    expect(() => userOpDigest(own, message)).toThrow(InvariantError);
  });
});
