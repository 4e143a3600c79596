/** P-256 and Ed25519 by noble and by the platform: one verdict, on honest and on broken input (C3). */

import { p256 } from "@noble/curves/nist.js";
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SCHEME_PARAMETERS } from "../../src/core/consensus/types.ts";
import { withLowS } from "../../src/crypto/schemes/p256.ts";
import {
  asyncVerify,
  createAsyncSigner,
  createSigner,
  randomSecretKey,
  schemes,
} from "../../src/crypto/schemes/registry.ts";
import { bareVerdict, verdict } from "../support/scheme-verdict.ts";
import { size } from "../support/size.ts";

const BOTH = ["p256", "ed25519"] as const;

const MESSAGE = utf8ToBytes("a message");
const P256_ORDER = p256.Point.CURVE().n;
const RUNS = { numRuns: size(40, 2_000) };

const key = (seed: number) => new Uint8Array(32).fill(seed);

describe.each(BOTH)("[C3] %s", (scheme) => {
  const { publicKeyBytes, signatureBytes } = SCHEME_PARAMETERS[scheme];
  const signer = createSigner(scheme, key(7));
  const signature = signer.sign(MESSAGE);

  test("signs with either half what both verify, and no other message or key", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(255), async (message, flip) => {
        const secret = randomSecretKey(scheme);
        const signers = [createSigner(scheme, secret), await createAsyncSigner(scheme, secret)];
        for (const one of signers) {
          const signed = await one.sign(message);
          expect([one.publicKey.length, signed.length]).toEqual([publicKeyBytes, signatureBytes]);
          expect(schemes[scheme].checkKey(one.publicKey, one.proof)).toBe(true);
          expect(await verdict(scheme, one.publicKey, message, signed)).toBe(true);
          expect(await verdict(scheme, signer.publicKey, message, signed)).toBe(false);
          const longer = concatBytes(message, Uint8Array.of(flip));
          expect(await verdict(scheme, one.publicKey, longer, signed)).toBe(false);
        }
      }),
      RUNS,
    );
  });

  test("one verdict on changed and on random bytes", async () => {
    const random = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const change = fc.tuple(fc.nat({ max: signatureBytes + publicKeyBytes - 1 }), fc.nat(254));
    const arbitrary = fc.oneof(
      change.map(([at, by]) => {
        const joined = concatBytes(signer.publicKey, signature);
        joined[at] = (joined[at] ?? 0) ^ (by + 1);
        return joined;
      }),
      random(publicKeyBytes + signatureBytes),
      random(signatureBytes).map((bytes) => concatBytes(signer.publicKey, bytes)),
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async (joined) => {
        const changed = joined.subarray(publicKeyBytes);
        expect(await verdict(scheme, joined.subarray(0, publicKeyBytes), MESSAGE, changed)).toBe(
          false,
        );
      }),
      RUNS,
    );
  });

  test("every other length, of either, is refused without an exception", async () => {
    for (const length of [0, 1, 31, 32, 33, 47, 48, 63, 64, 65, 96, 97]) {
      const other = new Uint8Array(length);
      if (length !== signatureBytes) {
        other.set(signature.subarray(0, length));
        expect(await verdict(scheme, signer.publicKey, MESSAGE, other)).toBe(false);
      }
      if (length !== publicKeyBytes) {
        expect(await verdict(scheme, other, MESSAGE, signature)).toBe(false);
        expect(schemes[scheme].checkKey(other, new Uint8Array(0))).toBe(false);
      }
    }
  });

  test("zeros and ones throughout are refused", async () => {
    for (const fill of [0x00, 0xff]) {
      const noKey = new Uint8Array(publicKeyBytes).fill(fill);
      const nothing = new Uint8Array(signatureBytes).fill(fill);
      expect(await verdict(scheme, signer.publicKey, MESSAGE, nothing)).toBe(false);
      expect(await verdict(scheme, noKey, MESSAGE, signature)).toBe(false);
      expect(await verdict(scheme, noKey, MESSAGE, nothing)).toBe(false);
      expect(schemes[scheme].checkKey(noKey, new Uint8Array(0))).toBe(false);
    }
  });

  test("a key needs no proof and takes none", () => {
    expect(schemes[scheme].checkKey(signer.publicKey, new Uint8Array(0))).toBe(true);
    expect(schemes[scheme].checkKey(signer.publicKey, signature)).toBe(false);
  });

  test("bytes that change after the call do not change the verdict", async () => {
    const [publicKey, message, signed] = [
      signer.publicKey.slice(),
      MESSAGE.slice(),
      signature.slice(),
    ];
    const pending = asyncVerify[scheme](publicKey, message, signed);
    for (const bytes of [publicKey, message, signed]) bytes.fill(0);
    expect(await pending).toBe(true);
  });
});

describe("[C3] p256 takes the low s alone", () => {
  const signer = createSigner("p256", key(7));
  const signature = signer.sign(MESSAGE);
  const r = signature.subarray(0, 32);
  const s = bytesToNumberBE(signature.subarray(32));
  const withS = (value: bigint) => concatBytes(r, numberToBytesBE(value, 32));

  test("the other s verifies on the platform, and is refused by both halves", async () => {
    const high = withS(P256_ORDER - s);
    expect(await bareVerdict("p256", signer.publicKey, MESSAGE, high)).toBe(true);
    expect(await verdict("p256", signer.publicKey, MESSAGE, high)).toBe(false);
    expect(withLowS(high)).toEqual(signature);
    expect(withLowS(signature)).toEqual(signature);
  });

  test("the signer of the platform hands out the low one, though it makes both", async () => {
    const platform = await createAsyncSigner("p256", key(7));
    const signatures = await Promise.all(Array.from({ length: 24 }, () => platform.sign(MESSAGE)));
    for (const one of signatures) {
      expect(bytesToNumberBE(one.subarray(32)) <= P256_ORDER / 2n).toBe(true);
      expect(await verdict("p256", signer.publicKey, MESSAGE, one)).toBe(true);
    }
  });

  test("r and s at the edges of their range", async () => {
    const half = P256_ORDER / 2n;
    const edges = [0n, 1n, half, half + 1n, P256_ORDER - 1n, P256_ORDER, 2n ** 256n - 1n];
    for (const a of edges) {
      for (const b of [...edges, s]) {
        const crafted = concatBytes(numberToBytesBE(a, 32), numberToBytesBE(b, 32));
        expect(await verdict("p256", signer.publicKey, MESSAGE, crafted)).toBe(false);
      }
    }
    expect(await verdict("p256", signer.publicKey, MESSAGE, withS(s))).toBe(true);
  });

  test("a key is compressed, in the field and on the curve", () => {
    const check = (bytes: Uint8Array) => schemes.p256.checkKey(bytes, new Uint8Array(0));
    const { p: field } = p256.Point.CURVE();
    const x = signer.publicKey.subarray(1);
    expect(check(concatBytes(Uint8Array.of(4), x))).toBe(false);
    expect(check(concatBytes(Uint8Array.of(0), x))).toBe(false);
    expect(check(concatBytes(Uint8Array.of(2), numberToBytesBE(field, 32)))).toBe(false);
    expect(check(p256.Point.fromBytes(signer.publicKey).toBytes(false))).toBe(false);
    // About half of all x belong to a point.
    const verdicts = new Set(
      Array.from({ length: 16 }, (_, i) =>
        check(concatBytes(Uint8Array.of(2), numberToBytesBE(BigInt(i + 1), 32))),
      ),
    );
    expect(verdicts).toEqual(new Set([true, false]));
  });
});
