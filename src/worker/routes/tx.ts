/**
 * `POST /tx` (I1 to I5) and `GET /tx/:sender/:nonce` (I6).
 *
 * A submission costs one signature recovery here and one call to the object; nothing about the
 * sender is looked up before. If the object fails mid-call the op may be included or not, and the
 * client finds out by submitting it again (I4).
 */

import { Hono } from "hono";
import { parseTransactionPath } from "../../core/api/query.ts";
import { badRequest, payloadTooLarge, type Rejection } from "../../core/api/rejection.ts";
import { formatConfirmation } from "../../core/api/responses.ts";
import type { SignedUserOp } from "../../core/api/sequencer-api.ts";
import { invalidJson } from "../../core/api/tx-request.ts";
import { BODY_BYTES_MAX } from "../../core/types/protocol.ts";
import { err, type Result } from "../../core/types/result.ts";
import { readBody } from "../body.ts";
import type { Deployment } from "../config.ts";
import { ALLOW_ORIGIN } from "../cors.ts";
import { refuse, refuseMethod, rejectionOf } from "../errors.ts";
import { answer } from "../json.ts";
import type { SequencerStub, Site } from "../site.ts";
import { readSubmission } from "../submission.ts";

const SUCCESS_HEADERS = {
  "content-type": "application/json",
  [ALLOW_ORIGIN.name]: ALLOW_ORIGIN.value,
};
const JSON_TYPE = /^application\/(?:[^\s/;]+\+)?json\s*(?:;|$)/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const transaction = new Hono<Site>()
  .get("/tx/:sender/:nonce", async (c) => {
    const path = parseTransactionPath(c.req.param("sender"), c.req.param("nonce"));
    if (!path.ok) return refuse(path.error);
    return answer(await c.var.sequencer.transaction(path.value.sender, path.value.nonce));
  })
  .all("/tx/:sender/:nonce", () => refuseMethod("GET, HEAD"))
  .all("/tx", () => refuseMethod("POST"));

/** The whole of `POST /tx`, CORS included: the router is not asked. */
export async function submitTransaction(
  request: Request,
  deployment: Deployment,
  sequencer: SequencerStub,
): Promise<Response> {
  try {
    const op = await readOp(request, deployment);
    if (!op.ok) return refuseSubmission(op.error);
    const confirmed = await sequencer.submit(op.value);
    if (!confirmed.ok) return refuseSubmission(confirmed.error);
    return new Response(formatConfirmation(op.value, confirmed.value), {
      headers: SUCCESS_HEADERS,
    });
  } catch (error) {
    return refuseSubmission(rejectionOf(error));
  }
}

/** Rows 1 to 14 of P§4.1. */
async function readOp(
  request: Request,
  deployment: Deployment,
): Promise<Result<SignedUserOp, Rejection>> {
  const body = await readBody(request, BODY_BYTES_MAX);
  if (body === null) return err(payloadTooLarge);
  if (!JSON_TYPE.test(request.headers.get("content-type") ?? "")) {
    return err(badRequest("missing content type"));
  }
  const text = decodeUtf8(body);
  if (text === null) return err(invalidJson);
  return readSubmission(text, deployment);
}

/** Null when the bytes are not UTF-8. A byte order mark stays, and is then no JSON. */
function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    // A fatal decoder says so by throwing.
    return null;
  }
}

function refuseSubmission(rejected: Rejection): Response {
  const response = refuse(rejected);
  response.headers.set(ALLOW_ORIGIN.name, ALLOW_ORIGIN.value);
  return response;
}
