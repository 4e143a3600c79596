/** The tree of RFC 6962: pinned roots, the recursive definition, and paths that must not verify. */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import {
  leafHash,
  type MerkleProof,
  merklePath,
  merkleRoot,
  verifyPath,
} from "../../src/core/chunk/merkle.ts";
import { InvariantError } from "../../src/core/types/assert.ts";
import { fromHex, toHex } from "../../src/core/types/hex.ts";
import { size } from "../support/size.ts";
import vectors from "../vectors/chunk.json" with { type: "json" };

const pinnedHashes = vectors.events.map((event) => fromHex(event.leafHash));
const leaves = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => leafHash(utf8ToBytes(`leaf ${i}`)));

/** RFC 6962, section 2.1, as it is written. */
function definedRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  const k = split(hashes.length);
  const node = [...definedRoot(hashes.slice(0, k)), ...definedRoot(hashes.slice(k))];
  return sha256(Uint8Array.of(1, ...node));
}

/** RFC 6962, section 2.1.1, as it is written. */
function definedPath(hashes: readonly Uint8Array[], index: number): Uint8Array[] {
  if (hashes.length <= 1) return [];
  const k = split(hashes.length);
  const [left, right] = [hashes.slice(0, k), hashes.slice(k)];
  if (index < k) return [...definedPath(left, index), definedRoot(right)];
  return [...definedPath(right, index - k), definedRoot(left)];
}

/** The largest power of two below `count`. */
function split(count: number): number {
  let k = 1;
  while (2 * k < count) k *= 2;
  return k;
}

const text = (hashes: readonly Uint8Array[]): string[] => hashes.map(toHex);

describe("[C1] the tree", () => {
  test.each(vectors.events)("leaf of the pinned $event.kind", (event) => {
    expect(toHex(leafHash(fromHex(event.leaf)))).toBe(event.leafHash);
  });

  test.each(vectors.roots)("root of $leaves pinned leaves", ({ leaves: count, root }) => {
    expect(toHex(merkleRoot(pinnedHashes.slice(0, count)))).toBe(root);
  });

  test("the empty leaf, and the eight leaves of the RFC's reference implementation", () => {
    const inputs = [
      "",
      "00",
      "10",
      "2021",
      "3031",
      "40414243",
      "5051525354555657",
      "606162636465666768696a6b6c6d6e6f",
    ];
    const hashes = inputs.map((input) => leafHash(fromHex(`0x${input}`)));
    expect(text(hashes)[0]).toBe(
      "0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    );
    expect(toHex(merkleRoot(hashes))).toBe(
      "0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    );
  });

  test("roots and paths of every size are those of the recursive definition", () => {
    for (let count = 1; count <= size(40, 300); count++) {
      const hashes = leaves(count);
      expect(toHex(merkleRoot(hashes))).toBe(toHex(definedRoot(hashes)));
      for (let index = 0; index < count; index++) {
        expect(text(merklePath(hashes, index))).toEqual(text(definedPath(hashes, index)));
      }
    }
  });

  test("a tree has a leaf, and a path starts at one", () => {
    expect(() => merkleRoot([])).toThrow(InvariantError);
    expect(() => merklePath([], 0)).toThrow(InvariantError);
    expect(() => merklePath(leaves(3), 3)).toThrow(InvariantError);
    expect(() => merklePath(leaves(3), -1)).toThrow(InvariantError);
    expect(merklePath(leaves(3), 2)).toHaveLength(1);
  });
});

function proofs(count: number): MerkleProof[] {
  const hashes = leaves(count);
  const root = merkleRoot(hashes);
  return hashes.map((hash, index) => ({
    leafHash: hash,
    index,
    count,
    path: merklePath(hashes, index),
    root,
  }));
}

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed[31] = (changed[31] ?? 0) ^ 1;
  return changed;
}

describe("[C2] paths", () => {
  test("of the pinned op", () => {
    const { index, of: count, path } = vectors.opPath;
    expect(text(merklePath(pinnedHashes, index))).toEqual(path);
    const proof: MerkleProof = {
      leafHash: pinnedHashes[index] ?? new Uint8Array(),
      index,
      count,
      path: path.map(fromHex),
      root: fromHex(vectors.header.root),
    };
    expect(verifyPath(proof)).toBe(true);
    expect(verifyPath({ ...proof, index: index + 1 })).toBe(false);
  });

  test("every leaf of every size verifies, at its own index and at no other", () => {
    for (let count = 1; count <= size(33, 130); count++) {
      for (const proof of proofs(count)) {
        for (let index = 0; index < count; index++) {
          const isOwn = index === proof.index;
          if (verifyPath({ ...proof, index }) !== isOwn) {
            expect.fail(`leaf ${proof.index} of ${count} as ${index}`);
          }
        }
      }
    }
  });

  test("another leaf, root, sibling, or length of path does not verify", () => {
    for (let count = 1; count <= 20; count++) {
      for (const proof of proofs(count)) {
        const { path } = proof;
        expect(verifyPath(proof)).toBe(true);
        expect(verifyPath({ ...proof, leafHash: flipped(proof.leafHash) })).toBe(false);
        expect(verifyPath({ ...proof, root: flipped(proof.root) })).toBe(false);
        expect(verifyPath({ ...proof, path: [...path, proof.root] })).toBe(false);
        for (let i = 0; i < path.length; i++) {
          const changed = path.map((hash, at) => (at === i ? flipped(hash) : hash));
          expect(verifyPath({ ...proof, path: changed })).toBe(false);
          expect(verifyPath({ ...proof, path: path.toSpliced(i, 1) })).toBe(false);
        }
      }
    }
  });

  test("an inner node is not a leaf", () => {
    const hashes = leaves(4);
    const inner = merkleRoot(hashes.slice(0, 2));
    const path = [merkleRoot(hashes.slice(2))];
    const root = merkleRoot(hashes);
    // In a tree of two leaves this would be the path; the leaf prefix forbids it from the other side.
    expect(verifyPath({ leafHash: inner, index: 0, count: 4, path, root })).toBe(false);
    const [first, second] = hashes;
    const joined = Uint8Array.of(...(first ?? []), ...(second ?? []));
    expect(toHex(leafHash(joined))).not.toBe(toHex(inner));
  });

  test("a hostile proof is refused, never an exception", () => {
    const [proof] = proofs(5);
    if (proof === undefined) return expect.fail("a tree of five has a first leaf");
    const [only] = proofs(1);
    if (only === undefined) return expect.fail("a tree of one has a first leaf");
    for (const index of [-1, 5, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyPath({ ...proof, index })).toBe(false);
      expect(verifyPath({ ...only, index })).toBe(false);
    }
    for (const count of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyPath({ ...proof, count })).toBe(false);
      expect(verifyPath({ ...only, count })).toBe(false);
    }
    for (const length of [0, 31, 33, 64]) {
      const odd = new Uint8Array(length);
      expect(verifyPath({ ...proof, leafHash: odd })).toBe(false);
      expect(verifyPath({ ...proof, root: odd })).toBe(false);
      expect(verifyPath({ ...proof, path: proof.path.toSpliced(0, 1, odd) })).toBe(false);
    }
  });

  test("a short hash that zeros would complete is refused", () => {
    const left = leafHash(utf8ToBytes("left"));
    const right = new Uint8Array(32);
    right.set(left.subarray(0, 31));
    const root = merkleRoot([left, right]);
    const proof = { leafHash: left, index: 0, count: 2, path: [right], root };
    expect(verifyPath(proof)).toBe(true);
    expect(verifyPath({ ...proof, path: [right.subarray(0, 31)] })).toBe(false);
  });

  test("a count of 2^32 - 1 takes 32 siblings, at once", () => {
    const path = Array.from({ length: 32 }, () => new Uint8Array(32));
    const leaf = leafHash(new Uint8Array());
    let root = leaf;
    for (const sibling of path) root = sha256(Uint8Array.of(1, ...root, ...sibling));
    const proof = { leafHash: leaf, index: 0, count: 2 ** 32 - 1, path, root };
    expect(verifyPath(proof)).toBe(true);
    expect(verifyPath({ ...proof, path: path.slice(1) })).toBe(false);
  });
});
