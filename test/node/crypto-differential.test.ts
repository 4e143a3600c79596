/** The WebAssembly twins of core's cryptography give core's answer on every input (I2, P§2.1). */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { buildWasm } from "../../scripts/build-wasm.ts";
import { fromHex } from "../../src/core/types/hex.ts";
import {
  addressOfPublicKey,
  type RecoverAddress,
  recoverAddress as reference,
} from "../../src/core/wire/signature.ts";
import type { Keccak256 } from "../../src/core/wire/user-op.ts";
import { createKeccak256 } from "../../src/crypto/keccak.ts";
import { createRecoverAddress } from "../../src/crypto/secp256k1.ts";
import { size } from "../support/size.ts";

const ORDER = secp256k1.Point.CURVE().n;
const FIELD = secp256k1.Point.CURVE().p;
const DIGEST = keccak_256(Uint8Array.of(1));
const KEY = word(7n);
const SIGNER = addressOfPublicKey(secp256k1.getPublicKey(KEY, false));

/** A hundred thousand recoveries by the reference alone take a minute. */
const LONG_MS = 600_000;

let recover: RecoverAddress;
let keccak: Keccak256;

beforeAll(() => {
  buildWasm();
  keccak = createKeccak256(load("keccak.wasm"));
  recover = createRecoverAddress(load("secp256k1.wasm"), keccak);
});

function load(name: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(`build/wasm/${name}`));
}

/** 32 bytes, big-endian. */
function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, "0")}`);
}

function joined(r: bigint, s: bigint, v: number): Uint8Array {
  return concatBytes(word(r), word(s), Uint8Array.of(v));
}

/** `v` is 27 or 28; noble's own s is low. */
function sign(digest: Uint8Array, key: Uint8Array): { r: bigint; s: bigint; v: number } {
  const bytes = secp256k1.sign(digest, key, { prehash: false, format: "recovered" });
  const { r, s, recovery } = secp256k1.Signature.fromBytes(bytes, "recovered");
  return { r, s, v: 27 + (recovery ?? 0) };
}

/** The verdict of both, once they agree on it. */
function verdict(digest: Uint8Array, signature: Uint8Array): string {
  const answer = recover(digest, signature);
  expect(answer).toEqual(reference(digest, signature));
  return answer.ok ? answer.value : answer.error;
}

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Now and then out of range, which random bytes are not in a lifetime. */
const anyScalar = fc.oneof(
  { weight: 20, arbitrary: bytes32 },
  { weight: 1, arbitrary: fc.constantFrom(0n, ORDER, 2n ** 256n - 1n).map(word) },
);
const signingKey = bytes32.filter((key) => secp256k1.utils.isValidSecretKey(key));

describe("recovery", () => {
  test(
    "[I2] random signatures, low s and high s, recover to their signer",
    () => {
      fc.assert(
        fc.property(signingKey, bytes32, (key, digest) => {
          const signer = addressOfPublicKey(secp256k1.getPublicKey(key, false));
          const { r, s, v } = sign(digest, key);
          expect(s).toBeLessThanOrEqual(ORDER / 2n);
          expect(recover(digest, joined(r, s, v))).toEqual({ ok: true, value: signer });
          expect(recover(digest, joined(r, ORDER - s, 55 - v))).toEqual({
            ok: true,
            value: signer,
          });
        }),
        { numRuns: size(1_000, 100_000) },
      );
    },
    LONG_MS,
  );

  test(
    "[I2] random r, s and v: every verdict, equal to the reference's",
    () => {
      const seen = new Set<string>();
      fc.assert(
        fc.property(bytes32, anyScalar, anyScalar, fc.nat(255), (digest, r, s, v) => {
          const answer = verdict(digest, concatBytes(r, s, Uint8Array.of(v)));
          seen.add(answer.startsWith("0x") ? "address" : answer);
        }),
        { numRuns: size(1_000, 100_000) },
      );
      expect(seen).toEqual(new Set(["address", "parity", "recover", "signature"]));
    },
    LONG_MS,
  );

  test("[I2] every v from 0 to 255", () => {
    const { r, s, v } = sign(DIGEST, KEY);
    const other = verdict(DIGEST, joined(r, s, 55 - v));
    expect(other).not.toBe(SIGNER);
    for (let byte = 0; byte <= 255; byte++) {
      const even = byte < 35 ? byte === 0 || byte === 27 : byte % 2 === 1;
      const odd = byte < 35 ? byte === 1 || byte === 28 : byte % 2 === 0;
      const known = even === (v === 27) ? SIGNER : other;
      expect(verdict(DIGEST, joined(r, s, byte)), `v ${byte}`).toBe(even || odd ? known : "parity");
    }
  });

  test("[I2] r and s at both sides of their bounds", () => {
    const { r, s } = sign(DIGEST, KEY);
    const edges = [0n, 1n, 2n, ORDER - 1n, ORDER, ORDER + 1n, FIELD, 2n ** 256n - 1n];
    for (const edge of edges) {
      const inRange = edge > 0n && edge < ORDER;
      for (const v of [27, 28]) {
        expect(verdict(DIGEST, joined(edge, s, v)) === "signature").toBe(!inRange);
        expect(verdict(DIGEST, joined(r, edge, v)) === "signature").toBe(!inRange);
        for (const second of edges) verdict(DIGEST, joined(edge, second, v));
      }
    }
  });

  test("[I2] an r that is no point's x is refused with either parity", () => {
    // x = 5 lies on no point of this curve; 1, 2, 3, 4 and 6 do.
    for (const v of [0, 1, 27, 28]) {
      expect(verdict(DIGEST, joined(5n, 1n, v))).toBe("recover");
      expect(verdict(DIGEST, joined(6n, 1n, v))).toMatch(/^0x/);
    }
  });

  test("[I2] a signature whose key is the point at infinity is refused", () => {
    // With R = G the key is (s G - digest G) / r, so s = digest cancels it for one of the parities.
    const generatorX = secp256k1.Point.BASE.x;
    const scalar = BigInt(`0x${"12".repeat(32)}`);
    const answers = [27, 28].map((v) => verdict(word(scalar), joined(generatorX, scalar, v)));
    expect(answers.filter((answer) => answer === "recover")).toHaveLength(1);
  });

  test("[I2] digests beyond the order, and the wrong digest", () => {
    const { r, s, v } = sign(DIGEST, KEY);
    const signature = joined(r, s, v);
    for (const value of [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n]) {
      const answer = verdict(word(value), signature);
      expect(answer).toMatch(/^0x/);
      expect(answer).not.toBe(SIGNER);
    }
    expect(verdict(word(ORDER + 1n), signature)).toBe(verdict(word(1n), signature));
  });

  test("[I2] signatures of every other length, and digests that are not 32 bytes", () => {
    const { r, s, v } = sign(DIGEST, KEY);
    const signature = joined(r, s, v);
    for (const length of [0, 1, 64, 66, 130]) {
      const other = new Uint8Array(length);
      other.set(signature.subarray(0, length));
      expect(verdict(DIGEST, other)).toBe("length");
    }
    for (const length of [0, 31, 33, 64]) verdict(new Uint8Array(length).fill(9), signature);
    expect(verdict(DIGEST, signature)).toBe(SIGNER);
  });

  test("[I2] a refusal leaves nothing behind for the next call", () => {
    const { r, s, v } = sign(DIGEST, KEY);
    for (const refused of [joined(5n, 1n, 27), joined(0n, s, v), joined(r, s, 2)]) {
      expect(recover(DIGEST, refused).ok).toBe(false);
      expect(recover(DIGEST, joined(r, s, v))).toEqual({ ok: true, value: SIGNER });
    }
  });

  test("[I2] the arguments stay as they were, also when they are views into a larger buffer", () => {
    const { r, s, v } = sign(DIGEST, KEY);
    const body = concatBytes(Uint8Array.of(1, 2, 3), DIGEST, joined(r, s, v), Uint8Array.of(4));
    const before = body.slice();
    expect(verdict(body.subarray(3, 35), body.subarray(35, 100))).toBe(SIGNER);
    expect(body).toEqual(before);
  });
});

describe("keccak", () => {
  test("[I2] lengths around the block of 136 and the buffer of 16 384", () => {
    const ends = [0, 136, 272, 16_384, 32_768, 65_216];
    const lengths = ends.flatMap((end) => [end - 1, end, end + 1]).filter((length) => length >= 0);
    for (const length of lengths) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
      expect(keccak(bytes), `${length} bytes`).toEqual(keccak_256(bytes));
    }
  });

  test("[I2] random bytes, one after the other through one instance", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_000 }), (bytes) => {
        expect(keccak(bytes)).toEqual(keccak_256(bytes));
      }),
      { numRuns: size(1_000, 50_000) },
    );
  });

  test("[I2] a hash is its owner's: the next one does not overwrite it", () => {
    const first = keccak(Uint8Array.of(1));
    keccak(Uint8Array.of(2));
    expect(first).toEqual(keccak_256(Uint8Array.of(1)));
    expect(first.buffer.byteLength).toBe(32);
  });
});

describe("the build of the binaries", () => {
  test("writes both, keeps what is right, repairs what is not, leaves no other file", () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-wasm-"));
    try {
      buildWasm(folder);
      const path = join(folder, "secp256k1.wasm");
      const { ino } = statSync(path);
      buildWasm(folder);
      expect(statSync(path).ino).toBe(ino);
      const right = readFileSync(path);
      writeFileSync(path, right.subarray(0, 1_000));
      buildWasm(folder);
      expect(readFileSync(path)).toEqual(right);
      expect(readdirSync(folder).toSorted()).toEqual(["keccak.wasm", "secp256k1.wasm"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
