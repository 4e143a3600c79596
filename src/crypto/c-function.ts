/** Functions of a WebAssembly binary that was compiled from C. */

import { assert } from "../core/types/assert.ts";

/** Arguments and result are 32-bit integers: sizes, flags, addresses in the binary's memory. */
export type CFunction = (...args: number[]) => number;

/** The export as a function; `value` is what `instance.exports` has under its name. */
export function cFunction(value: unknown): CFunction {
  assert(typeof value === "function", "a pinned binary exports the functions that are used");
  // The type of an export says no more than that it can be called.
  return value as CFunction;
}
