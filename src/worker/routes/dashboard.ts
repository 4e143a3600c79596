/**
 * `GET /`: the dashboard, painted from what `GET /overview` answers, and the files that it needs.
 *
 * The page may run its own script and talk to its own origin, and nothing else: no inline script, no
 * style but the sheet, no other host, no frame around it, no form that is sent anywhere.
 */

import { type Context, Hono } from "hono";
import type { OverviewBody } from "../../core/api/overview.ts";
import { notFound } from "../../core/api/rejection.ts";
import { ASSETS_PREFIX, type Asset, loadAssets } from "../dashboard/assets.ts";
import { firstModel, type Model } from "../dashboard/model.ts";
import { formatPage, type Theme } from "../dashboard/page.ts";
import { refuse, refuseMethod } from "../errors.ts";
import type { Site } from "../site.ts";

/** No other page reads this one: its paths answer without CORS. */
export function isDashboardPath(path: string): boolean {
  return path === "/" || path.startsWith(ASSETS_PREFIX);
}

/** `ask` answers a request as the site does; the page is painted from its own interface. */
export function dashboard(ask: (c: Context<Site>, path: string) => Promise<Response>): Hono<Site> {
  return new Hono<Site>()
    .get("/", async (c) => {
      const [model, { paths }] = await Promise.all([
        modelOf(await ask(c, "/overview")),
        loadAssets(),
      ]);
      const html = formatPage(model, themeOf(c.req.header("cookie") ?? ""), paths);
      return text(c, html, {
        ...{ "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
        ...{ vary: "cookie, accept-encoding", "content-security-policy": policyOf(c.req.url) },
        ...{ "cross-origin-opener-policy": "same-origin", "x-frame-options": "DENY" },
      });
    })
    .get(`${ASSETS_PREFIX}:file`, async (c) => {
      const asset = (await loadAssets()).byPath.get(c.req.path);
      return asset === undefined ? refuse(notFound("not found")) : send(c, asset);
    })
    .on("ALL", ["/", `${ASSETS_PREFIX}:file`], () => refuseMethod("GET, HEAD"));
}

/** Also of an answer that says why there is none. */
async function modelOf(response: Response): Promise<Model> {
  if (response.ok) return firstModel(await response.json<OverviewBody>(), null);
  const { message } = await response.json<{ message: string }>();
  return firstModel(null, message);
}

function themeOf(cookie: string): Theme {
  const chosen = /(?:^|;\s*)baton-theme=(light|dark)(?:;|$)/.exec(cookie)?.[1];
  return chosen === "light" || chosen === "dark" ? chosen : null;
}

/** The socket's origin by name: in older browsers `'self'` is the page's scheme alone. */
function policyOf(url: string): string {
  const { protocol, host } = new URL(url);
  const socket = `${protocol === "https:" ? "wss" : "ws"}://${host}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${socket}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

/** What an address names never changes. */
function send(c: Context<Site>, { body, type, hash }: Asset): Response {
  const etag = `"${hash}"`;
  const headers = {
    ...{ etag, "content-type": type, vary: "accept-encoding" },
    "cache-control": "public, max-age=31536000, immutable",
  };
  const given = c.req.header("if-none-match") ?? "";
  const isKnown = given.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
  return isKnown ? new Response(null, { status: 304, headers }) : text(c, body, headers);
}

/** Compressed by the runtime where the reader takes that. */
function text(c: Context<Site>, body: string, given: Readonly<Record<string, string>>): Response {
  const isZipped = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
  const headers = {
    ...{ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" },
    ...given,
    ...(isZipped ? { "content-encoding": "gzip" } : {}),
  };
  return new Response(body, { headers });
}
