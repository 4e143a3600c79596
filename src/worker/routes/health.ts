/** `GET /livez`, `/readyz`, `/healthz` (I7, P§5.5). */

import { Hono } from "hono";
import { queueFull, type Rejection, unavailable, uncertified } from "../../core/api/rejection.ts";
import type { HealthBody } from "../../core/api/sequencer-api.ts";
import { UNCERTIFIED_EVENTS_MAX } from "../../core/consensus/types.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { rejectionOf } from "../../durable-objects/shared/failed-call.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { json } from "../json.ts";
import type { Site, SiteContext } from "../site.ts";

/** The Worker runs. Answers without configuration and without the object. */
export const liveness = new Hono<Site>()
  .get("/livez", () => new Response(null))
  .all("/livez", () => refuseMethod("GET, HEAD"));

export const health = new Hono<Site>()
  .get("/healthz", async (c) => {
    const body = await ask(c);
    if (!body.ok) return refuse(body.error);
    return json(body.value, body.value.status === "ok" ? 200 : 503);
  })
  .get("/readyz", async (c) => {
    const body = await ask(c);
    if (!body.ok) return refuse(body.error);
    const { status, mode, committee } = body.value;
    if (status === "ok") return new Response(null);
    if (mode !== "serving") return refuse(unavailable(mode));
    // Serving, but with a full queue, or too far ahead of its certificates: the next op would be refused.
    const isAhead = (committee?.uncertified_events ?? 0) >= UNCERTIFIED_EVENTS_MAX;
    return refuse(isAhead ? uncertified : { ...queueFull, status: 503 });
  })
  .all("/healthz", () => refuseMethod("GET, HEAD"))
  .all("/readyz", () => refuseMethod("GET, HEAD"));

/** An object that cannot be asked takes no op either: 503, also where another route would say 429 or 500. */
async function ask(c: SiteContext): Promise<Result<HealthBody, Rejection>> {
  try {
    return ok(await c.var.sequencer.health());
  } catch (error) {
    return err({ ...rejectionOf(error), status: 503 });
  }
}
