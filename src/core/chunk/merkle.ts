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

/** Asserts at least one leaf. */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  let level = leafHashes;
  while (level.length > 1) level = levelUp(level);
  const [root] = level;
  assert(root !== undefined, "a tree has at least one leaf");
  return root;
}

/** The siblings from the leaf at `index` up to the root, lowest first. */
export function merklePath(leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  assert(index >= 0 && index < leafHashes.length, "the leaf is in the tree");
  const path: Uint8Array[] = [];
  let level = leafHashes;
  for (let at = index; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) path.push(sibling);
    level = levelUp(level);
  }
  return path;
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
