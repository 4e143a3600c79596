/** The bodies of answers: what this client goes by is checked, the rest is passed on as it came. */

import type { OverviewBody } from "../core/api/overview.ts";
import type { DeploymentBody, FeeQuote, HealthBody } from "../core/api/sequencer-api.ts";
import { parseAddress } from "../core/types/hex.ts";
import { U16_MAX, U32_MAX } from "../core/types/units.ts";
import { DOMAIN_NAME, DOMAIN_VERSION, type Domain } from "../core/wire/user-op.ts";
import type { OrderedOp, SignedOp, Transaction } from "./client-types.ts";
import { BatonError } from "./errors.ts";
import { counterOf, type Json, objectOf, textOf } from "./json.ts";

/** For a body that has not the shape it should have. */
export function badAnswer(what: string): BatonError {
  return new BatonError("BAD_ANSWER", `the answer is not ${what}`);
}

/** The name and the version are part of every signature, and those of this source. */
export function domainOf(body: Json): Domain {
  const chainId = counterOf(body["chainId"]);
  const verifyingContract = parseAddress(textOf(body["verifyingContract"]) ?? "");
  const isOurs = body["name"] === DOMAIN_NAME && body["version"] === DOMAIN_VERSION;
  if (!isOurs || chainId === null || verifyingContract === null) throw badAnswer("a domain");
  return { chainId, verifyingContract };
}

export function nonceOf(body: Json): number {
  const nonce = counterOf(body["next_nonce"]);
  if (nonce === null || nonce > U32_MAX) throw badAnswer("a nonce");
  return nonce;
}

export function feeOf(body: Json): FeeQuote {
  if (isFee(body)) return body;
  throw badAnswer("a fee");
}

function isFee(body: Json): body is Json & FeeQuote {
  const names = ["fee", "recommended_fee", "suggested_max_fee"];
  return names.every((name) => (counterOf(body[name]) ?? U16_MAX + 1) <= U16_MAX);
}

export function deploymentOf(body: Json): DeploymentBody {
  if (isDeployment(body)) return body;
  throw badAnswer("a deployment");
}

function isDeployment(body: Json): body is Json & DeploymentBody {
  const texts = ["app", "application", "era", "submitter", "input_box"];
  if (!texts.every((name) => textOf(body[name]) !== null)) return false;
  return counterOf(body["chain_id"]) !== null && objectOf(body["application_config"]) !== null;
}

export function healthOf(body: Json): HealthBody {
  if (isHealth(body)) return body;
  throw badAnswer("health");
}

function isHealth(body: Json): body is Json & HealthBody {
  return textOf(body["mode"]) !== null && textOf(body["status"]) !== null;
}

export function overviewOf(body: Json): OverviewBody {
  if (isOverview(body)) return body;
  throw badAnswer("an overview");
}

function isOverview(body: Json): body is Json & OverviewBody {
  const health = objectOf(body["health"]);
  return counterOf(body["now_ms"]) !== null && health !== null && isHealth(health);
}

const STATES: readonly unknown[] = ["ordered", "certified", "posted", "settled", "voided"];

/** A receipt becomes its text, which is what `verifyReceipt` takes and what is worth keeping. */
export function transactionOf(body: Json): Transaction {
  const whole = { ...body, receipt: receiptOf(body) };
  if (isTransaction(whole)) return whole;
  throw badAnswer("a transaction");
}

function isTransaction(body: Json): body is Json & Transaction {
  const isKnown = STATES.includes(body["state"]) && counterOf(body["offset"]) !== null;
  return isKnown && textOf(body["sender"]) !== null && counterOf(body["nonce"]) !== null;
}

/** Of the op that was sent. Under a committee every answer names a receipt, be it null (C2). */
export function confirmationOf(
  body: Json,
  signed: SignedOp,
): OrderedOp & { readonly hasCommittee: boolean } {
  const sender = parseAddress(textOf(body["sender"]) ?? "");
  const offset = counterOf(body["offset"]);
  const batchNonce = counterOf(body["batch_nonce"]);
  const frameFee = counterOf(body["frame_fee"]);
  const isSame = sender === signed.sender && body["nonce"] === signed.nonce;
  if (!isSame || offset === null || batchNonce === null || frameFee === null) {
    throw badAnswer("a confirmation of the op");
  }
  const hasCommittee = "receipt" in body;
  return { offset, batchNonce, frameFee, receipt: receiptOf(body), hasCommittee };
}

function receiptOf(body: Json): string | null {
  const receipt = objectOf(body["receipt"]);
  return receipt === null ? null : JSON.stringify(receipt);
}
