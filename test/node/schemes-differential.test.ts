/** P-256 and Ed25519 by noble and by the platform: one verdict, on honest, broken and crafted input (C3). */

import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import {
  bytesToNumberBE,
  bytesToNumberLE,
  numberToBytesBE,
  numberToBytesLE,
} from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
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
import { size } from "../support/size.ts";

const BOTH = ["p256", "ed25519"] as const;
type Both = (typeof BOTH)[number];

const MESSAGE = utf8ToBytes("a message");
const P256_ORDER = p256.Point.CURVE().n;
const { n: ED_ORDER, p: ED_FIELD } = ed25519.Point.CURVE();
const RUNS = { numRuns: size(40, 2_000) };

const key = (seed: number) => new Uint8Array(32).fill(seed);

/** The verdict of both halves, once they agree on it. */
async function verdict(
  scheme: Both,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const byPlatform = await asyncVerify[scheme](publicKey, message, signature);
  expect(schemes[scheme].verify(publicKey, message, signature)).toBe(byPlatform);
  return byPlatform;
}

/** What the platform says without our questions. */
async function bare(scheme: Both, publicKey: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const algorithm =
    scheme === "p256"
      ? { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
      : { name: "Ed25519" };
  const raw = scheme === "p256" ? p256.Point.fromBytes(publicKey).toBytes(false) : publicKey;
  const imported = await crypto.subtle.importKey("raw", raw.slice(), algorithm, false, ["verify"]);
  return await crypto.subtle.verify(algorithm, imported, signature.slice(), MESSAGE);
}

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
    expect(await bare("p256", signer.publicKey, high)).toBe(true);
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

describe("[C3] ed25519 gives the verdict without the cofactor", () => {
  const { Point } = ed25519;
  const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex));
  const secret = 1234567n;
  const honest = Point.BASE.multiply(secret);
  const challenge = (r: Uint8Array, a: Uint8Array) =>
    bytesToNumberLE(sha512(concatBytes(r, a, MESSAGE))) % ED_ORDER;
  /** s for a nonce and a key with this secret part, whatever small parts R and A have. */
  const sign = (nonce: bigint, r: Uint8Array, a: Uint8Array) =>
    concatBytes(r, numberToBytesLE((nonce + challenge(r, a) * secret) % ED_ORDER, 32));

  test("s and s + L", async () => {
    const r = Point.BASE.multiply(5n).toBytes();
    const signature = sign(5n, r, honest.toBytes());
    const s = bytesToNumberLE(signature.subarray(32));
    expect(await verdict("ed25519", honest.toBytes(), MESSAGE, signature)).toBe(true);
    const beyond = concatBytes(r, numberToBytesLE(s + ED_ORDER, 32));
    expect(await verdict("ed25519", honest.toBytes(), MESSAGE, beyond)).toBe(false);
  });

  test("an R with a part of small order is taken with the cofactor only", async () => {
    let taken = 0;
    for (const small of torsion) {
      const r = Point.BASE.multiply(9n).add(small).toBytes();
      const signature = sign(9n, r, honest.toBytes());
      const isAlone = small.is0();
      taken += Number(ed25519.verify(signature, MESSAGE, honest.toBytes()));
      expect(await bare("ed25519", honest.toBytes(), signature)).toBe(isAlone);
      expect(await verdict("ed25519", honest.toBytes(), MESSAGE, signature)).toBe(isAlone);
    }
    expect(taken).toBe(8);
  });

  test("a key with a part of small order: refused at registration, one verdict all the same", async () => {
    const seen = { true: 0, false: 0 };
    for (const small of torsion.filter((point) => !point.is0())) {
      const mixed = honest.add(small).toBytes();
      expect(schemes.ed25519.checkKey(mixed, new Uint8Array(0))).toBe(false);
      for (let nonce = 1n; nonce <= 12n; nonce++) {
        const r = Point.BASE.multiply(nonce).toBytes();
        const signature = sign(nonce, r, mixed);
        const answer = await verdict("ed25519", mixed, MESSAGE, signature);
        expect(await bare("ed25519", mixed, signature)).toBe(answer);
        seen[`${answer}`] += 1;
      }
    }
    // What makes such keys dangerous: some of their signatures pass, depending on the challenge.
    expect(seen.true).toBeGreaterThan(0);
    expect(seen.false).toBeGreaterThan(0);
  });

  test("a key or an R of small order is refused, in every encoding", async () => {
    const nothing = new Uint8Array(32);
    const signature = sign(5n, Point.BASE.multiply(5n).toBytes(), honest.toBytes());
    for (const encoding of smallOrderEncodings()) {
      expect(schemes.ed25519.checkKey(encoding, new Uint8Array(0))).toBe(false);
      expect(await verdict("ed25519", encoding, MESSAGE, concatBytes(encoding, nothing))).toBe(
        false,
      );
      expect(await verdict("ed25519", encoding, MESSAGE, signature)).toBe(false);
      const withR = concatBytes(
        encoding,
        numberToBytesLE((challenge(encoding, honest.toBytes()) * secret) % ED_ORDER, 32),
      );
      expect(await verdict("ed25519", honest.toBytes(), MESSAGE, withR)).toBe(false);
    }
    expect(
      ed25519.verify(concatBytes(Point.ZERO.toBytes(), nothing), MESSAGE, Point.ZERO.toBytes()),
    ).toBe(true);
  });

  test("a y at or above the field's order is refused", async () => {
    const check = (bytes: Uint8Array) => schemes.ed25519.checkKey(bytes, new Uint8Array(0));
    for (let y = ED_FIELD; y < 2n ** 255n; y++) {
      for (const sign of [0n, 1n]) {
        const encoding = numberToBytesLE(y + (sign << 255n), 32);
        expect(check(encoding)).toBe(false);
        const signature = concatBytes(encoding, numberToBytesLE(1n, 32));
        expect(await verdict("ed25519", encoding, MESSAGE, signature)).toBe(false);
        expect(await verdict("ed25519", honest.toBytes(), MESSAGE, signature)).toBe(false);
      }
    }
  });

  /** The eight points, those with x = 0 with either sign, and the two y that are also y + p. */
  function smallOrderEncodings(): readonly Uint8Array[] {
    const canonical = ED25519_TORSION_SUBGROUP.map((hex) => hexToBytes(hex));
    const signed = [...canonical, ...canonical].map((bytes, i) => {
      const copy = bytes.slice();
      copy[31] = ((copy[31] ?? 0) & 0x7f) | (i < 8 ? 0 : 0x80);
      return copy;
    });
    const unreduced = [ED_FIELD, ED_FIELD + 1n].flatMap((y) =>
      [0n, 1n].map((sign) => numberToBytesLE(y + (sign << 255n), 32)),
    );
    return [...signed, ...unreduced];
  }
});
