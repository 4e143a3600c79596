/** The one client: a URL, what it was told once, and the ops that wait for their turn. No socket of its own. */

import { decodeSignedRecord } from "../core/consensus/epoch-chain.ts";
import { fromHex } from "../core/types/hex.ts";
import type { Domain } from "../core/wire/user-op.ts";
import {
  badAnswer,
  deploymentOf,
  domainOf,
  feeOf,
  healthOf,
  nonceOf,
  overviewOf,
  transactionOf,
} from "./bodies.ts";
import type { Client, ClientOptions, SentOp } from "./client-types.ts";
import { BatonError } from "./errors.ts";
import { sliceOf, slicePath } from "./feed-slice.ts";
import { follow } from "./follow.ts";
import { Http } from "./http.ts";
import { textOf } from "./json.ts";
import { SentOperation } from "./op-watch.ts";
import { startReplica } from "./replica.ts";
import { type Included, Submitter } from "./send.ts";
import { signOp } from "./sign-op.ts";
import { networkOf } from "./transport.ts";
import type { Epochs } from "./verify-receipt.ts";

/** Throws `BatonError` for a URL that is none. Asks nothing yet. */
export function createClient(options: ClientOptions): Client {
  const url = urlOf(options.url);
  const http = new Http(url, networkOf(options.transport), options.retry);
  const domain = domainSource(http, options.domain);
  const submitter = new Submitter(http, domain);
  const sent = (included: Included, signal: AbortSignal | undefined): SentOp =>
    new SentOperation(http, included, signal);
  return {
    url,
    domain: ({ signal } = {}) => domain(signal),
    deployment: async ({ signal } = {}) => deploymentOf(await http.json("/deployment", { signal })),
    fee: async ({ signal } = {}) => feeOf(await http.json("/fee", { signal })),
    nonce: async (sender, { signal } = {}) =>
      nonceOf(await http.json(`/nonce?sender=${encodeURIComponent(sender)}`, { signal })),
    // Not serving is what health is asked for: 503 with a body is its answer.
    health: async ({ signal } = {}) =>
      healthOf(await http.json("/healthz", { signal, isAnswer: (s) => s === 200 || s === 503 })),
    overview: async ({ signal } = {}) => overviewOf(await http.json("/overview", { signal })),
    transaction: async (sender, nonce, { signal } = {}) =>
      transactionOf(await http.json(`/tx/${encodeURIComponent(sender)}/${nonce}`, { signal })),
    epochs: ({ signal } = {}) => readEpochs(http, signal),
    feed: async (at = {}) =>
      sliceOf(await http.json(slicePath(at), { signal: at.signal }), at.fromOffset ?? 0),
    send: async (op, account, { signal } = {}) =>
      sent(await submitter.send(op, account, signal), signal),
    sign: async (op, account, { signal } = {}) => signOp(await domain(signal), op, account),
    submit: async (signed, { signal } = {}) => sent(await submitter.submit(signed, signal), signal),
    follow: (at = {}) => follow(http, at),
    replica: (application, at = {}) => startReplica(http, application, options.operatorToken, at),
  };
}

/** Without what stands behind the path, and without a slash at its end. */
function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === null || !isHttp || url.username !== "" || url.password !== "") {
    throw new BatonError("BAD_REQUEST", "the URL is no http or https URL");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** A deployment has one domain for ever, so it is asked for once; a failure is not remembered. */
function domainSource(
  http: Http,
  given: Domain | undefined,
): (signal: AbortSignal | undefined) => Promise<Domain> {
  let known = given;
  return async (signal) => {
    known ??= domainOf(await http.json("/domain", { signal }));
    return known;
  };
}

/** Leaderships since the beginning, in pages of a server's own size. */
const EPOCHS_MAX = 10_000;

async function readEpochs(http: Http, signal: AbortSignal | undefined): Promise<Epochs> {
  const records: string[] = [];
  let genesis: string | null = null;
  for (let path = "/epochs"; records.length <= EPOCHS_MAX; ) {
    const body = await http.json(path, { signal });
    const page = Array.isArray(body["records"]) ? body["records"].map(textOf) : [null];
    genesis ??= textOf(body["genesis"]);
    for (const record of page) {
      if (record === null || genesis === null) throw badAnswer("a page of epochs");
      records.push(record);
    }
    const last = records.at(-1);
    if (page.length === 0 && genesis !== null) return { genesis, records };
    if (last === undefined) throw new BatonError("NOT_FOUND", "there is no committee");
    path = `/epochs?after=${epochOf(last)}`;
  }
  throw badAnswer("epochs that end");
}

function epochOf(record: string): number {
  const isHex = /^0x(?:[0-9a-f]{2})+$/.test(record);
  const decoded = isHex ? decodeSignedRecord(fromHex(record)) : null;
  if (decoded?.ok !== true) throw badAnswer("a page of epochs");
  return decoded.value.record.epoch;
}
