/** Which relays a deployment has, where a reader's is, and whom each follows (X3). Pure. */

import type { LocationHint } from "./committee.ts";

/** X3: who serves the feed. */
export type RelaysConfig = {
  /** `off`: readers are served by the sequencer object itself. */
  readonly mode: "regional" | "off";
  /** Relays of one region that serve readers; with more than one, another one feeds them. */
  readonly shards: number;
};

/** Nine regions with one root each leave most of the sequencer's subscribers free (F4). */
export const RELAY_SHARDS_MAX: number = 64;

/** The variables' reader; it collects problems. */
type RelaysReader = {
  readonly text: (variable: string) => string | null;
  readonly problem: (variable: string, problem: string) => void;
  readonly integer: (variable: string, fallback: number, least: number, most: number) => number;
};

export function readRelays(read: RelaysReader): RelaysConfig {
  const mode = read.text("SEQ_RELAYS") ?? "regional";
  if (mode !== "regional" && mode !== "off") read.problem("SEQ_RELAYS", "must be regional or off");
  const shards = read.integer("SEQ_RELAY_SHARDS", 1, 1, RELAY_SHARDS_MAX);
  return { mode: mode === "off" ? "off" : "regional", shards };
}

/** `local` is where nothing is told about a request's origin: one region, placed by the platform. */
export type RelayRegion = Exclude<LocationHint, "apac-ne" | "apac-se"> | "local";

export const RELAY_REGIONS: readonly RelayRegion[] = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "oc",
  "afr",
  "me",
  "local",
];

/** `shard` null: the region's root. */
export type RelayPlace = { readonly region: RelayRegion; readonly shard: number | null };

/** What the platform tells of a request's origin; anything may be absent. Degrees are text. */
export type Origin = Readonly<Record<"continent" | "country" | "longitude", unknown>>;

/** West of it a reader in North America is nearer to the western region; about Denver. */
const NORTH_AMERICA_SPLIT = -100;
/** East of it a reader in Europe is nearer to the eastern region; about Prague. */
const EUROPE_SPLIT = 15;
const MIDDLE_EAST = "AE BH CY IL IQ IR JO KW LB OM PS QA SA SY TR YE".split(" ");

/** The region that is nearest, by continent; the longitude splits the two that have two regions. */
export function regionOf(origin: Origin): RelayRegion {
  const { continent, country } = origin;
  if (typeof country === "string" && MIDDLE_EAST.includes(country)) return "me";
  switch (continent) {
    case "NA":
      return longitudeOf(origin) < NORTH_AMERICA_SPLIT ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      return longitudeOf(origin) < EUROPE_SPLIT ? "weur" : "eeur";
    case "AF":
      return "afr";
    case "AS":
      return "apac";
    case "OC":
    case "AN":
      return "oc";
    default:
      return "local";
  }
}

/** 0 when it is not told: the region nearer to the Atlantic, on either side of it. */
function longitudeOf({ longitude }: Origin): number {
  const degrees = typeof longitude === "string" ? Number(longitude) : 0;
  return Number.isFinite(degrees) ? degrees : 0;
}

/** The relay that serves a reader; `key` is whatever tells readers apart. */
export function relayFor(region: RelayRegion, shards: number, key: string): RelayPlace {
  return { region, shard: shards === 1 ? null : hash(key) % shards };
}

/** FNV-1a: evenly enough, and the same in every isolate. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}

/** `relay:weur`, or `relay:weur:3` of a shard. */
export function formatRelay({ region, shard }: RelayPlace): string {
  return shard === null ? `relay:${region}` : `relay:${region}:${shard}`;
}

/** Null when it names no relay. */
export function parseRelay(name: string): RelayPlace | null {
  const [, of, shard] = /^relay:([a-z]+)(?::([0-9]|[1-9][0-9]))?$/.exec(name) ?? [];
  const region = RELAY_REGIONS.find((one) => one === of);
  if (region === undefined) return null;
  return { region, shard: shard === undefined ? null : Number(shard) };
}

/** Whom a relay follows: a shard its region's root, a root the leader, which is null. */
export function upstreamOf({ region, shard }: RelayPlace): RelayPlace | null {
  return shard === null ? null : { region, shard: null };
}

/** Where the platform is asked to create a region's relays; null: wherever the first request comes from. */
export function relayHint({ region }: RelayPlace): LocationHint | null {
  return region === "local" ? null : region;
}
