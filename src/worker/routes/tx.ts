/**
 * `POST /tx` (I1 to I5) and `GET /tx/:sender/:nonce` (I6).
 *
 * A submission costs one signature recovery here and one call to the object; nothing about the
 * sender is looked up before. If the object fails mid-call the op may be included or not, and the
 * client finds out by submitting it again (I4). Under a committee `?wait=certified` holds the answer
 * until the op's chunk is certified, or for ten seconds (C2).
 */

import { Hono } from "hono";
import { parseTransactionPath, parseWait } from "../../core/api/query.ts";
import { badRequest, payloadTooLarge, type Rejection } from "../../core/api/rejection.ts";
import { formatConfirmation, formatTransaction } from "../../core/api/responses.ts";
import type { SignedUserOp, SoftConfirmation } from "../../core/api/sequencer-api.ts";
import { invalidJson } from "../../core/api/tx-request.ts";
import { BODY_BYTES_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { rejectionOf } from "../../durable-objects/shared/failed-call.ts";
import { readBody } from "../body.ts";
import type { Deployment } from "../config.ts";
import { ALLOW_ORIGIN } from "../cors.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { jsonText } from "../json.ts";
import type { Site } from "../site.ts";
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
    const body = await c.var.sequencer.transaction(path.value.sender, path.value.nonce);
    return body.ok ? jsonText(formatTransaction(body.value)) : refuse(body.error);
  })
  .all("/tx/:sender/:nonce", () => refuseMethod("GET, HEAD"))
  .all("/tx", () => refuseMethod("POST"));

/** The op's way to the sequencer: directly or through a gateway (X2). */
export type Submit = (
  op: SignedUserOp,
  waits: boolean,
) => Promise<Result<SoftConfirmation, Rejection>>;

/** The whole of `POST /tx`, CORS included: the router is not asked. */
export async function submitTransaction(
  request: Request,
  deployment: Deployment,
  submit: Submit,
): Promise<Response> {
  try {
    const waits = readWait(request, deployment);
    if (!waits.ok) return refuseSubmission(waits.error);
    const op = await readOp(request, deployment);
    if (!op.ok) return refuseSubmission(op.error);
    const confirmed = await submit(op.value, waits.value);
    if (!confirmed.ok) return refuseSubmission(confirmed.error);
    // Ordered, and not certified in time: the promise stands, and the certificate may still come.
    const isLate = waits.value && confirmed.value.receipt?.tier !== "certified";
    return new Response(formatConfirmation(op.value, confirmed.value), {
      status: isLate ? 202 : 200,
      headers: SUCCESS_HEADERS,
    });
  } catch (error) {
    return refuseSubmission(rejectionOf(error));
  }
}

/** C2: without a committee there is nothing to wait for, and the query is not read. */
function readWait({ url }: Request, { config }: Deployment): Result<boolean, Rejection> {
  if (config.committee === null || !url.includes("?")) return ok(false);
  const query = new URL(url).searchParams;
  return parseWait((name) => query.get(name));
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
