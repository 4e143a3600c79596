/**
 * Finds who leads (C6, S8): an object of this deployment, or another deployment.
 *
 * The own candidates know the newest epoch record. They are asked at most twice a second for each isolate
 * of the Worker; in between the last answer is used, so after a change of leader a request may still reach
 * the old one: it answers 503 with `Retry-After`, and the next request finds the new one.
 */

import { unavailable } from "../core/api/rejection.ts";
import type { Leadership } from "../core/api/sequencer-api.ts";
import { parseEndpoint } from "../core/config/committee.ts";
import type { Config } from "../core/config/config.ts";
import type { Configured, Deployment } from "./config.ts";
import { refuse } from "./errors.ts";
import { hasSequencer, type SequencerStub, sequencerOf, sequencersOf } from "./site.ts";

export type Leader =
  | { readonly at: "object"; readonly sequencer: SequencerStub }
  /** Another deployment's Worker; the URL ends without a slash. */
  | { readonly at: "url"; readonly base: string };

const FRESH_MS = 500;
/** Where the leader is, as far as it can be kept from one request to the next. */
type Whereabouts = { readonly at: "object"; readonly id?: string } | Extract<Leader, { at: "url" }>;

/** Says that a request was passed on once; it is not passed on again, or two that disagree would pass it to and fro. */
const FORWARDED = "x-baton-forwarded";
export const FORWARDED_HEADERS: Readonly<Record<string, string>> = { [FORWARDED]: "1" };
/** What the leader answers. Health, keys, messages and everything of the operator's are each deployment's own. */
const LEADERS_PATH = /^\/(?:tx|fee|nonce|domain|deployment|feed|certificates|overview|ws)(?:\/|$)/;

/** What relays of this deployment serve, whoever leads (X3). */
const RELAYED_PATH = /^\/(?:feed|ws)(?:\/|$)/;

/**
 * Whether this request is passed on to another deployment that leads. One that a relay follows ends here:
 * its relays' upstream could be the asker, and neither would ever hear of a record.
 */
export function isPassedOn(request: Request, path: string, { relays }: Config): boolean {
  if (!LEADERS_PATH.test(path)) return false;
  return relays.mode === "off" || !RELAYED_PATH.test(path) || request.headers.has(FORWARDED);
}

export class Leaders {
  /** Plain data: what one request began to ask, another one may not wait for. */
  #known: { readonly at: Whereabouts | null; readonly atMs: number } | null = null;

  async find(env: Env, deployment: Deployment): Promise<Leader> {
    if (deployment.config.committee === null) return leaderAt(env, deployment, null);
    const known = this.#known;
    if (known !== null && Math.abs(Date.now() - known.atMs) < FRESH_MS) {
      return leaderAt(env, deployment, known.at);
    }
    return leaderAt(env, deployment, await this.#ask(env, deployment));
  }

  async #ask(env: Env, deployment: Deployment): Promise<Whereabouts | null> {
    const nowMs = Date.now();
    const known = this.#known;
    // One request asks; those that come meanwhile go by the last answer.
    if (known !== null) this.#known = { at: known.at, atMs: nowMs };
    const leadership = await newest(env, deployment);
    // None at all, when every object restarts: then the last answer stays.
    const at = leadership === null ? (known?.at ?? null) : whereaboutsOf(deployment, leadership);
    this.#known = { at, atMs: nowMs };
    return at;
  }
}

function leaderAt(env: Env, deployment: Deployment, at: Whereabouts | null): Leader {
  if (at?.at === "url") return at;
  return { at: "object", sequencer: sequencerOf(env, deployment, at?.id) };
}

/** The newest epoch that one of the own candidates knows; null before the founding. */
async function newest(env: Env, deployment: Deployment): Promise<Leadership | null> {
  const answers = await Promise.allSettled(
    sequencersOf(env, deployment).map((candidate) => candidate.leadership()),
  );
  let found: Leadership | null = null;
  for (const answer of answers) {
    const said = answer.status === "fulfilled" ? answer.value : null;
    if (said !== null && (found === null || said.epoch > found.epoch)) found = said;
  }
  return found;
}

/** The leader for an object of this deployment that calls it (X2). Null: it is not among the objects here. */
export function leaderFinder(
  env: Env,
  configured: Configured,
): () => Promise<SequencerStub | null> {
  const leaders = new Leaders();
  return async () => {
    if (!configured.ok || !hasSequencer(configured.value.config)) return null;
    const leader = await leaders.find(env, configured.value);
    return leader.at === "object" ? leader.sequencer : null;
  };
}

function whereaboutsOf({ config }: Deployment, { endpoint }: Leadership): Whereabouts {
  const place = parseEndpoint(endpoint);
  const own = config.committee?.candidates.find((candidate) => candidate.endpoint === endpoint);
  if (own !== undefined && isOwn(config, own.id)) return { at: "object", id: own.id };
  // One that the configuration does not name, or an object of a deployment that is not this one.
  if (place?.at !== "url") return { at: "object" };
  const end = `/committee/${place.kind}/${place.name}`;
  return { at: "url", base: endpoint.slice(0, -end.length) };
}

function isOwn({ ownCandidates }: Config, id: string): boolean {
  return ownCandidates.includes(id);
}

/** Passes a request on, without what is the operator's or a browser's secret; also an upgrade to a socket. */
export async function forward(request: Request, base: string): Promise<Response> {
  if (request.headers.has(FORWARDED)) return refuse(unavailable("following"));
  const { pathname, search } = new URL(request.url);
  const passed = new Request(`${base}${pathname}${search}`, request);
  passed.headers.set(FORWARDED, "1");
  for (const secret of ["authorization", "cookie"]) passed.headers.delete(secret);
  try {
    return await fetch(passed, { redirect: "manual" });
  } catch {
    // The leader is gone or cannot be reached: its successor will be, or it will be back.
    return refuse(unavailable("following"));
  }
}
