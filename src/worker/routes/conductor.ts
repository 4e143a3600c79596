/**
 * `POST /operator/rpc`: op-conductor's methods for one candidate, the operator's alone (I8).
 *
 * Calls of a batch are carried out one after the other, each on the state that the one before left.
 * Every answer in JSON-RPC is a 200, errors included; a body of notifications alone is a 204.
 */

import { Hono } from "hono";
import {
  type ConductorApi,
  type ConductorPlan,
  commandOutcome,
  formatReplies,
  formatReply,
  noCommittee,
  parseRpcBody,
  type RpcError,
} from "../../core/api/conductor-rpc.ts";
import { notFound, payloadTooLarge } from "../../core/api/rejection.ts";
import { BODY_BYTES_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { readBody } from "../body.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { jsonText } from "../json.ts";
import { refuseOperator } from "../operator.ts";
import type { Site, SiteContext } from "../site.ts";

const PATH = "/operator/rpc";

/** `conductorOf`: the candidate that a request is for; null: there is none of that name here. */
export function conductor(conductorOf: (c: SiteContext) => ConductorApi | null): Hono<Site> {
  return new Hono<Site>()
    .on("ALL", PATH, async (c, next) => {
      const { operatorToken } = c.var.deployment.config.secrets;
      const refused = await refuseOperator(c.req.raw, operatorToken);
      return refused === null ? next() : refuse(refused);
    })
    .post(PATH, async (c) => {
      const body = await readBody(c.req.raw, BODY_BYTES_MAX);
      if (body === null) return refuse(payloadTooLarge);
      const api = conductorOf(c);
      if (api === null) return refuse(notFound("no such candidate"));
      const reply = await answerRpc(api, new TextDecoder().decode(body));
      return reply === null ? c.body(null, 204) : jsonText(reply);
    })
    .all(PATH, () => refuseMethod("POST"));
}

/** Null when nothing is to be answered. */
async function answerRpc(api: ConductorApi, text: string): Promise<string | null> {
  const body = parseRpcBody(text);
  if (!body.ok) return formatReply(null, body);
  const replies: (string | null)[] = [];
  for (const { id, plan } of body.value.calls) {
    replies.push(formatReply(id, plan.ok ? await perform(api, plan.value) : plan));
  }
  return formatReplies(body.value, replies);
}

async function perform(api: ConductorApi, plan: ConductorPlan): Promise<Result<unknown, RpcError>> {
  if (plan.is === "command") return commandOutcome(await api.conductorCommand(plan.command));
  const state = await api.conductorState();
  return state === null ? err(noCommittee) : ok(plan.answer(state));
}
