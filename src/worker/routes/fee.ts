/** `GET /fee` (I6): what the open frame charges, and what to offer. */

import { Hono } from "hono";
import { refuseMethod } from "../errors.ts";
import { answer } from "../json.ts";
import type { Site } from "../site.ts";

export const fee = new Hono<Site>()
  .get("/fee", async (c) => answer(await c.var.sequencer.fee()))
  .all("/fee", () => refuseMethod("GET, HEAD"));
