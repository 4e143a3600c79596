/** Refusals as responses. No text of an error reaches a client: it may hold storage or provider detail. */

import { refusal } from "../core/api/refusal.ts";
import { type Rejection, rejection } from "../core/api/rejection.ts";

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
