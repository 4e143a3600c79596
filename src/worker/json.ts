/** JSON answers. Everything here is of the moment, so nothing is cached. */

import type { Rejection } from "../core/api/rejection.ts";
import type { Result } from "../core/types/result.ts";
import { refuse } from "./errors.ts";

const HEADERS = { "content-type": "application/json", "cache-control": "no-store" };

/** `text` is JSON. */
export function jsonText(text: string, status = 200): Response {
  return new Response(text, { status, headers: HEADERS });
}

export function json(value: unknown, status = 200): Response {
  return jsonText(JSON.stringify(value), status);
}

/** The answer of a call to the sequencer: its value, or its refusal. */
export function answer<T>(result: Result<T, Rejection>): Response {
  return result.ok ? json(result.value) : refuse(result.error);
}
