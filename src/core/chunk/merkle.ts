/** The Merkle tree of a chunk: SHA-256 with the leaf and node prefixes of RFC 6962 (C1). */

import { sha256 } from "@noble/hashes/sha2.js";
import { assert } from "../types/assert.ts";
import { bytesEqual } from "../types/bytes.ts";

const HASH_BYTES = 32;

/** 32 bytes. The prefix keeps a leaf from being taken for a node. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(1 + leaf.length);
  prefixed.set(leaf, 1);
  return sha256(prefixed);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const node = new Uint8Array(65);
  node[0] = 1;
  node.set(left, 1);
  node.set(right, 33);
  return sha256(node);
}

/** One level up: neighbours are joined, and an odd last one rises as it is. */
function levelUp(level: readonly Uint8Array[]): Uint8Array[] {
  const up: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i];
    const right = level[i + 1];
    assert(left !== undefined, "a level has no holes");
    up.push(right === undefined ? left : nodeHash(left, right));
  }
  return up;
}

/** A whole tree, from the leaf hashes up to the root alone: many paths for the price of one root. */
export type MerkleTree = { readonly levels: readonly (readonly Uint8Array[])[] };

/** Asserts at least one leaf. */
export function merkleTree(leafHashes: readonly Uint8Array[]): MerkleTree {
  assert(leafHashes.length > 0, "a tree has at least one leaf");
  const levels = [leafHashes];
  for (let level = leafHashes; level.length > 1; levels.push(level)) level = levelUp(level);
  return { levels };
}

export function rootOf({ levels }: MerkleTree): Uint8Array {
  const root = levels.at(-1)?.[0];
  assert(root !== undefined, "a tree has a root");
  return root;
}

/** The siblings from the leaf at `index` up to the root, lowest first. */
export function pathIn({ levels }: MerkleTree, index: number): Uint8Array[] {
  assert(index >= 0 && index < (levels[0]?.length ?? 0), "the leaf is in the tree");
  return levels.slice(0, -1).flatMap((level, height) => level[(index >> height) ^ 1] ?? []);
}

/** Asserts at least one leaf. */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  return rootOf(merkleTree(leafHashes));
}

/** As `pathIn`, of a tree that is needed once. */
export function merklePath(leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  return pathIn(merkleTree(leafHashes), index);
}

export type MerkleProof = {
  readonly leafHash: Uint8Array;
  readonly index: number;
  /** Leaves of the tree; the header states it. */
  readonly count: number;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
};

/**
 * Whether `path` leads from the leaf to the root and has exactly the length that it must have. Total:
 * a proof comes from a stranger, so nothing about it is asserted.
 */
export function verifyPath(proof: MerkleProof): boolean {
  const { index, count, path, root } = proof;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count)) return false;
  if (index < 0 || index >= count) return false;
  // A node has no room for a longer hash, and would fill up a shorter one with zeros.
  if (![proof.leafHash, ...path].every((one) => one.length === HASH_BYTES)) return false;
  let hash = proof.leafHash;
  let used = 0;
  for (
    let at = index, width = count;
    width > 1;
    at = Math.floor(at / 2), width = Math.ceil(width / 2)
  ) {
    const isAlone = at === width - 1 && at % 2 === 0;
    if (isAlone) continue;
    const sibling = path[used++];
    if (sibling === undefined) return false;
    hash = at % 2 === 1 ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  return used === path.length && bytesEqual(hash, root);
}
