/** `GET /nonce?sender=` (I6): the nonce that the sender's next op must carry. */

import { Hono } from "hono";
import { parseSenderQuery } from "../../core/api/query.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { json } from "../json.ts";
import type { Site } from "../site.ts";

export const nonce = new Hono<Site>()
  .get("/nonce", async (c) => {
    const sender = parseSenderQuery((name) => c.req.query(name) ?? null);
    if (!sender.ok) return refuse(sender.error);
    const next = await c.var.sequencer.nextNonce(sender.value);
    if (!next.ok) return refuse(next.error);
    return json({ sender: checksumAddress(sender.value), next_nonce: next.value });
  })
  .all("/nonce", () => refuseMethod("GET, HEAD"));
