/**
 * CORS of the public routes, as the N-version has it: any origin, any header, GET and POST (I6).
 *
 * Operator routes have none: their token belongs in no web page but the deployment's own.
 */

import type { MiddlewareHandler } from "hono";

/** On every answer of a public route. */
export const ALLOW_ORIGIN = { name: "access-control-allow-origin", value: "*" } as const;

/** Answers preflights of every path that `isPrivate` does not claim, and marks their answers. */
export function publicCors(isPrivate: (path: string) => boolean): MiddlewareHandler {
  return async (c, next) => {
    if (isPrivate(c.req.path)) return next();
    if (c.req.method === "OPTIONS") return preflight();
    await next();
    // A 101 carries a socket, which a copy with other headers would lose.
    if (c.res.status !== 101) c.header(ALLOW_ORIGIN.name, ALLOW_ORIGIN.value);
  };
}

function preflight(): Response {
  return new Response(null, {
    headers: {
      [ALLOW_ORIGIN.name]: ALLOW_ORIGIN.value,
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": "*",
      "access-control-max-age": "3600",
    },
  });
}
