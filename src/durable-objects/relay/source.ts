/**
 * Where a relay gets the feed: an object of this deployment, or another deployment's Worker (X3).
 *
 * Both speak the feed's protocol, so a source may be the sequencer or another relay. Failures of the
 * connection throw; refusals are results.
 */

import type { SubscribeQuery } from "../../core/api/query.ts";
import {
  historyRefusal,
  type Rejection,
  rejection,
  unavailable,
} from "../../core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../core/api/sequencer-api.ts";
import { assert } from "../../core/types/assert.ts";
import { err, ok, type Result } from "../../core/types/result.ts";

export type FeedSource = {
  feedPage(query: FeedQuery): Promise<Result<FeedPage, Rejection>>;
  /** The socket is not accepted yet. */
  subscribe(query: SubscribeQuery): Promise<Result<WebSocket, Rejection>>;
};

/** A stub of a sequencer or a relay. */
export type FeedObject = {
  feedPage(query: FeedQuery): Promise<Result<FeedPage, Rejection>>;
  fetch(request: Request): Promise<Response>;
};

/** Only the path and the query of what an object is asked count. */
const OBJECT_ORIGIN = "https://feed.internal";
/** A page is at most 1 MiB of records and its frame (F7), but for one long record. */
const PAGE_TEXT_MAX = 4 * 1024 * 1024;
const HISTORY_REASONS = ["ahead-of-head", "history-unavailable", "era-changed"] as const;
const REQUEST_TIMEOUT_MS = 10_000;

export function objectSource(object: FeedObject): FeedSource {
  return {
    feedPage: (query) => object.feedPage(query),
    subscribe: async (query) => {
      const url = `${OBJECT_ORIGIN}/ws/subscribe?${subscribeParameters(query)}`;
      return socketOf(await object.fetch(new Request(url, { headers: { upgrade: "websocket" } })));
    },
  };
}

/** `base` ends without a slash. `headers` go with every request. */
export function urlSource(base: string, headers: Readonly<Record<string, string>>): FeedSource {
  return {
    feedPage: async (query) => {
      const url = `${base}/feed?limit=${query.limit}&${cursorParameters(query)}`;
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await fetch(url, { headers, redirect: "manual", signal });
      return response.status === 200 ? ok(pageOf(await response.text())) : refusalOf(response);
    },
    subscribe: async (query) => {
      const url = `${base}/ws/subscribe?${subscribeParameters(query)}`;
      const upgrade = { ...headers, upgrade: "websocket" };
      return socketOf(await fetch(url, { headers: upgrade, redirect: "manual" }));
    },
  };
}

function cursorParameters({ fromOffset, era }: Pick<FeedQuery, "fromOffset" | "era">): string {
  return `from_offset=${fromOffset}${era === null ? "" : `&era=${era}`}`;
}

function subscribeParameters(query: SubscribeQuery): string {
  const batch = query.isBatched ? "&batch=1" : "";
  const certificates = query.wantsCertificates === true ? "&certificates=1" : "";
  return cursorParameters(query) + batch + certificates;
}

function socketOf(response: Response): Promise<Result<WebSocket, Rejection>> {
  const { webSocket } = response;
  return webSocket === null ? refusalOf(response) : Promise.resolve(ok(webSocket));
}

/** What upstream says goes on to the reader, when it is one of the feed's own refusals (F5, I5). */
async function refusalOf(response: Response): Promise<Result<never, Rejection>> {
  const history = response.headers.get("x-history-error");
  const retryAfter = Number(response.headers.get("retry-after") ?? 0);
  await response.body?.cancel();
  if (response.status === 429) {
    return err({ ...rejection(429, "OVERLOADED", "queue full"), retryAfterS: retryAfter || 1 });
  }
  const reason = HISTORY_REASONS.find((one) => historyRefusal(one).code === history);
  return err(reason === undefined ? unavailable("following") : historyRefusal(reason));
}

/** Asserts the shape of a page: whoever leads is trusted to speak the protocol, not to be without bugs. */
function pageOf(text: string): FeedPage {
  assert(text.length <= PAGE_TEXT_MAX, "a page of the feed is bounded");
  const page = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const { era, generation, available_from, head, next_offset, records } = page;
  assert(typeof era === "string" && Array.isArray(records), "a page has an era and records");
  return {
    era,
    generation: integer(generation),
    available_from: integer(available_from),
    head: integer(head),
    next_offset: integer(next_offset),
    records: records.map((record) => JSON.stringify(record)),
  };
}

function integer(value: unknown): number {
  assert(typeof value === "number" && Number.isSafeInteger(value) && value >= 0, "an integer");
  return value;
}
