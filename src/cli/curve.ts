/** Signature recovery for a replay: the Worker's WebAssembly where it was built, else core's own. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type RecoverAddress, recoverAddress } from "../core/wire/signature.ts";
import { createKeccak256 } from "../crypto/keccak.ts";
import { createRecoverAddress } from "../crypto/secp256k1.ts";
import type { Speech } from "./io.ts";

/** Where `npm run build` puts it. */
const BUILT = join(import.meta.dirname, "../../build/wasm");

/** Both give the same verdict on every input; one is ten times faster. */
export function loadCurve(folder: string = BUILT): {
  readonly recover: RecoverAddress;
  readonly isFast: boolean;
} {
  const keccak = join(folder, "keccak.wasm");
  const curve = join(folder, "secp256k1.wasm");
  if (!existsSync(keccak) || !existsSync(curve)) return { recover: recoverAddress, isFast: false };
  const recover = createRecoverAddress(moduleAt(curve), createKeccak256(moduleAt(keccak)));
  return { recover, isFast: true };
}

/** For a command: says so when it is the slow one. */
export function recoverFor(speech: Speech): RecoverAddress {
  const { recover, isFast } = loadCurve();
  if (!isFast) speech.note("signatures are recovered slowly here: npm run build makes it fast");
  return recover;
}

function moduleAt(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(path));
}
