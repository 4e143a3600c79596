/**
 * A rejection as the parts of an HTTP answer, the same for the Worker and for what an object answers
 * itself: `{ok:false, code, message}` (I6), `Retry-After` (I5), `WWW-Authenticate` (I8) and
 * `X-History-Error` (F5).
 */

import type { Rejection } from "./rejection.ts";

export type Refusal = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
};

/** No refusal is cacheable: a 404 or a 409 of now may be a 200 of later. */
export function refusal(rejection: Rejection): Refusal {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "cache-control": "no-store",
  };
  if (rejection.retryAfterS !== null) headers["retry-after"] = String(rejection.retryAfterS);
  if (rejection.status === 401) headers["www-authenticate"] = "Bearer";
  if (rejection.status === 409) headers["x-history-error"] = rejection.code;
  const { code, message } = rejection;
  return { status: rejection.status, headers, body: JSON.stringify({ ok: false, code, message }) };
}
