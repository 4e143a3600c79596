/** The payload of these tests: a numbered, linked block of text. */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { PayloadType } from "../../src/consensus/payload.ts";
import { type Hash32, hashFromBytes } from "../../src/core/types/hex.ts";

export type Block = {
  readonly height: number;
  readonly parent: Hash32 | null;
  readonly text: string;
};

export const blockType: PayloadType<Block> = {
  digest: (block) => hashFromBytes(sha256(encode(block))),
  height: ({ height }) => height,
  parent: ({ parent }) => parent,
  encode,
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
};

function encode({ height, parent, text }: Block): Uint8Array {
  return utf8ToBytes(JSON.stringify({ height, parent, text }));
}

/** The block after `before`, or the first. */
export function blockAfter(before: Block | null, text: string): Block {
  if (before === null) return { height: 0, parent: null, text };
  return { height: before.height + 1, parent: blockType.digest(before), text };
}
