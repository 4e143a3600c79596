/** `GET /overview` (I6): all that a dashboard, a command line and a scraper show of the leader. */

import { Hono } from "hono";
import { refuseMethod } from "../errors.ts";
import { answer } from "../json.ts";
import type { Site } from "../site.ts";

export const overview = new Hono<Site>()
  .get("/overview", async (c) => answer(await c.var.sequencer.overview()))
  .all("/overview", () => refuseMethod("GET, HEAD"));
