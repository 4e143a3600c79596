/** `GET /certificates` and `GET /certificates/:height` (C2): what the committee certified, page by page. */

import { Hono } from "hono";
import { parseCertificatesQuery, parseHeight } from "../../core/api/query.ts";
import { badRequest, notFound } from "../../core/api/rejection.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { answer, json } from "../json.ts";
import type { Site } from "../site.ts";

const PATHS = ["/certificates", "/certificates/:height"];

export const certificates = new Hono<Site>()
  .on("ALL", PATHS, (c, next) => {
    // Without a committee there is no such route.
    const { committee } = c.var.deployment.config;
    return committee === null ? Promise.resolve(refuse(notFound("not found"))) : next();
  })
  .get("/certificates", async (c) => {
    const query = parseCertificatesQuery((name) => c.req.query(name) ?? null);
    return query.ok ? answer(await c.var.sequencer.certificates(query.value)) : refuse(query.error);
  })
  .get("/certificates/:height", async (c) => {
    const height = parseHeight(c.req.param("height"));
    if (height === null) return refuse(badRequest("expected /certificates/<height>"));
    const page = await c.var.sequencer.certificates({ after: height - 1, limit: 1 });
    if (!page.ok) return refuse(page.error);
    const [covering] = page.value.certificates;
    return covering === undefined ? refuse(notFound("not certified")) : json(covering);
  })
  .on("ALL", PATHS, () => refuseMethod("GET, HEAD"));
