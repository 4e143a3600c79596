/** Which relay serves a reader, and whom each relay follows (X3). */

import type { Application } from "../core/application/application.ts";
import type { Config } from "../core/config/config.ts";
import {
  formatRelay,
  type Origin,
  parseRelay,
  type RelayPlace,
  regionOf,
  relayFor,
  relayHint,
  upstreamOf,
} from "../core/config/relays.ts";
import { assert, must } from "../core/types/assert.ts";
import type { ConnectRelay } from "../durable-objects/relay/relay.ts";
import { type FeedObject, objectSource, urlSource } from "../durable-objects/relay/source.ts";
import { memberName, nameOfMember } from "../durable-objects/shared/members.ts";
import { createConfigure } from "./config.ts";
import { FORWARDED_HEADERS, Leaders } from "./leader.ts";
import type { SiteContext } from "./site.ts";

/** Where a reader gets the feed: its region's relay, or the leader itself where there are none. */
export function feedOf(c: SiteContext): FeedObject {
  const { config } = c.var.deployment;
  return config.relays.mode === "off"
    ? c.var.sequencer
    : relayAt(c.env, config, placeOf(c, config));
}

/** Readers are spread over a region's relays by what no two connections share. */
function placeOf({ req }: SiteContext, { relays }: Config): RelayPlace {
  const key = req.header("sec-websocket-key") ?? req.header("cf-connecting-ip") ?? "";
  return relayFor(regionOf(originOf(req.raw)), relays.shards, key);
}

/** A request of a runtime that knows no origins tells nothing. */
function originOf({ cf = {} }: Request): Origin {
  const told = (name: keyof Origin): unknown => Reflect.get(cf, name);
  return {
    continent: told("continent"),
    country: told("country"),
    longitude: told("longitude"),
  };
}

function relayAt(env: Env, config: Config, place: RelayPlace): FeedObject {
  const hint = relayHint(place);
  const name = memberName(config, formatRelay(place));
  return env.RELAY.getByName(name, hint === null ? {} : { locationHint: hint });
}

/**
 * A shard follows its region's root, and a root the leader: an object of this deployment, or another
 * deployment's Worker, which serves it from its own relays like a reader, and passes it on no further.
 */
export function createConnect(application: Application): (env: Env) => ConnectRelay {
  const configure = createConfigure(application);
  const leaders = new Leaders();
  return (env) => async (name) => {
    const deployment = configure(env);
    assert(deployment.ok, "a relay is reached through a Worker that is configured");
    const { config } = deployment.value;
    const place = parseRelay(nameOfMember(config, name) ?? "");
    const parent = upstreamOf(must(place, "a relay is named by its place"));
    if (parent !== null) return objectSource(relayAt(env, config, parent));
    const leader = await leaders.find(env, deployment.value);
    return leader.at === "url"
      ? urlSource(leader.base, FORWARDED_HEADERS)
      : objectSource(leader.sequencer);
  };
}
