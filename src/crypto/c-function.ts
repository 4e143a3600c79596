/** Functions of a WebAssembly binary that was compiled from C. */

import { assert } from "../core/types/assert.ts";

/** Arguments and result are 32-bit integers: sizes, flags, addresses in the binary's memory. */
export type CFunction = (...args: number[]) => number;

/** The export as a function; `value` is what `instance.exports` has under its name. */
export function cFunction(value: unknown): CFunction {
  assert(isCFunction(value), "a pinned binary exports the functions that are used");
  return value;
}

/** The binary is pinned, so a function under a known name has the signature known for it. */
function isCFunction(value: unknown): value is CFunction {
  return typeof value === "function";
}
