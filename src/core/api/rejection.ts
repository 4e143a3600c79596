/**
 * Every refusal that a client can see: status, stable code and exact text (P§4.1, decisions I1-I8).
 *
 * A rejection is plain data, so that it crosses an object boundary unchanged. Codes are added, never
 * repurposed. No text carries a request's bytes, an internal error or a secret.
 */

import type { InvalidReason } from "../application/application.ts";
import { unreachable } from "../types/assert.ts";

export type ErrorCode =
  | "AHEAD_OF_HEAD"
  | "BAD_REQUEST"
  | "ERA_CHANGED"
  | "EXECUTION_REJECTED"
  | "HISTORY_EXISTS"
  | "HISTORY_UNAVAILABLE"
  | "INTERNAL_ERROR"
  | "INVALID_SIGNATURE"
  | "METHOD_NOT_ALLOWED"
  | "MISCONFIGURED"
  | "NOT_FOUND"
  | "OVERLOADED"
  | "PAYLOAD_TOO_LARGE"
  | "UNAUTHORIZED"
  | "UNAVAILABLE"
  | "UPLOAD_OUT_OF_ORDER"
  | "UPLOAD_REFUSED"
  | "UPLOAD_UNKNOWN";

/** `retryAfterS` becomes the `Retry-After` header. */
export type Rejection = {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterS: number | null;
};

/** What a sequencer is doing (I5). Only `serving` takes ops. */
export type Mode =
  | "starting"
  | "serving"
  | "recovering"
  | "refused"
  | "fenced"
  | "draining"
  /** Under a committee: another candidate leads (C6). */
  | "following";

export function rejection(status: number, code: ErrorCode, message: string): Rejection {
  return { status, code, message, retryAfterS: null };
}

export const badRequest = (message: string): Rejection => rejection(400, "BAD_REQUEST", message);

export const invalidSignature = (message: string): Rejection =>
  rejection(400, "INVALID_SIGNATURE", message);

export const notFound = (message: string): Rejection => rejection(404, "NOT_FOUND", message);

export const payloadTooLarge: Rejection = rejection(
  413,
  "PAYLOAD_TOO_LARGE",
  "request body too large",
);

export const queueFull: Rejection = {
  ...rejection(429, "OVERLOADED", "queue full"),
  retryAfterS: 1,
};

/** C6: too much waits for certificates. */
export const uncertified: Rejection = {
  ...rejection(503, "UNAVAILABLE", "waiting for certificates"),
  retryAfterS: 1,
};

export const subscriberLimit: Rejection = {
  ...rejection(429, "OVERLOADED", "ws subscriber limit reached"),
  retryAfterS: 5,
};

export const applicationError: Rejection = rejection(
  500,
  "INTERNAL_ERROR",
  "application internal error",
);

export const storageError: Rejection = rejection(500, "INTERNAL_ERROR", "internal storage error");

export const internalError: Rejection = rejection(500, "INTERNAL_ERROR", "internal error");

/** F5: a cursor that cannot be resumed here. */
export function historyRefusal(
  reason: "ahead-of-head" | "history-unavailable" | "era-changed",
): Rejection {
  switch (reason) {
    case "ahead-of-head":
      return rejection(409, "AHEAD_OF_HEAD", "from_offset is beyond the head of the feed");
    case "history-unavailable":
      return rejection(409, "HISTORY_UNAVAILABLE", "from_offset is below available_from");
    case "era-changed":
      return rejection(409, "ERA_CHANGED", "the feed belongs to another era");
    default:
      return unreachable(reason);
  }
}

/** I5: not serving. */
export function unavailable(mode: Mode): Rejection {
  return {
    ...rejection(503, "UNAVAILABLE", `sequencer ${mode}`),
    retryAfterS: RETRY_AFTER_S[mode],
  };
}

/** Seconds after which a client may find another mode. */
const RETRY_AFTER_S: Record<Mode, number> = {
  starting: 2,
  serving: 1,
  recovering: 30,
  refused: 30,
  fenced: 5,
  draining: 5,
  following: 1,
};

/** Rows 18-20 of P§4.1, wording of the N-version. */
export function executionRejected(invalid: InvalidReason): Rejection {
  return rejection(422, "EXECUTION_REJECTED", invalidReasonText(invalid));
}

function invalidReasonText(invalid: InvalidReason): string {
  switch (invalid.reason) {
    case "max-fee-too-low":
      return `max fee ${invalid.maxFee} below base fee ${invalid.baseFee}`;
    case "invalid-nonce":
      return `bad nonce: expected ${invalid.expected}, got ${invalid.got}`;
    case "insufficient-balance":
      return `insufficient balance for fee: required ${invalid.required}, available ${invalid.available}`;
    case "nonce-exhausted":
      return "nonce exhausted";
    default:
      return unreachable(invalid);
  }
}
