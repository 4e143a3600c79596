/** `GET /livez`, `/readyz`, `/healthz` (I7, P§5.5). */

import { Hono } from "hono";
import { queueFull, unavailable } from "../../core/api/rejection.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { json } from "../json.ts";
import type { Site } from "../site.ts";

/** The Worker runs. Answers without configuration and without the object. */
export const liveness = new Hono<Site>()
  .get("/livez", () => new Response(null))
  .all("/livez", () => refuseMethod("GET, HEAD"));

export const health = new Hono<Site>()
  .get("/healthz", async (c) => {
    const body = await c.var.sequencer.health();
    return json(body, body.status === "ok" ? 200 : 503);
  })
  .get("/readyz", async (c) => {
    const { status, mode } = await c.var.sequencer.health();
    if (status === "ok") return new Response(null);
    // Serving, but with a full queue: the next op would be refused too.
    return refuse(mode === "serving" ? { ...queueFull, status: 503 } : unavailable(mode));
  })
  .all("/healthz", () => refuseMethod("GET, HEAD"))
  .all("/readyz", () => refuseMethod("GET, HEAD"));
