/** Ed25519 on input that somebody crafted: the strictest verdict, the same from both halves (C3). */

import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { schemes } from "../../src/crypto/schemes/registry.ts";
import { bareVerdict, verdict } from "../support/scheme-verdict.ts";

const MESSAGE = utf8ToBytes("a message");
const { n: ED_ORDER, p: ED_FIELD } = ed25519.Point.CURVE();

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
      expect(await bareVerdict("ed25519", honest.toBytes(), MESSAGE, signature)).toBe(isAlone);
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
        expect(await bareVerdict("ed25519", mixed, MESSAGE, signature)).toBe(answer);
        seen[`${answer}`] += 1;
      }
    }
    // What makes such keys dangerous: some of their signatures pass, depending on the challenge.
    expect(seen.true).toBeGreaterThan(0);
    expect(seen.false).toBeGreaterThan(0);
  });

  test("a key or an R of small order is refused, in every encoding", async () => {
    const nothing = new Uint8Array(32);
    let taken = 0;
    const signature = sign(5n, Point.BASE.multiply(5n).toBytes(), honest.toBytes());
    for (const encoding of smallOrderEncodings()) {
      expect(schemes.ed25519.checkKey(encoding, new Uint8Array(0))).toBe(false);
      expect(await verdict("ed25519", encoding, MESSAGE, concatBytes(encoding, nothing))).toBe(
        false,
      );
      expect(await verdict("ed25519", encoding, MESSAGE, signature)).toBe(false);
      for (let nonce = 1n; nonce <= 16n; nonce++) {
        // Under a key of small order anybody signs, and not every platform minds.
        const free = concatBytes(Point.BASE.multiply(nonce).toBytes(), numberToBytesLE(nonce, 32));
        taken += Number(ed25519.verify(free, MESSAGE, encoding));
        expect(await verdict("ed25519", encoding, MESSAGE, free)).toBe(false);
      }
      const withR = concatBytes(
        encoding,
        numberToBytesLE((challenge(encoding, honest.toBytes()) * secret) % ED_ORDER, 32),
      );
      expect(await verdict("ed25519", honest.toBytes(), MESSAGE, withR)).toBe(false);
    }
    // With the cofactor all of them pass.
    expect(taken).toBe(16 * smallOrderEncodings().length);
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
