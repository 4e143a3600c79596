/** `GET /ws/subscribe` (F1, F5) and `GET /feed` (F7), from a relay (X3) or the sequencer object. */

import { Hono } from "hono";
import { parseFeedQuery, parseSubscribeQuery } from "../../core/api/query.ts";
import { badRequest } from "../../core/api/rejection.ts";
import { formatFeedPage } from "../../core/api/responses.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { jsonText } from "../json.ts";
import { feedOf } from "../relays.ts";
import type { Site } from "../site.ts";

export const feed = new Hono<Site>()
  .get("/ws/subscribe", (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return refuse(badRequest("expected a WebSocket upgrade"));
    }
    const query = parseSubscribeQuery((name) => c.req.query(name) ?? null);
    return query.ok ? feedOf(c).fetch(c.req.raw) : refuse(query.error);
  })
  .get("/feed", async (c) => {
    const query = parseFeedQuery((name) => c.req.query(name) ?? null);
    if (!query.ok) return refuse(query.error);
    const page = await feedOf(c).feedPage(query.value);
    return page.ok ? jsonText(formatFeedPage(page.value)) : refuse(page.error);
  })
  .all("/ws/subscribe", () => refuseMethod("GET"))
  .all("/feed", () => refuseMethod("GET, HEAD"));
