/** Chunk headers: pinned bytes, hash and signature; every field counts. */

import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHUNK_DOMAIN,
  CHUNK_VERSION,
  type ChunkHeader,
  chunkHash,
  chunkPreimage,
  decodeHeader,
  encodeHeader,
} from "../../src/core/chunk/header.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import {
  address,
  addressFromBytes,
  fromHex,
  hash32,
  hashFromBytes,
  toHex,
} from "../../src/core/types/hex.ts";
import { offset } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/chunk.json" with { type: "json" };

const header: ChunkHeader = {
  chainId: vectors.header.chain_id,
  app: address(vectors.header.app),
  era: fromHex(vectors.header.era),
  epoch: vectors.header.epoch,
  height: vectors.header.height,
  parent: hash32(vectors.header.parent),
  root: hash32(vectors.header.root),
  eventCount: vectors.header.event_count,
  firstOffset: offset(vectors.header.first_offset),
  nextOffset: offset(vectors.header.next_offset),
};
const bytes = fromHex(vectors.headerBytes);

const u64 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const exactly = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const headers: fc.Arbitrary<ChunkHeader> = fc.record({
  chainId: u64,
  app: exactly(20).map(addressFromBytes),
  era: exactly(16),
  epoch: u64,
  height: u64,
  parent: exactly(32).map(hashFromBytes),
  root: exactly(32).map(hashFromBytes),
  eventCount: fc.integer({ min: 0, max: 0xffff_ffff }),
  firstOffset: u64.map(offset),
  nextOffset: u64.map(offset),
});

function refused(reason: string): object {
  return { ok: false, error: { reason } };
}

describe("[C1] the header", () => {
  test("the pinned bytes, preimage and hash", () => {
    expect(CHUNK_VERSION).toBe(vectors.header.version);
    expect(toHex(encodeHeader(header))).toBe(vectors.headerBytes);
    expect(decodeHeader(bytes)).toEqual({ ok: true, value: header });
    expect(toHex(chunkPreimage(header))).toBe(vectors.preimage);
    expect(chunkHash(header)).toBe(vectors.chunkHash);
  });

  test("the preimage is the domain with its length, then the header", () => {
    const preimage = chunkPreimage(header);
    expect(preimage[0]).toBe(0);
    expect(preimage[1]).toBe(CHUNK_DOMAIN.length);
    expect(new TextDecoder().decode(preimage.subarray(2, 2 + CHUNK_DOMAIN.length))).toBe(
      CHUNK_DOMAIN,
    );
    expect(toHex(preimage.subarray(2 + CHUNK_DOMAIN.length))).toBe(vectors.headerBytes);
    expect(toHex(sha256(preimage))).toBe(chunkHash(header));
  });

  test("every header decodes to itself", () => {
    fc.assert(
      fc.property(headers, (one) => {
        const encoded = encodeHeader(one);
        expect(encoded.length).toBe(145);
        expect(decodeHeader(encoded)).toEqual({ ok: true, value: one });
      }),
      { numRuns: size(200, 10_000) },
    );
  });

  test("no byte but the version can change without changing the header", () => {
    for (let at = 1; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const decoded = decodeHeader(changed);
      if (decoded.ok) expect(toHex(encodeHeader(decoded.value))).toBe(toHex(changed));
      else expect(decoded).toEqual(refused("unsafe-integer"));
    }
  });

  test.each([0, 144, 146, 290])("%i bytes are refused", (length) => {
    expect(decodeHeader(new Uint8Array(length).fill(1))).toEqual(refused("wrong-length"));
  });

  test.each([0, 2, 255])("version %i is refused", (version) => {
    const changed = bytes.slice();
    changed[0] = version;
    expect(decodeHeader(changed)).toEqual(refused("wrong-version"));
  });

  test.each([
    ["chain id", 1],
    ["epoch", 45],
    ["height", 53],
    ["first offset", 129],
    ["next offset", 137],
  ])("the %s is at most 2^53 - 1", (_field, at) => {
    const changed = bytes.slice();
    const view = new DataView(changed.buffer);
    view.setBigUint64(at, 2n ** 53n - 1n);
    expect(decodeHeader(changed).ok).toBe(true);
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      view.setBigUint64(at, value);
      expect(decodeHeader(changed)).toEqual(refused("unsafe-integer"));
    }
  });

  test.each<[string, Partial<ChunkHeader>]>([
    ["an era of 15 bytes", { era: new Uint8Array(15) }],
    ["a negative height", { height: -1 }],
    ["an epoch beyond 2^53", { epoch: 2 ** 53 }],
    ["a count beyond u32", { eventCount: 2 ** 32 }],
    ["a chain id of no integer", { chainId: 1.5 }],
  ])("%s is a bug, not bytes", (_what, change) => {
    expect(() => encodeHeader({ ...header, ...change })).toThrow(InvariantError);
  });
});

describe("[C3] the signature over the preimage", () => {
  const key = fromHex(vectors.p256.privateKey);
  const publicKey = fromHex(vectors.p256.publicKey);
  const signature = fromHex(vectors.p256.signature);

  test("is the pinned one", () => {
    expect(toHex(p256.getPublicKey(key))).toBe(vectors.p256.publicKey);
    expect(toHex(p256.sign(chunkPreimage(header), key, { lowS: true }))).toBe(
      vectors.p256.signature,
    );
    expect(p256.verify(signature, chunkPreimage(header), publicKey, { lowS: true })).toBe(true);
  });

  test.each<[string, Partial<ChunkHeader>]>([
    ["chain id", { chainId: header.chainId + 1 }],
    ["app", { app: address(`0x${"12".repeat(20)}`) }],
    ["era", { era: new Uint8Array(16) }],
    ["epoch", { epoch: header.epoch + 1 }],
    ["height", { height: header.height + 1 }],
    ["parent", { parent: header.root }],
    ["root", { root: header.parent }],
    ["event count", { eventCount: header.eventCount + 1 }],
    ["first offset", { firstOffset: offset(header.firstOffset + 1) }],
    ["next offset", { nextOffset: offset(header.nextOffset + 1) }],
  ])("does not hold for another %s", (_field, change) => {
    const preimage = chunkPreimage({ ...header, ...change });
    expect(p256.verify(signature, preimage, publicKey, { lowS: true })).toBe(false);
    expect(chunkHash({ ...header, ...change })).not.toBe(vectors.chunkHash);
  });
});
