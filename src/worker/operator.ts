/** Who may use the operator routes (I8). */

import { notFound, type Rejection, rejection } from "../core/api/rejection.ts";

const BEARER = /^Bearer +(.+)$/i;

/** Null when the request carries `token`; without a token the routes do not exist. */
export async function refuseOperator(
  request: Request,
  token: string | null,
): Promise<Rejection | null> {
  if (token === null) return notFound("not found");
  if (await isOperator(request, token)) return null;
  return rejection(401, "UNAUTHORIZED", "operator token required");
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
