/**
 * Keccak-256 and signature recovery of this isolate, in WebAssembly.
 *
 * Both are instantiated by their first call: a Worker's modules have little time to load.
 */

import keccakModule from "../../build/wasm/keccak.wasm";
import secp256k1Module from "../../build/wasm/secp256k1.wasm";
import type { RecoverAddress } from "../core/wire/signature.ts";
import type { Keccak256 } from "../core/wire/user-op.ts";
import { createKeccak256 } from "../crypto/keccak.ts";
import { createRecoverAddress } from "../crypto/secp256k1.ts";

export const keccak: Keccak256 = createKeccak256(keccakModule);
export const recoverAddress: RecoverAddress = createRecoverAddress(secp256k1Module, keccak);
