/**
 * The committee's routes: messages, keys and snapshots of its members, the founding, and the epochs (C9).
 *
 * `/committee/validator/:name` and `/committee/sequencer/:id` are the endpoints of this deployment's
 * objects; only those that the configuration names exist, so nobody makes an object by asking for it.
 * Objects authenticate messages; operator routes are the operator's alone (I8).
 */

import { type Context, Hono } from "hono";
import {
  type CommitteeMemberApi,
  MESSAGE_BYTES_MAX,
  type SignedMessage,
} from "../../core/api/committee-api.ts";
import { parseFoundingOrder } from "../../core/api/founding.ts";
import { badRequest, notFound, payloadTooLarge, type Rejection } from "../../core/api/rejection.ts";
import { type CommitteeKind, parseEndpoint } from "../../core/config/committee.ts";
import { fromHex, hash32, toHex } from "../../core/types/hex.ts";
import { BODY_BYTES_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { ACK_HEADER, MESSAGE_HEADERS } from "../../durable-objects/shared/committee-transport.ts";
import { readBody } from "../body.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { answer, json } from "../json.ts";
import { refuseOperator } from "../operator.ts";
import { candidateOf, type Site, validatorOf } from "../site.ts";

type CommitteeContext = Context<Site>;

/** Longest signed record that a founding brings. */
const RECORD_BYTES_MAX = 131_072;
const HASH = /^0x[0-9a-f]{64}$/;
const SIGNATURE = /^0x(?:[0-9a-f]{2}){1,96}$/;
const COUNTER = /^[0-9]{1,15}$/;
const OPERATOR_PATHS = ["/operator/committee", "/operator/committee/rekey"];
const noMember = notFound("no such member");

/** Servers speak here, not web pages. */
export function isCommitteePath(path: string): boolean {
  return path.startsWith("/committee/");
}

/** What a deployment answers that has validators and does not order. */
export function isMemberPath(path: string): boolean {
  return isCommitteePath(path) || path.startsWith("/operator/committee");
}

export const committee = new Hono<Site>()
  .get("/epochs", async (c) => {
    const after = c.req.query("after") ?? null;
    if (after !== null && !COUNTER.test(after)) return refuse(badRequest("after is an epoch"));
    return answer(await c.var.sequencer.epochs(after === null ? -1 : Number(after)));
  })
  .all("/epochs", () => refuseMethod("GET, HEAD"))
  .get("/committee/validator/:name", async (c) => {
    const member = ownValidator(c);
    return member === null ? refuse(noMember) : answer(await member.status());
  })
  .post("/committee/:kind/:name", async (c) => {
    const member = memberOf(c);
    if (member === null) return refuse(noMember);
    const body = await readBody(c.req.raw, MESSAGE_BYTES_MAX);
    if (body === null) return refuse(payloadTooLarge);
    const message = signedMessage(c, body);
    if (!message.ok) return refuse(message.error);
    const taken = await member.deliverSigned(message.value);
    if (!taken.ok) return refuse(taken.error);
    const headers = taken.value === null ? {} : { [ACK_HEADER]: toHex(taken.value) };
    return new Response(null, { status: 202, headers });
  })
  .get("/committee/:kind/:name/key", async (c) => {
    const member = memberOf(c);
    return member === null ? refuse(noMember) : answer(await member.keyCard());
  })
  .get("/committee/:kind/:name/snapshot/:hash/:part", (c) => sendSnapshotPart(c))
  .on(["POST", "PUT"], "/committee/:kind/:name/founding", async (c, next) => {
    const refused = await refuseOperator(c.req.raw, operatorToken(c));
    return refused === null ? next() : refuse(refused);
  })
  .post("/committee/validator/:name/founding", async (c) => {
    const member = ownValidator(c);
    if (member === null) return refuse(noMember);
    const record = await readBody(c.req.raw, RECORD_BYTES_MAX);
    if (record === null) return refuse(payloadTooLarge);
    const signed = await member.signFounding(record);
    return signed.ok ? json({ signature: toHex(signed.value) }) : refuse(signed.error);
  })
  .put("/committee/:kind/:name/founding", async (c) => {
    const member = memberOf(c);
    if (member === null) return refuse(noMember);
    const record = await readBody(c.req.raw, RECORD_BYTES_MAX);
    return record === null ? refuse(payloadTooLarge) : answer(await member.storeFounding(record));
  })
  .on("ALL", OPERATOR_PATHS, async (c, next) => {
    const refused = await refuseOperator(c.req.raw, operatorToken(c));
    return refused === null ? next() : refuse(refused);
  })
  .post("/operator/committee", async (c) => {
    const body = await readBody(c.req.raw, BODY_BYTES_MAX);
    if (body === null) return refuse(payloadTooLarge);
    const order = parseFoundingOrder(new TextDecoder().decode(body));
    if (!order.ok) return refuse(order.error);
    const { config } = c.var.deployment;
    const [first] = config.ownCandidates;
    if (first === undefined) return refuse(badRequest("no candidate is here"));
    return answer(await candidateOf(c.env, config, first).found(order.value));
  })
  .post("/operator/committee/rekey", async (c) => {
    const place = parseEndpoint(c.req.query("member") ?? "");
    const member = place?.at === "object" ? memberAt(c, place.kind, place.name) : null;
    return member === null ? refuse(noMember) : answer(await member.rekey());
  })
  .all("/committee/:kind/:name", () => refuseMethod("GET, POST"))
  .all("/committee/:kind/:name/key", () => refuseMethod("GET, HEAD"))
  .all("/committee/:kind/:name/snapshot/:hash/:part", () => refuseMethod("GET"))
  .all("/committee/:kind/:name/founding", () => refuseMethod("POST, PUT"))
  .on("ALL", OPERATOR_PATHS, () => refuseMethod("POST"));

/** The question is signed by a member, and names the very part. */
async function sendSnapshotPart(c: CommitteeContext): Promise<Response> {
  const member = memberOf(c);
  const { kind = "", name = "", hash = "", part = "" } = c.req.param();
  if (member === null) return refuse(noMember);
  if (!HASH.test(hash) || !/^[0-9]{1,2}$/.test(part)) return refuse(badRequest("no such part"));
  const question = signedMessage(c, new Uint8Array(0));
  if (!question.ok) return refuse(question.error);
  if (!question.value.to.endsWith(`/committee/${kind}/${name}/snapshot/${hash}/${part}`)) {
    return refuse(badRequest("another part is asked for"));
  }
  const admitted = await member.admits(question.value);
  if (!admitted.ok) return refuse(admitted.error);
  const bytes = await member.snapshotPart(hash32(hash), Number(part));
  if (!bytes.ok) return refuse(bytes.error);
  const headers = { "content-type": "application/octet-stream", "cache-control": "no-store" };
  return new Response(bytes.value.slice(), { headers });
}

function operatorToken(c: CommitteeContext): string | null {
  return c.var.deployment.config.secrets.operatorToken;
}

function memberOf(c: CommitteeContext): CommitteeMemberApi | null {
  const { kind = "", name = "" } = c.req.param();
  return kind === "validator" || kind === "sequencer" ? memberAt(c, kind, name) : null;
}

/** Null unless the configuration has it in this deployment. */
function memberAt(
  c: CommitteeContext,
  kind: CommitteeKind,
  name: string,
): CommitteeMemberApi | null {
  const { config } = c.var.deployment;
  if (kind === "validator") {
    return config.ownValidators.includes(name) ? validatorOf(c.env, config, name) : null;
  }
  return config.ownCandidates.includes(name) ? candidateOf(c.env, config, name) : null;
}

function ownValidator(c: CommitteeContext) {
  const { config } = c.var.deployment;
  const { name = "" } = c.req.param();
  return config.ownValidators.includes(name) ? validatorOf(c.env, config, name) : null;
}

/** A message with what its headers say; unsigned without a signature. */
function signedMessage(c: CommitteeContext, body: Uint8Array): Result<SignedMessage, Rejection> {
  const { from, to, sentAtMs, signature } = MESSAGE_HEADERS;
  const header = (name: string): string => c.req.header(name) ?? "";
  const [sent, signed] = [header(sentAtMs), header(signature)];
  const isEndpoint = parseEndpoint(header(from)) !== null;
  if (!isEndpoint || !COUNTER.test(sent) || !(signed === "" || SIGNATURE.test(signed))) {
    return err(badRequest("malformed message headers"));
  }
  return ok({
    ...{ from: header(from), to: header(to), sentAtMs: Number(sent), body },
    signature: signed === "" ? new Uint8Array(0) : fromHex(signed),
  });
}
