/** BLS multi-signatures: interoperable bytes, aggregates that name their signers, possession proven (C3). */

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { toHex } from "../../src/core/types/hex.ts";
import {
  asyncVerify,
  createAsyncSigner,
  createSigner,
  randomSecretKey,
  schemes,
} from "../../src/crypto/schemes/registry.ts";

const scheme = schemes.bls12381;
const aggregate = must(scheme.aggregate, "BLS aggregates");
const { longSignatures: bls } = bls12_381;
const ORDER = bls12_381.fields.Fr.ORDER;
const MESSAGE = utf8ToBytes("a message");
const signers = [1, 2, 3, 4].map((seed) => createSigner("bls12381", new Uint8Array(32).fill(seed)));
const keys = signers.map(({ publicKey }) => publicKey);
const signatures = signers.map((signer) => signer.sign(MESSAGE));
const [one, two] = [must(signers[0], "a signer"), must(signers[1], "a signer")];

describe("[C3] bls12381", () => {
  test("signs as Ethereum's consensus does", () => {
    const secret = hexToBytes("263dbd792f5b1be47ed85f8938c0f29586af0d3ac7b977f21c278fe1462040e3");
    const signer = createSigner("bls12381", secret);
    expect(toHex(signer.publicKey)).toBe(
      "0xa491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
    );
    expect(toHex(signer.sign(new Uint8Array(32)))).toBe(
      "0xb6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55",
    );
  });

  test("verifies what was signed, by whom, and nothing else", async () => {
    const signature = must(signatures[0], "a signature");
    expect(scheme.verify(one.publicKey, MESSAGE, signature)).toBe(true);
    expect(await asyncVerify.bls12381(one.publicKey, MESSAGE, signature)).toBe(true);
    expect(scheme.verify(two.publicKey, MESSAGE, signature)).toBe(false);
    expect(scheme.verify(one.publicKey, utf8ToBytes("another"), signature)).toBe(false);
    const secret = randomSecretKey("bls12381");
    const random = await createAsyncSigner("bls12381", secret);
    expect(await random.sign(MESSAGE)).toEqual(createSigner("bls12381", secret).sign(MESSAGE));
    expect(scheme.checkKey(random.publicKey, random.proof)).toBe(true);
  });

  test("an aggregate is that of exactly its signers", () => {
    const three = aggregate.combine(signatures.slice(0, 3));
    expect(three.length).toBe(96);
    expect(aggregate.verify(keys.slice(0, 3), MESSAGE, three)).toBe(true);
    expect(aggregate.verify(keys, MESSAGE, three)).toBe(false);
    expect(aggregate.verify(keys.slice(0, 2), MESSAGE, three)).toBe(false);
    expect(aggregate.verify(keys.slice(1), MESSAGE, three)).toBe(false);
    expect(aggregate.verify([], MESSAGE, three)).toBe(false);
  });

  test("a key made to cancel another forges an aggregate, and has no proof of possession", () => {
    const rogue = createSigner("bls12381", new Uint8Array(32).fill(9));
    const stolen = bls12_381.G1.Point.fromBytes(rogue.publicKey)
      .subtract(bls12_381.G1.Point.fromBytes(one.publicKey))
      .toBytes(true);
    const forged = rogue.sign(MESSAGE);
    expect(aggregate.verify([one.publicKey, stolen], MESSAGE, forged)).toBe(true);
    for (const proof of [rogue.proof, one.proof, forged, new Uint8Array(0), new Uint8Array(96)]) {
      expect(scheme.checkKey(stolen, proof)).toBe(false);
    }
  });

  test("a proof is of one key and no signature over its bytes", () => {
    expect(scheme.checkKey(one.publicKey, one.proof)).toBe(true);
    expect(scheme.checkKey(one.publicKey, two.proof)).toBe(false);
    expect(scheme.checkKey(one.publicKey, one.sign(one.publicKey))).toBe(false);
    expect(scheme.checkKey(one.publicKey, one.proof.subarray(1))).toBe(false);
  });

  test("keys that cancel each other are no committee", () => {
    const secret = bytesToNumberBE(new Uint8Array(32).fill(5));
    const pair = [secret, ORDER - secret].map((key) =>
      createSigner("bls12381", numberToBytesBE(key, 32)),
    );
    const infinity = Uint8Array.of(0xc0, ...new Uint8Array(95));
    const publicKeys = pair.map(({ publicKey }) => publicKey);
    expect(pair.every(({ publicKey, proof }) => scheme.checkKey(publicKey, proof))).toBe(true);
    expect(aggregate.combine(pair.map((signer) => signer.sign(MESSAGE)))).toEqual(infinity);
    expect(aggregate.verify(publicKeys, MESSAGE, infinity)).toBe(false);
    expect(aggregate.verify(publicKeys, MESSAGE, must(signatures[0], "a signature"))).toBe(false);
  });

  test("infinity, points outside of the group and bytes that are no points are refused", () => {
    const signature = must(signatures[0], "a signature");
    const noKeys = [
      Uint8Array.of(0xc0, ...new Uint8Array(47)),
      new Uint8Array(48),
      new Uint8Array(48).fill(0xff),
      one.publicKey.subarray(1),
      bls12_381.G1.Point.fromBytes(one.publicKey).toBytes(false),
      outsideOfGroup(),
    ];
    for (const key of noKeys) {
      expect(scheme.checkKey(key, one.proof)).toBe(false);
      expect(scheme.verify(key, MESSAGE, signature)).toBe(false);
      expect(aggregate.verify([key], MESSAGE, signature)).toBe(false);
    }
    const infinity = Uint8Array.of(0xc0, ...new Uint8Array(95));
    for (const bad of [
      infinity,
      new Uint8Array(96),
      signature.subarray(1),
      new Uint8Array(96).fill(0xff),
    ]) {
      expect(scheme.verify(one.publicKey, MESSAGE, bad)).toBe(false);
      expect(aggregate.verify([one.publicKey], MESSAGE, bad)).toBe(false);
    }
  });

  /** On the curve, not of the prime order: nearly every x that belongs to a point is such. */
  function outsideOfGroup(): Uint8Array {
    const { Fp } = bls12_381.fields;
    for (let x = 1n; ; x++) {
      const square = Fp.add(Fp.pow(x, 3n), 4n);
      if (!Fp.eql(Fp.pow(square, (Fp.ORDER - 1n) / 2n), Fp.ONE)) continue;
      const point = bls12_381.G1.Point.fromAffine({ x, y: Fp.sqrt(square) });
      if (!point.isTorsionFree()) {
        const bytes = numberToBytesBE(x, 48);
        bytes[0] = (bytes[0] ?? 0) | 0x80;
        return bytes;
      }
    }
  }

  test("noble's own default signs for another suite", () => {
    const point = bls.sign(bls.hash(MESSAGE), new Uint8Array(32).fill(1));
    expect(scheme.verify(one.publicKey, MESSAGE, bls.Signature.toBytes(point))).toBe(false);
  });
});
