/**
 * A rejection as the parts of an HTTP answer, the same for the Worker and for what an object answers
 * itself: `{ok:false, code, message}` (I6), `Retry-After` (I5), `WWW-Authenticate` (I8) and
 * `X-History-Error` (F5).
 */

import type { ErrorCode, Rejection } from "./rejection.ts";

export type Refusal = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
};

/** F5: a cursor that cannot be resumed here. */
const HISTORY_ERRORS: readonly ErrorCode[] = [
  "AHEAD_OF_HEAD",
  "ERA_CHANGED",
  "HISTORY_UNAVAILABLE",
];

/** No refusal is cacheable: a 404 or a 409 of now may be a 200 of later. */
export function refusal(rejection: Rejection): Refusal {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "cache-control": "no-store",
  };
  if (rejection.retryAfterS !== null) headers["retry-after"] = String(rejection.retryAfterS);
  if (rejection.status === 401) headers["www-authenticate"] = "Bearer";
  if (HISTORY_ERRORS.includes(rejection.code)) headers["x-history-error"] = rejection.code;
  const { code, message } = rejection;
  return { status: rejection.status, headers, body: JSON.stringify({ ok: false, code, message }) };
}
