/**
 * Uploading a rebuilt state into an empty sequencer (R5): the operator's alone (I8).
 *
 * `POST /operator/rebuild` announces it, `POST /operator/rebuild/:upload/parts/:part` brings the bytes.
 * The object decides; here bodies are bounded and parsed.
 */

import { Hono } from "hono";
import { PART_BYTES, parseManifest } from "../../core/api/rebuild.ts";
import { badRequest, payloadTooLarge } from "../../core/api/rejection.ts";
import { BODY_BYTES_MAX } from "../../core/types/protocol.ts";
import { readBody } from "../body.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { answer } from "../json.ts";
import { refuseOperator } from "../operator.ts";
import type { Site } from "../site.ts";

const PREFIX = "/operator/";
const PART = /^[0-9]{1,2}$/;

export function isRebuildPath(path: string): boolean {
  return path.startsWith(PREFIX);
}

export const rebuild = new Hono<Site>()
  .on("ALL", `${PREFIX}*`, async (c, next) => {
    const { operatorToken } = c.var.deployment.config.secrets;
    const refused = await refuseOperator(c.req.raw, operatorToken);
    if (refused !== null) return refuse(refused);
    return next();
  })
  .post("/operator/rebuild", async (c) => {
    const body = await readBody(c.req.raw, BODY_BYTES_MAX);
    if (body === null) return refuse(payloadTooLarge);
    const manifest = parseManifest(new TextDecoder().decode(body));
    if (!manifest.ok) return refuse(manifest.error);
    return answer(await c.var.sequencer.startRebuild(manifest.value));
  })
  .post("/operator/rebuild/:upload/parts/:part", async (c) => {
    const { upload, part } = c.req.param();
    if (!PART.test(part)) return refuse(badRequest("parts are numbered from 0"));
    const bytes = await readBody(c.req.raw, PART_BYTES);
    if (bytes === null) return refuse(payloadTooLarge);
    return answer(await c.var.sequencer.putRebuildPart({ upload, part: Number(part), bytes }));
  })
  .all("/operator/rebuild", () => refuseMethod("POST"))
  .all("/operator/rebuild/:upload/parts/:part", () => refuseMethod("POST"));
