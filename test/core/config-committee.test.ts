/** The committee's variables: who is in it, and where (C5, C9). */

import { describe, expect, test } from "vitest";
import { parseEndpoint } from "../../src/core/config/committee.ts";
import { accepted, problemsWith } from "../support/config.ts";

const SEQ_VALIDATOR_KEK = `0x${"ab".repeat(32)}`;
const SEQ_CANDIDATES = "a=object:sequencer/a";
const both = { SEQ_VALIDATOR_KEK, SEQ_CANDIDATES };
const objects = ["v1", "v2", "v3", "v4"].map((name) => `object:validator/${name}`);

test("[C5] without candidates there is no committee", () => {
  const config = accepted({ SEQ_VALIDATOR_KEK });
  expect([config.committee, config.ownValidators]).toEqual([null, []]);
  expect(config.secrets.validatorKek).toBe(SEQ_VALIDATOR_KEK);
});

test("[C5] with candidates the default validators are four objects of the deployment", () => {
  const { committee, ownValidators, validatorMode } = accepted(both);
  expect(committee?.candidates).toEqual([{ id: "a", endpoint: "object:sequencer/a", hint: null }]);
  expect(committee?.validators.map(({ endpoint }) => endpoint)).toEqual(objects);
  expect(ownValidators).toEqual(["v1", "v2", "v3", "v4"]);
  expect(validatorMode).toBe("linkage");
});

test("[C5] a deployment may have validators and no candidates", () => {
  const SEQ_VALIDATORS = "object:validator/x";
  const config = accepted({ SEQ_VALIDATOR_KEK, SEQ_VALIDATORS, SEQ_VALIDATOR_MODE: "full" });
  expect(config.committee).toBeNull();
  expect([config.ownValidators, config.validatorMode]).toEqual([["x"], "full"]);
});

test("[C5] candidates keep their order, and a location hint stays out of the endpoint", () => {
  const { committee, ownValidators } = accepted({
    ...both,
    SEQ_CANDIDATES: " b = https://b.example/x/committee/sequencer/b , a=object:sequencer/a@eeur ",
    SEQ_VALIDATORS: "object:validator/v1@weur,https://h.example/committee/validator/v1",
  });
  expect(committee).toEqual({
    candidates: [
      { id: "b", endpoint: "https://b.example/x/committee/sequencer/b", hint: null },
      { id: "a", endpoint: "object:sequencer/a", hint: "eeur" },
    ],
    validators: [
      { endpoint: "object:validator/v1", hint: "weur" },
      { endpoint: "https://h.example/committee/validator/v1", hint: null },
    ],
  });
  expect(ownValidators).toEqual(["v1"]);
});

test("[C5] endpoints below SEQ_COMMITTEE_URL are objects of the deployment", () => {
  const of = (host: string, kind: string, name: string): string =>
    `https://${host}.example/x/committee/${kind}/${name}`;
  const { ownCandidates, ownValidators } = accepted({
    SEQ_VALIDATOR_KEK,
    SEQ_CANDIDATES: `a=${of("h", "sequencer", "a")},b=${of("i", "sequencer", "b")}`,
    SEQ_VALIDATORS: [of("h", "validator", "v"), of("i", "validator", "w")].join(),
    SEQ_COMMITTEE_URL: "https://h.example/x/",
  });
  expect([ownCandidates, ownValidators]).toEqual([["a"], ["v"]]);
  for (const url of ["http://h.example", "h.example", "https://h.example/?x=1"]) {
    expect(problemsWith("SEQ_COMMITTEE_URL", { SEQ_COMMITTEE_URL: url })).toHaveLength(1);
  }
});

describe("SEQ_CANDIDATES", () => {
  const variable = "SEQ_CANDIDATES";
  const many = (count: number): string =>
    Array.from({ length: count }, (_, i) => `c${i}=object:sequencer/c${i}`).join();
  const longest = "a".repeat(32);

  test("are at most 16, with ids of at most 32 characters", () => {
    expect(accepted({ ...both, [variable]: many(16) }).committee?.candidates).toHaveLength(16);
    expect(problemsWith(variable, { ...both, [variable]: many(17) })).toHaveLength(1);
    const named = (id: string) => ({ ...both, [variable]: `${id}=object:sequencer/${id}` });
    expect(accepted(named(longest)).committee?.candidates[0]?.id).toBe(longest);
    expect(problemsWith(variable, named(`${longest}a`))).not.toEqual([]);
  });

  test.each([
    "a",
    "a=",
    "=object:sequencer/a",
    "A=object:sequencer/A",
    "-a=object:sequencer/-a",
    "a=object:sequencer/b",
    "a=object:validator/a",
    "a=object:sequencer/a@mars",
    "a=object:sequencer/a@weur@weur",
    "a=object:sequencer/a,a=object:sequencer/a",
    "a=https://h.example/committee/sequencer/b",
    "a=https://h.example/sequencer/a",
    "a=https://h.example/committee/sequencer/a?x=1",
    "a=https://h.example/committee/sequencer/a@weur",
    "a=http://h.example/committee/sequencer/a",
    "a=https://user:pass@h.example/committee/sequencer/a",
  ])("%s is refused", (value) => {
    expect(problemsWith(variable, { ...both, [variable]: value })).not.toEqual([]);
  });

  test("may be reached by http on this machine, or where insecure RPC is allowed", () => {
    const near = "a=http://127.0.0.1:3000/committee/sequencer/a";
    const far = "a=http://h.example/committee/sequencer/a";
    expect(accepted({ ...both, [variable]: near }).committee).not.toBeNull();
    const insecure = { ...both, [variable]: far, SEQ_ALLOW_INSECURE_RPC: "1" };
    expect(accepted(insecure).committee).not.toBeNull();
  });
});

describe("SEQ_VALIDATORS", () => {
  const variable = "SEQ_VALIDATORS";
  const many = (count: number): string =>
    Array.from({ length: count }, (_, i) => `object:validator/v${i}`).join();

  test("are at most 64", () => {
    expect(accepted({ ...both, [variable]: many(64) }).ownValidators).toHaveLength(64);
    expect(problemsWith(variable, { ...both, [variable]: many(65) })).toHaveLength(1);
  });

  test.each([
    "object:sequencer/a",
    "object:validator/a,object:validator/a",
    "v1",
    "object:validator/",
  ])("%s is refused", (value) =>
    expect(problemsWith(variable, { ...both, [variable]: value })).not.toEqual([]),
  );
});

describe("SEQ_VALIDATOR_KEK", () => {
  const variable = "SEQ_VALIDATOR_KEK";

  test.each([{ SEQ_CANDIDATES }, { SEQ_VALIDATORS: "object:validator/x" }])(
    "is required with %j",
    (variables) => expect(problemsWith(variable, variables)).toHaveLength(1),
  );

  test.each([
    "ab".repeat(32),
    `0x${"ab".repeat(31)}`,
    `0x${"ab".repeat(33)}`,
    `0x${"zz".repeat(32)}`,
  ])("%s is refused, and not repeated", (value) => {
    const problems = problemsWith(variable, { ...both, [variable]: value });
    expect(problems).toEqual(["must be 0x and 64 hex digits"]);
  });
});

test("SEQ_VALIDATOR_MODE is linkage or full", () => {
  expect(accepted({ ...both, SEQ_VALIDATOR_MODE: "full" }).validatorMode).toBe("full");
  expect(problemsWith("SEQ_VALIDATOR_MODE", { ...both, SEQ_VALIDATOR_MODE: "light" })).toHaveLength(
    1,
  );
});

test("an endpoint has at most 255 printable characters", () => {
  const of = (length: number): string => {
    const end = "/committee/validator/v";
    return `https://${"h".repeat(length - end.length - 8)}${end}`;
  };
  expect(parseEndpoint(of(255))).toEqual({ at: "url", kind: "validator", name: "v" });
  expect(parseEndpoint(of(256))).toBeNull();
  expect(parseEndpoint("https://hé.example/committee/validator/v")).toBeNull();
});
