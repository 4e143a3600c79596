/** Who may use the operator routes (I8). */

import { notFound, type Rejection, rejection } from "../core/api/rejection.ts";

const BEARER = /^Bearer +(.+)$/i;

/** Null when the request carries `token`; without a token the routes do not exist. */
export function refuseOperator(request: Request, token: string | null): Promise<Rejection | null> {
  return refuseBearer(request, [token], "operator token required");
}

/** As `refuseOperator`, where any of several tokens will do; null stands for one that is not set. */
export async function refuseBearer(
  request: Request,
  tokens: readonly (string | null)[],
  message: string,
): Promise<Rejection | null> {
  const set = tokens.filter((token) => token !== null);
  if (set.length === 0) return notFound("not found");
  const matches = await Promise.all(set.map((token) => isOperator(request, token)));
  return matches.includes(true) ? null : rejection(401, "UNAUTHORIZED", message);
}

/**
 * Whether `Authorization` is `Bearer <token>`. Hashes are compared, in constant time, so that
 * neither the token's bytes nor its length can be found by timing.
 */
export async function isOperator(request: Request, token: string): Promise<boolean> {
  const given = BEARER.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  const [left, right] = await Promise.all([digest(given), digest(token)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
