/**
 * The committee's part of the configuration: candidates, validators, and where each of them is (C5).
 *
 * An endpoint is `object:sequencer/<id>` or `object:validator/<name>` within this deployment, or the
 * URL of another one's `…/committee/sequencer/<id>` or `…/committee/validator/<name>`. It enters the
 * epoch record as it stands, without the location hint (`@weur`) that an object's may carry.
 */

import { DEFAULT_MEMBERS } from "../consensus/epoch-record.ts";
import { CANDIDATES_MAX, MEMBERS_MAX } from "../consensus/types.ts";

/** Where an object is created, best effort. */
export type LocationHint = (typeof HINTS)[number];

export type ConfiguredEndpoint = {
  readonly endpoint: string;
  /** Null: wherever its first caller is. */
  readonly hint: LocationHint | null;
};

/** `linkage`: stores and checks what it acks. `full`: also executes it (C4). */
export type ValidatorMode = "linkage" | "full";

export type CommitteeConfig = {
  /** In the order of the variable: the first leads epoch 0. */
  readonly candidates: readonly (ConfiguredEndpoint & { readonly id: string })[];
  readonly validators: readonly ConfiguredEndpoint[];
};

/** What is read besides the committee itself: a Worker may have validators and no candidates. */
export type CommitteeVariables = {
  /** Null without `SEQ_CANDIDATES`. */
  readonly committee: CommitteeConfig | null;
  /** Ids of the candidates, and names of the validators, that are objects of this deployment. */
  readonly ownCandidates: readonly string[];
  readonly ownValidators: readonly string[];
  readonly validatorMode: ValidatorMode;
  /** 0x and 64 hex digits; null: no object can keep a key. */
  readonly validatorKek: string | null;
};

/** What `parseConfig` lends: trimmed texts, a place for problems, and its rule for URLs. */
export type CommitteeReader = {
  text(variable: string): string | null;
  problem(variable: string, problem: string): void;
  /** https, or http to this machine or where `SEQ_ALLOW_INSECURE_RPC` says so; no user info. */
  isTrusted(url: string): boolean;
};

/** Where an endpoint leads: an object of this deployment, or another deployment. */
export type Place =
  | { readonly at: "object"; readonly kind: CommitteeKind; readonly name: string }
  | { readonly at: "url"; readonly kind: CommitteeKind; readonly name: string };

export type CommitteeKind = "sequencer" | "validator";

// biome-ignore format: one list
const HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"] as const;
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const OBJECT = /^object:(sequencer|validator)\/([a-z0-9-]+)$/;
const URL_END = /^https?:\/\/[^?#@\s]+\/committee\/(sequencer|validator)\/([a-z0-9-]+)$/;
const KEK = /^0x[0-9a-fA-F]{64}$/;
/** Longest text of an endpoint in a record. */
const ENDPOINT_CHARS_MAX = 255;

/** Null when `endpoint` is neither form. */
export function parseEndpoint(endpoint: string): Place | null {
  if (endpoint.length > ENDPOINT_CHARS_MAX || !/^[\x21-\x7e]*$/.test(endpoint)) return null;
  const isObject = endpoint.startsWith("object:");
  const [, kind = "", name = ""] = (isObject ? OBJECT : URL_END).exec(endpoint) ?? [];
  if (!NAME.test(name) || (kind !== "sequencer" && kind !== "validator")) return null;
  return { at: isObject ? "object" : "url", kind, name };
}

export function objectEndpoint(kind: CommitteeKind, name: string): string {
  return `object:${kind}/${name}`;
}

export function readCommittee(read: CommitteeReader): CommitteeVariables {
  const validatorKek = readKek(read);
  const candidates = readCandidates(read);
  const named = readValidators(read);
  const validators = named ?? (candidates === null ? [] : DEFAULT_VALIDATORS);
  const isUsed = candidates !== null || validators.length > 0;
  if (isUsed && read.text("SEQ_VALIDATOR_KEK") === null) {
    read.problem("SEQ_VALIDATOR_KEK", "is required with SEQ_CANDIDATES or SEQ_VALIDATORS");
  }
  const base = readBase(read);
  return {
    committee: candidates === null ? null : { candidates, validators },
    ownCandidates: ownNames(candidates ?? [], base),
    ownValidators: ownNames(validators, base),
    validatorMode: readMode(read),
    validatorKek,
  };
}

function readKek(read: CommitteeReader): string | null {
  const text = read.text("SEQ_VALIDATOR_KEK");
  if (text === null || KEK.test(text)) return text;
  read.problem("SEQ_VALIDATOR_KEK", "must be 0x and 64 hex digits");
  return null;
}

/** Where this deployment is reached by the others, without a slash at its end; null when it is not. */
function readBase(read: CommitteeReader): string | null {
  const variable = "SEQ_COMMITTEE_URL";
  const text = read.text(variable)?.replace(/\/$/, "") ?? null;
  if (text !== null && !/^https?:\/\/[^?#@\s]+$/.test(text)) {
    read.problem(variable, "must be an http or https URL without query");
  } else if (text !== null && !read.isTrusted(text)) {
    read.problem(variable, "remote endpoints must use https");
  }
  return text;
}

/** Those that are objects here, whether they are named as such or by this deployment's URL. */
function ownNames(
  endpoints: readonly ConfiguredEndpoint[],
  base: string | null,
): readonly string[] {
  return endpoints.flatMap(({ endpoint }) => {
    const place = parseEndpoint(endpoint);
    if (place === null) return [];
    const isOwn =
      place.at === "object" || endpoint === `${base}/committee/${place.kind}/${place.name}`;
    return isOwn ? [place.name] : [];
  });
}

function readMode(read: CommitteeReader): ValidatorMode {
  const text = read.text("SEQ_VALIDATOR_MODE") ?? "linkage";
  if (text === "linkage" || text === "full") return text;
  read.problem("SEQ_VALIDATOR_MODE", "must be linkage or full");
  return "linkage";
}

function readCandidates(read: CommitteeReader): CommitteeConfig["candidates"] | null {
  const variable = "SEQ_CANDIDATES";
  const text = read.text(variable);
  if (text === null) return null;
  const candidates = text.split(",").map((part) => {
    const [id = "", ...rest] = part.split("=").map((side) => side.trim());
    return { id, ...readEndpoint(read, variable, "sequencer", rest.join("=")) };
  });
  if (candidates.some(({ id }) => !NAME.test(id))) {
    read.problem(variable, "ids must be 1 to 32 of a-z, 0-9 and inner hyphens");
  } else if (candidates.some(({ id, endpoint }) => parseEndpoint(endpoint)?.name !== id)) {
    read.problem(variable, "an endpoint must end with its candidate's id");
  }
  if (candidates.length > CANDIDATES_MAX) {
    read.problem(variable, `must be at most ${CANDIDATES_MAX} candidates`);
  }
  refuseTwice(read, variable, candidates);
  return candidates;
}

/** Null: the variable is not set. */
function readValidators(read: CommitteeReader): readonly ConfiguredEndpoint[] | null {
  const variable = "SEQ_VALIDATORS";
  const text = read.text(variable);
  if (text === null) return null;
  const validators = text
    .split(",")
    .map((part) => readEndpoint(read, variable, "validator", part.trim()));
  if (validators.length > MEMBERS_MAX) {
    read.problem(variable, `must be at most ${MEMBERS_MAX} validators`);
  }
  refuseTwice(read, variable, validators);
  return validators;
}

/** C5: four objects of this deployment. */
const DEFAULT_VALIDATORS: readonly ConfiguredEndpoint[] = Array.from(
  { length: DEFAULT_MEMBERS },
  (_, i) => ({ endpoint: objectEndpoint("validator", `v${i + 1}`), hint: null }),
);

function refuseTwice(
  read: CommitteeReader,
  variable: string,
  endpoints: readonly ConfiguredEndpoint[],
): void {
  const names = new Set(endpoints.map(({ endpoint }) => endpoint));
  if (names.size < endpoints.length) read.problem(variable, "must not name an endpoint twice");
}

function readEndpoint(
  read: CommitteeReader,
  variable: string,
  kind: CommitteeKind,
  text: string,
): ConfiguredEndpoint {
  const isObject = text.startsWith("object:");
  const [endpoint = "", hint, ...rest] = isObject ? text.split("@") : [text];
  const place = parseEndpoint(endpoint);
  if (place === null || place.kind !== kind || rest.length > 0) {
    read.problem(
      variable,
      `must be object:${kind}/name or a URL that ends /committee/${kind}/name`,
    );
  } else if (place.at === "url" && !read.isTrusted(endpoint)) {
    read.problem(variable, "remote endpoints must use https");
  }
  const known = HINTS.find((one) => one === hint);
  if (hint !== undefined && known === undefined) {
    read.problem(variable, "has an unknown location hint");
  }
  return { endpoint, hint: known ?? null };
}
