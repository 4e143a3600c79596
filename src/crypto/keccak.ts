/**
 * Keccak-256 compiled to WebAssembly: the same hash as core's, faster.
 *
 * Synchronous and without state between calls, so it stands wherever core takes a `Keccak256`.
 * `scripts/build-wasm.ts` pins the binary that this file describes.
 */

import { assert } from "../core/types/assert.ts";
import type { Keccak256 } from "../core/wire/user-op.ts";
import { type CFunction, cFunction } from "./c-function.ts";

/** The binary has one buffer: the host writes input into it and reads the hash from its start. */
const BUFFER_BYTES = 16 * 1024;
const HASH_BITS = 256;
const HASH_BYTES = 32;
/** First byte of Keccak's padding; SHA-3 has 6 here. */
const PADDING = 0x01;

type Hasher = {
  readonly buffer: Uint8Array;
  /** Hashes this many bytes of the buffer at once. */
  readonly calculate: CFunction;
  readonly init: CFunction;
  readonly update: CFunction;
  readonly final: CFunction;
};

/** `module` is the imported `build/wasm/keccak.wasm`; the first call instantiates it. */
export function createKeccak256(module: WebAssembly.Module): Keccak256 {
  let hasher: Hasher | null = null;
  return (bytes) => {
    hasher ??= createHasher(module);
    if (bytes.length <= BUFFER_BYTES) {
      hasher.buffer.set(bytes);
      hasher.calculate(bytes.length, HASH_BITS, PADDING);
    } else {
      hashInPieces(hasher, bytes);
    }
    return hasher.buffer.slice(0, HASH_BYTES);
  };
}

function hashInPieces(hasher: Hasher, bytes: Uint8Array): void {
  hasher.init(HASH_BITS);
  for (let from = 0; from < bytes.length; from += BUFFER_BYTES) {
    const piece = bytes.subarray(from, from + BUFFER_BYTES);
    hasher.buffer.set(piece);
    hasher.update(piece.length);
  }
  hasher.final(PADDING);
}

function createHasher(module: WebAssembly.Module): Hasher {
  const { exports } = new WebAssembly.Instance(module);
  const memory = exports["memory"];
  assert(memory instanceof WebAssembly.Memory, "the pinned binary exports its memory");
  const start = cFunction(exports["Hash_GetBuffer"])();
  return {
    buffer: new Uint8Array(memory.buffer, start, BUFFER_BYTES),
    calculate: cFunction(exports["Hash_Calculate"]),
    init: cFunction(exports["Hash_Init"]),
    update: cFunction(exports["Hash_Update"]),
    final: cFunction(exports["Hash_Final"]),
  };
}
