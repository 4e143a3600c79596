/**
 * Signature recovery by libsecp256k1 compiled to WebAssembly: core's verdict on every input, faster.
 *
 * Which signatures are well formed is asked of core; only the curve arithmetic is done here, through
 * the binary's exported C functions, in buffers taken once from its allocator. High s is recovered as
 * it stands (I2, P§2.1). The calls keep no state between them and nothing here is secret, so the
 * library's blinding is not used. `scripts/build-wasm.ts` pins the binary that this file describes.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { assert, InvariantError } from "../core/types/assert.ts";
import { addressFromBytes } from "../core/types/hex.ts";
import { SIGNATURE_BYTES } from "../core/types/protocol.ts";
import { err, ok } from "../core/types/result.ts";
import {
  type ParsedSignature,
  parseSignature,
  type RecoverAddress,
  recoverAddress,
} from "../core/wire/signature.ts";
import type { Keccak256 } from "../core/wire/user-op.ts";
import { cFunction } from "./c-function.ts";

/** The memory that the binary imports is exactly this large and cannot grow. */
const MEMORY_PAGES = 256;
const MEMORY_BYTES = MEMORY_PAGES * 65_536;
/** Address of the word with the end of the heap, above the binary's static data (to 68 720). */
const HEAP_END_CELL = 96 * 1024;
/** The stack grows upwards from here towards the heap and uses some 6 KiB. */
const STACK_START = 128 * 1024;
const HEAP_START = 1024 * 1024;
/** Slots of the binary's function table. */
const TABLE_SLOTS = 6;

/** Flags of the C header: a context that can verify and recover, and a key of 65 bytes. */
const CONTEXT_VERIFY = 0x101;
const UNCOMPRESSED = 0x2;

const DIGEST_BYTES = 32;
const PUBLIC_KEY_BYTES = 65;
/** Where each argument stands in the scratch buffer; opaque structures take 65 and 64 bytes. */
const SCRATCH = { digest: 0, compact: 32, signature: 96, point: 176, key: 240, keyLength: 312 };
const SCRATCH_BYTES = 320;

type Curve = {
  /** The public key in 65 bytes, valid until the next call; null when no key belongs to the input. */
  readonly recover: (digest: Uint8Array, signature: ParsedSignature) => Uint8Array | null;
};

/**
 * A twin of core's `recoverAddress`: same answer, same error, for every digest and signature.
 *
 * `module` is the imported `build/wasm/secp256k1.wasm`. The first call instantiates it and builds the
 * library's tables, some milliseconds of work that may not happen while a Worker's modules load.
 */
export function createRecoverAddress(
  module: WebAssembly.Module,
  keccak: Keccak256 = keccak_256,
): RecoverAddress {
  let curve: Curve | null = null;
  return (digest, signature) => {
    // The C function reads 32 bytes whatever it is given.
    if (digest.length !== DIGEST_BYTES) return recoverAddress(digest, signature);
    if (signature.length !== SIGNATURE_BYTES) return err("length");
    const parsed = parseSignature(signature);
    if (!parsed.ok) return parsed;
    curve ??= createCurve(module);
    const publicKey = curve.recover(digest, parsed.value);
    if (publicKey === null) return err("recover");
    return ok(addressFromBytes(keccak(publicKey.subarray(1)).subarray(12)));
  };
}

function createCurve(module: WebAssembly.Module): Curve {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
  new DataView(memory.buffer).setUint32(HEAP_END_CELL, HEAP_START, true);
  const { exports } = new WebAssembly.Instance(module, { env: environment(memory) });
  const parseCompact = cFunction(exports["_secp256k1_ecdsa_recoverable_signature_parse_compact"]);
  const recoverKey = cFunction(exports["_secp256k1_ecdsa_recover"]);
  const serializeKey = cFunction(exports["_secp256k1_ec_pubkey_serialize"]);

  const context = cFunction(exports["_secp256k1_context_create"])(CONTEXT_VERIFY);
  const base = cFunction(exports["_malloc"])(SCRATCH_BYTES);
  assert(context > 0 && base > 0, "the library's tables and the scratch buffer fit in memory");
  const scratch = new Uint8Array(memory.buffer, base, SCRATCH_BYTES);
  const keyLength = new DataView(memory.buffer, base + SCRATCH.keyLength, 4);
  const key = scratch.subarray(SCRATCH.key, SCRATCH.key + PUBLIC_KEY_BYTES);
  const at = (place: keyof typeof SCRATCH): number => base + SCRATCH[place];

  return {
    recover: (digest, { compact, recovery }) => {
      scratch.set(digest, SCRATCH.digest);
      scratch.set(compact, SCRATCH.compact);
      const parsed = parseCompact(context, at("signature"), at("compact"), recovery);
      assert(parsed === 1, "core and the library agree on which scalars are in range");
      if (recoverKey(context, at("point"), at("signature"), at("digest")) !== 1) return null;
      keyLength.setUint32(0, PUBLIC_KEY_BYTES, true);
      serializeKey(context, at("key"), at("keyLength"), at("point"), UNCOMPRESSED);
      assert(keyLength.getUint32(0, true) === PUBLIC_KEY_BYTES, "the key is written in full");
      return key;
    },
  };
}

/** What the binary asks of its host: places in memory, and functions for failures that are bugs here. */
function environment(memory: WebAssembly.Memory): WebAssembly.ModuleImports {
  return {
    memory,
    table: new WebAssembly.Table({
      element: "anyfunc",
      initial: TABLE_SLOTS,
      maximum: TABLE_SLOTS,
    }),
    tableBase: 0,
    DYNAMICTOP_PTR: HEAP_END_CELL,
    STACKTOP: STACK_START,
    getTotalMemory: () => MEMORY_BYTES,
    _emscripten_memcpy_big: refuse,
    ___setErrNo: refuse,
    enlargeMemory: refuse,
    abortOnCannotGrowMemory: refuse,
    abort: refuse,
    _abort: refuse,
  };
}

function refuse(): never {
  throw new InvariantError("libsecp256k1 is called within its contract");
}
