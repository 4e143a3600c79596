/** What a rebuild announces, and how its state is cut. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatManifest,
  PART_BYTES,
  parseManifest,
  partBytes,
  partCount,
  type RebuildManifest,
} from "../../src/core/api/rebuild.ts";
import { address, hash32 } from "../../src/core/types/hex.ts";
import { STATE_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { batchNonce, blockNumber } from "../../src/core/types/units.ts";

const counter = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((some) => `0x${Buffer.from(some).toString("hex")}`);

const manifests: fc.Arbitrary<RebuildManifest> = fc.record({
  chainId: counter,
  app: hex(20).map(address),
  submitter: hex(20).map(address),
  baseBlock: counter.map(blockNumber),
  baseBlockHash: hex(32).map(hash32),
  baseInputCount: counter,
  anchorNonce: counter.map(batchNonce),
  executedInputCount: counter,
  stateBytes: fc.integer({ min: 1, max: STATE_BYTES_MAX }),
  sha256: hex(32).map(hash32),
});

const valid = (): Record<string, unknown> => ({
  chain_id: 1,
  app: `0x${"11".repeat(20)}`,
  submitter: `0x${"22".repeat(20)}`,
  base_block: 7,
  base_block_hash: `0x${"33".repeat(32)}`,
  base_input_count: 3,
  anchor_nonce: 2,
  executed_input_count: 5,
  state_bytes: 84,
  sha256: `0x${"44".repeat(32)}`,
});

describe("[R5] a manifest", () => {
  test("is read as it was written, whatever its numbers are", () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(parseManifest(formatManifest(manifest))).toEqual({ ok: true, value: manifest });
      }),
    );
  });

  test.each(Object.keys(valid()))(
    "without %s is none, nor with it twice or as another type",
    (name) => {
      const refused = { ok: false, error: { status: 400, message: "expected a rebuild manifest" } };
      const { [name]: value, ...rest } = valid();
      expect(parseManifest(JSON.stringify({ ...rest, more: [1] }))).toMatchObject(refused);
      for (const other of [null, true, [], typeof value === "number" ? "7" : 7, "0x12", 1.5, -1]) {
        expect(parseManifest(JSON.stringify({ ...rest, [name]: other }))).toMatchObject(refused);
      }
      const twice = JSON.stringify(valid()).replace("{", `{"${name}":${JSON.stringify(value)},`);
      expect(parseManifest(twice)).toMatchObject(refused);
      expect(parseManifest(JSON.stringify({ ...valid(), more: { x: 1 } }))).toMatchObject({
        ok: true,
      });
    },
  );

  test.each([
    [0, false],
    [1, true],
    [STATE_BYTES_MAX, true],
    [STATE_BYTES_MAX + 1, false],
  ])("of a state of %i bytes is one: %s", (bytes, ok) => {
    expect(parseManifest(JSON.stringify({ ...valid(), state_bytes: bytes })).ok).toBe(ok);
  });

  test.each(["", "{", "[]", "null", `${JSON.stringify(valid())}x`])("%j is none", (text) => {
    expect(parseManifest(text).ok).toBe(false);
  });
});

test.each([
  [1, [1]],
  [PART_BYTES, [PART_BYTES]],
  [PART_BYTES + 1, [PART_BYTES, 1]],
  [STATE_BYTES_MAX, Array.from({ length: 32 }, () => PART_BYTES)],
])("[R5] a state of %i bytes is cut into parts of at most 1 MiB", (bytes, parts) => {
  expect(Array.from({ length: partCount(bytes) }, (_, i) => partBytes(bytes, i))).toEqual(parts);
});
