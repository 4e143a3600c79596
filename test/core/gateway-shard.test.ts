/** Which gateway takes a sender's ops. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { GATEWAYS_MAX, shardOf } from "../../src/core/api/gateway-api.ts";
import { type Address, address } from "../../src/core/types/hex.ts";

const ofNumber = (n: bigint): Address => address(`0x${n.toString(16).padStart(40, "0")}`);
const addresses = fc.bigInt({ min: 0n, max: 2n ** 160n - 1n }).map(ofNumber);
const counts = fc.integer({ min: 1, max: GATEWAYS_MAX });

test("[X2] a sender's gateway is one of those that there are, and always the same", () => {
  fc.assert(
    fc.property(addresses, counts, (sender, shards) => {
      const shard = shardOf(sender, shards);
      expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
      expect(shardOf(sender, shards)).toBe(shard);
    }),
  );
});

test("[X2] it is pinned: another release sends a sender to the same one", () => {
  const sender = address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
  expect([1, 2, 3, 8, 64].map((shards) => shardOf(sender, shards))).toEqual([0, 0, 0, 6, 38]);
  expect(shardOf(ofNumber(2n ** 160n - 1n), 64)).toBe(63);
});

test("[X2] senders spread, also those whose addresses were chosen to begin alike", () => {
  const shards = 8;
  const counted = Array.from({ length: shards }, () => 0);
  for (let i = 0n; i < 8_000n; i++) {
    // A multiplication stands for a hash: the low bits of consecutive numbers alone prove nothing.
    const shard = shardOf(ofNumber((i * 0x9e37_79b9n) % 2n ** 32n), shards);
    counted[shard] = (counted[shard] ?? 0) + 1;
  }
  for (const count of counted) expect(Math.abs(count - 1_000)).toBeLessThan(100);
});

test("[X2] without gateways, or with too many, nobody asks", () => {
  for (const shards of [0, -1, GATEWAYS_MAX + 1]) {
    expect(() => shardOf(ofNumber(1n), shards)).toThrow("there are gateways to choose from");
  }
});
