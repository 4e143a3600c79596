/** What a call to an object that failed means to whoever waits for its answer. */

import { internalError, queueFull, type Rejection, unavailable } from "../../core/api/rejection.ts";
import { errorName, log } from "./log.ts";

/**
 * What a thrown error means. The platform marks its own: `overloaded` when too many calls wait for
 * the object, `retryable` or `durableObjectReset` when it restarted or could not be reached. Neither
 * says whether an op in flight was included; submitting it again is safe (I4). Any other error is a
 * bug, logged by name.
 */
export function rejectionOf(error: unknown): Rejection {
  if (isMarked(error, "overloaded")) return queueFull;
  if (isMarked(error, "retryable") || isMarked(error, "durableObjectReset")) {
    return unavailable("starting");
  }
  log("error", "request-failed", { error: errorName(error) });
  return internalError;
}

function isMarked(error: unknown, mark: string): boolean {
  return error instanceof Error && Reflect.get(error, mark) === true;
}
