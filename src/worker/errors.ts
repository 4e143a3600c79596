/**
 * Refusals as responses, and what a failed call to the sequencer object means to a client.
 *
 * No text of an error reaches a client: it may hold storage or provider detail.
 */

import { refusal } from "../core/api/refusal.ts";
import {
  internalError,
  queueFull,
  type Rejection,
  rejection,
  unavailable,
} from "../core/api/rejection.ts";
import { errorName, log } from "../durable-objects/shared/log.ts";

export function refuse(rejected: Rejection): Response {
  const { status, headers, body } = refusal(rejected);
  return new Response(body, { status, headers });
}

/** 405 with the methods that the path does take, such as `GET, HEAD`. */
export function refuseMethod(allow: string): Response {
  const response = refuse(rejection(405, "METHOD_NOT_ALLOWED", "method not allowed"));
  response.headers.set("allow", allow);
  return response;
}

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
