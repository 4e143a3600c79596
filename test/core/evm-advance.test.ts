/** InputBox's envelope: the pinned bytes, viem as a second implementation, and every refusal. */

import fc from "fast-check";
import { encodeFunctionData, parseAbi, toFunctionSelector } from "viem";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../../src/core/types/assert.ts";
import { address, addressFromBytes, fromHex, toHex } from "../../src/core/types/hex.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import {
  decodeEvmAdvance,
  type EvmAdvance,
  encodeEvmAdvance,
} from "../../src/core/wire/evm-advance.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/l1.json" with { type: "json" };

const SIGNATURE =
  "function EvmAdvance(uint256 chainId, address appContract, address msgSender, uint256 blockNumber, uint256 blockTimestamp, uint256 prevRandao, uint256 index, bytes payload)";
const abi = parseAbi([SIGNATURE]);
const { fields } = vectors.evmAdvance;
const pinned: EvmAdvance = {
  chainId: BigInt(fields.chainId),
  appContract: address(fields.appContract),
  msgSender: address(fields.msgSender),
  blockNumber: BigInt(fields.blockNumber),
  blockTimestamp: BigInt(fields.blockTimestamp),
  prevRandao: BigInt(fields.prevRandao),
  index: BigInt(fields.index),
  payload: fromHex(fields.payload),
};
const bytes = fromHex(vectors.evmAdvance.bytes);

/** The pinned bytes with the byte at `at` of word `word` set; the selector comes before word 0. */
function withByte(word: number, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  changed[4 + 32 * word + at] = value;
  return changed;
}

function refused(reason: string): object {
  return { ok: false, error: { reason } };
}

const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const addresses = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(addressFromBytes);
const inputs: fc.Arbitrary<EvmAdvance> = fc.record({
  chainId: uint256,
  appContract: addresses,
  msgSender: addresses,
  blockNumber: uint256,
  blockTimestamp: uint256,
  prevRandao: uint256,
  index: uint256,
  payload: fc.uint8Array({ maxLength: 100 }),
});

describe("[S1] EvmAdvance", () => {
  test("the pinned bytes", () => {
    expect(toHex(encodeEvmAdvance(pinned))).toBe(vectors.evmAdvance.bytes);
    expect(decodeEvmAdvance(bytes)).toEqual({ ok: true, value: pinned });
  });

  test("the selector is the hash of the signature", () => {
    expect(toHex(bytes.subarray(0, 4))).toBe(vectors.selectors.EvmAdvance);
    expect(toFunctionSelector(SIGNATURE)).toBe(vectors.selectors.EvmAdvance);
  });

  test("viem encodes every input the same, and it decodes to itself", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const encoded = encodeEvmAdvance(input);
        const args = [
          input.chainId,
          input.appContract,
          input.msgSender,
          input.blockNumber,
          input.blockTimestamp,
          input.prevRandao,
          input.index,
          toHex(input.payload),
        ] as const;
        expect(toHex(encoded)).toBe(encodeFunctionData({ abi, functionName: "EvmAdvance", args }));
        expect(decodeEvmAdvance(encoded)).toEqual({ ok: true, value: input });
      }),
      { numRuns: size(100, 5000) },
    );
  });

  test("the largest payload fills InputBox's limit", () => {
    expect(vectors.maxPayloadBytes).toBe(INPUT_PAYLOAD_BYTES_MAX);
    const largest = { ...pinned, payload: new Uint8Array(INPUT_PAYLOAD_BYTES_MAX) };
    const limit = vectors.maxEncodedInputBytes;
    expect(encodeEvmAdvance(largest).length).toBeLessThanOrEqual(limit);
    const larger = { ...pinned, payload: new Uint8Array(INPUT_PAYLOAD_BYTES_MAX + 1) };
    expect(encodeEvmAdvance(larger).length).toBeGreaterThan(limit);
  });

  test("padding is neither required nor looked at", () => {
    const bare = bytes.subarray(0, 4 + 9 * 32 + 2);
    expect(decodeEvmAdvance(bare)).toEqual({ ok: true, value: pinned });
    expect(decodeEvmAdvance(withByte(9, 31, 0xff))).toEqual({ ok: true, value: pinned });
    expect(decodeEvmAdvance(Uint8Array.of(...bytes, 1, 2, 3))).toEqual({ ok: true, value: pinned });
  });

  test("a payload cut short is refused", () => {
    expect(decodeEvmAdvance(bytes.subarray(0, 4 + 9 * 32 + 1))).toEqual(refused("bad-length"));
    expect(decodeEvmAdvance(withByte(8, 31, 32)).ok).toBe(true);
    expect(decodeEvmAdvance(withByte(8, 31, 33))).toEqual(refused("bad-length"));
    expect(decodeEvmAdvance(withByte(8, 0, 1))).toEqual(refused("bad-length"));
  });

  test("every shorter head is refused", () => {
    for (let length = 0; length < 4 + 9 * 32; length++) {
      const reason = length < 4 ? "wrong-selector" : "too-short";
      expect(decodeEvmAdvance(bytes.subarray(0, length))).toEqual(refused(reason));
    }
  });

  test.each([0, 1, 2, 3])("another selector byte %i is refused", (at) => {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(decodeEvmAdvance(changed)).toEqual(refused("wrong-selector"));
  });

  test.each([1, 2])("address word %i has twelve zero bytes in front", (word) => {
    for (let at = 0; at < 12; at++) {
      expect(decodeEvmAdvance(withByte(word, at, 1))).toEqual(refused("bad-address"));
    }
    expect(decodeEvmAdvance(withByte(word, 12, 1)).ok).toBe(true);
  });

  test.each([
    [31, 0x20],
    [31, 0xff],
    [30, 0x00],
    [30, 0x02],
    [0, 0x01],
  ])("the payload's offset is 0x100 only: byte %i as %i is refused", (at, value) => {
    expect(decodeEvmAdvance(withByte(7, at, value))).toEqual(refused("bad-offset"));
  });

  test("an integer beyond uint256 is a bug", () => {
    expect(() => encodeEvmAdvance({ ...pinned, index: 2n ** 256n })).toThrow(InvariantError);
    expect(() => encodeEvmAdvance({ ...pinned, index: -1n })).toThrow(InvariantError);
  });
});
