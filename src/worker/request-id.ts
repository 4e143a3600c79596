/**
 * One name for a request in every answer and log line: `x-request-id`.
 *
 * Whoever sends a well-formed one keeps it, so that a client, a proxy and a leader in another deployment
 * speak of the same request; all others get a random one. It decides nothing and proves nothing. An
 * answer that upgrades to a socket does not carry it.
 */

import { log } from "../durable-objects/shared/log.ts";
import { ALLOW_ORIGIN } from "./cors.ts";

const HEADER = "x-request-id";
/** A web page sees of these only what is named. */
const EXPOSE = "access-control-expose-headers";
const EXPOSED = `${HEADER},retry-after,x-history-error`;
/** What may stand in a log line. */
const WELL_FORMED = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
/** Answers of the server's own fault are logged, but no more of them in a second than this, per isolate. */
const LINES_PER_SECOND_MAX = 10;
/** First parts of paths that are ours: nothing else of a URL is logged. */
const ROUTE =
  /^\/(?:tx|fee|nonce|domain|deployment|feed|certificates|overview|metrics|ws|epochs|committee|operator|finalized_state|latest_snapshot)(?=\/|$)/;
/** Answer 503 whenever the mode says so: whoever asks every second is told, and nobody else need be. */
const HEALTH = /^\/(?:healthz|readyz|livez)$/;

export function requestIdOf(request: Request): string {
  const given = request.headers.get(HEADER);
  return given !== null && WELL_FORMED.test(given) ? given : crypto.randomUUID();
}

/** The same request, and whoever it is passed on to finds its name in it. */
export function named(request: Request, id: string): Request {
  if (request.headers.get(HEADER) === id) return request;
  const headers = new Headers(request.headers);
  headers.set(HEADER, id);
  return new Request(request, { headers });
}

/** What an object or another deployment answered cannot be added to; our own answers need no copy. */
function isMutable({ headers }: Response): boolean {
  try {
    headers.delete(HEADER);
    return true;
  } catch {
    // The platform says so by throwing, and in no other way.
    return false;
  }
}

/** Tells the answer's reader, and the log when the fault was ours. */
export class Answering {
  #second = 0;
  #lines = 0;

  answer(request: Request, id: string, response: Response): Response {
    if (response.status >= 500) this.#logRefusal(request, id, response.status);
    // A 101 carries a socket, which a copy would lose.
    if (response.status === 101) return response;
    const answer = isMutable(response) ? response : new Response(response.body, response);
    answer.headers.set(HEADER, id);
    if (answer.headers.has(ALLOW_ORIGIN.name)) answer.headers.set(EXPOSE, EXPOSED);
    return answer;
  }

  #logRefusal({ method, url }: Request, id: string, status: number): void {
    const { pathname } = new URL(url);
    if (HEALTH.test(pathname)) return;
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (++this.#lines > LINES_PER_SECOND_MAX) return;
    const route = ROUTE.exec(pathname)?.[0] ?? "other";
    log("warn", "request-refused", { request_id: id, method, route, status });
  }
}
