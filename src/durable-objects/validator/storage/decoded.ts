/** Stored bytes as values: they were written by an encoder, so anything else is a damaged database. */

import { assert } from "../../../core/types/assert.ts";
import type { Result } from "../../../core/types/result.ts";

export function decoded<T>(result: Result<T, string>, what: string): T {
  assert(result.ok, `${what} is what was written`);
  return result.value;
}
