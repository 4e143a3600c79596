/** `GET /deployment` (I6): everything that a verifier takes on trust, in one body. */

import { Hono } from "hono";
import { refuseMethod } from "../errors.ts";
import { answer } from "../json.ts";
import type { Site } from "../site.ts";

export const deployment = new Hono<Site>()
  .get("/deployment", async (c) => answer(await c.var.sequencer.deployment()))
  .all("/deployment", () => refuseMethod("GET, HEAD"));
